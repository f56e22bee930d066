"""Losing a stand-in's database: its databases only, or the whole server with all that was not archived."""

import shutil
from dataclasses import replace

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.sandbox.build import create_roles
from aihummer_drtui.sandbox.cluster import Cluster, Server, create_cluster
from aihummer_drtui.sandbox.environment import read_environment

_NAMES = ("AIHUMMER_DATABASE_URL", "AIHUMMER_DB_APP_URL")


def drop_databases(cluster: Cluster) -> None:
    """Drop every database; the server and its roles stay. Raises FailedError."""
    from psycopg import sql

    if cluster.state() is Server.STOPPED:
        cluster.start()
    with cluster.connected() as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
        ).fetchall()
        for (name,) in rows:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def lose_server(cluster: Cluster) -> None:
    """End every server of the sandbox at once and remove its data directory.

    At once, because a server that is asked to stop archives its last segment first, and a host that
    burns does not (PostgreSQL 17, 25.3.1). Raises FailedError, OSError.
    """
    for data in cluster.layout.data_folders():
        replace(cluster, beside=data).stop(modes=("immediate",))
        shutil.rmtree(data)
    if cluster.layout.data.exists():
        shutil.rmtree(cluster.layout.data)  # of an initdb that was killed


def replace_server(cluster: Cluster) -> None:
    """Make a new server with the two roles and no database, as on a replacement host; it archives nothing.

    Raises PreconditionError where the key escrow does not tell the roles' passwords, FailedError, OSError.
    """
    passwords = _passwords(cluster)
    fresh = replace(cluster, wal=False)
    create_cluster(fresh)
    fresh.start()
    create_roles(fresh, owner_password=passwords[0], app_password=passwords[1])


def _passwords(cluster: Cluster) -> tuple[str, str]:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    escrow = cluster.layout.escrow
    variables = read_environment(escrow)
    try:
        owner, app = (str(conninfo_to_dict(variables[name])["password"]) for name in _NAMES)
    except (KeyError, ProgrammingError):
        raise PreconditionError(
            "the key escrow does not tell the passwords of the stand-in's roles",
            where=str(escrow),
            hint="it was changed: aihummer-drtui sandbox down, then sandbox up",
        ) from None
    return owner, app
