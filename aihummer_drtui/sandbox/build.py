"""The order in which a sandbox comes to be."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.sandbox.account import Account
from aihummer_drtui.sandbox.cluster import Cluster, create_cluster
from aihummer_drtui.sandbox.daemon import start_gateway
from aihummer_drtui.sandbox.environment import (
    Secrets,
    gateway_variables,
    media_url,
    new_secrets,
    write_environment,
)
from aihummer_drtui.sandbox.generate import Tell, fill, schema_sql
from aihummer_drtui.sandbox.installation import VERSION, Installation, install
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import Marker, write_marker
from aihummer_drtui.sandbox.postgres_binaries import find_binaries
from aihummer_drtui.sandbox.status import DATABASE
from aihummer_drtui.sandbox.target_text import target_text
from aihummer_drtui.sandbox.wal import begin_archiving, target_table

OWNER: Final = "aihummer"
APP: Final = "aihummer_app"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to build, where, as whom."""

    layout: Layout
    marker: Marker
    account: Account
    named: Path | None
    """The PostgreSQL that the user chose."""


def build(plan: Plan, tell: Tell, take_backup: Callable[[Layout], None]) -> Marker:
    """Build the whole stand-in, start it, have its backup taken; give the mark with what was chosen.

    Raises PreconditionError, FailedError, OSError; what was begun stays for `down` or the next `up`.
    """
    started = time.monotonic()

    def say(phase: str) -> None:
        tell(Progress(phase=phase, done=0, total=0, unit="", elapsed=time.monotonic() - started))

    layout = plan.layout
    say("looking for PostgreSQL")
    binaries = find_binaries(plan.account, named=plan.named, copy_to=layout.binaries)
    marker = msgspec.structs.replace(plan.marker, postgres_bin=binaries.folder)
    write_marker(layout, marker)
    say(f"starting {binaries.version} ({binaries.origin})")
    cluster = Cluster(
        layout=layout,
        postgres_bin=binaries.folder,
        account=plan.account,
        tcp_port=marker.tcp_port,
        wal=marker.wal,
    )
    create_cluster(cluster)
    cluster.start()
    values = new_secrets(marker.seed)
    create_roles(cluster, owner_password=values.owner_password, app_password=values.app_password)
    create_database(cluster)
    install(layout, Installation(version=VERSION, postgres_bin=binaries.folder))
    owner_url = cluster.url(user=OWNER, password=values.owner_password, database=DATABASE)
    signed_path = _fill(plan, owner_url, values, tell)
    if marker.wal:
        begin_archiving(cluster)
    _write_configuration(cluster, marker, values, signed_path)
    start_gateway(layout.host)
    take_backup(layout)
    return marker


def create_roles(cluster: Cluster, *, owner_password: str, app_password: str) -> None:
    """Make the two roles. Raises PreconditionError where pgcrypto is missing."""
    from psycopg import sql

    with cluster.connected() as connection:
        found = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pgcrypto'").fetchone()
        if found is None:
            raise PreconditionError(
                "this PostgreSQL has no pgcrypto, which AiHummer needs",
                where=str(cluster.postgres_bin),
                hint="choose another with --postgres-bin, or install the distribution's postgresql-contrib",
            )
        for role, rights, password in (
            (OWNER, sql.SQL("LOGIN CREATEDB"), owner_password),
            (APP, sql.SQL("LOGIN"), app_password),
        ):
            connection.execute(
                sql.SQL("CREATE ROLE {} {} PASSWORD {}").format(sql.Identifier(role), rights, password)
            )
        # The owner may end the restricted role's connections, which a swap of databases needs.
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP), sql.Identifier(OWNER)))


def create_database(cluster: Cluster) -> None:
    """Make the empty database of a cluster that has its roles."""
    from psycopg import sql

    with cluster.connected() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
        )


def _fill(plan: Plan, owner_url: str, values: Secrets, tell: Tell) -> str:
    """Fill database and blobs; give a media URL signed now, to be served after the recovery."""
    import psycopg

    layout, marker = plan.layout, plan.marker
    layout.blobs.mkdir()
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            with connection.transaction():
                connection.execute(schema_sql())
            fill(
                connection,
                seed=marker.seed,
                size=marker.size,
                master_key=values.master_key,
                blobs=layout.blobs,
                tell=tell,
            )
            paths = connection.execute("SELECT path FROM media ORDER BY id OFFSET 2 LIMIT 1").fetchall()
    except psycopg.Error as error:
        raise FailedError(
            f"the stand-in's database could not be filled: {cleaned_line(str(error))}",
            where=str(layout.root),
            hint="is the disk full? the log is run/postgres.log",
        ) from error
    return media_url(values.media_token_secret, paths[0][0])


def _write_configuration(cluster: Cluster, marker: Marker, values: Secrets, signed_path: str) -> None:
    layout = cluster.layout
    variables = gateway_variables(
        values,
        owner_url=cluster.url(user=OWNER, password=values.owner_password, database=DATABASE),
        app_url=cluster.url(user=APP, password=values.app_password, database=DATABASE),
        blobs=layout.blobs,
        port=marker.gateway_port,
        seed=marker.seed,
    )
    write_durably(layout.gateway_env, write_environment(variables, comment="training stand-in"))
    layout.escrow.parent.mkdir(mode=0o700)
    escrowed = write_environment(variables, comment="key escrow of a training stand-in")
    write_durably(layout.escrow, escrowed)
    layout.backups.mkdir(mode=0o700)
    text = target_text(
        layout,
        sandbox_id=marker.id,
        port=marker.gateway_port,
        postgres_bin=cluster.postgres_bin,
        signed_path=signed_path,
        wal=target_table(cluster) if marker.wal else "",
    )
    write_durably(layout.target, text.encode())
