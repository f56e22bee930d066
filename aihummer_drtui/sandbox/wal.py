"""A sandbox that archives its WAL, away from its host."""

import shlex
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError
from aihummer_drtui.sandbox.cluster import SUPERUSER, Cluster
from aihummer_drtui.sandbox.layout import Layout

SEGMENT_MEGABYTES: Final = 1
"""Of WAL (initdb --wal-segsize): segments are closed every few seconds, and the archive stays small."""
TIMEOUT_SECONDS: Final = 5
"""archive_timeout: what the loss of the host can lose of a sandbox under traffic."""


def archive_command(archive: Path) -> str:
    """PostgreSQL's setting: a segment appears under its name only once it is whole and on the disk.

    One that is there already is kept, and the same content counts as archived: after a crash the server
    may archive a segment twice (PostgreSQL 17, 25.3.1). Other content is refused.
    """
    final, partial = (_placed(archive, name) for name in ("%f", ".%f.partial"))
    folder = _escaped(archive)
    return (
        f"if test -e {final}; then cmp -s %p {final}; else "
        f"cp %p {partial} && sync {partial} && mv {partial} {final} && sync {folder}; fi"
    )


def begin_archiving(cluster: Cluster) -> None:
    """Archive from now on: what was written while the stand-in was filled lies before any base backup.

    Raises FailedError, OSError.
    """
    layout = cluster.layout
    for folder in (layout.wal, layout.bases):
        folder.mkdir(mode=0o700)
        cluster.account.own(folder)
    _write_password_file(layout)
    with cluster.connected() as connection:
        from psycopg import sql

        setting = sql.Literal(archive_command(layout.wal))
        connection.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(setting))
        connection.execute(f"ALTER SYSTEM SET archive_timeout = '{TIMEOUT_SECONDS}s'".encode())
        connection.execute("SELECT pg_reload_conf()")


def is_archiving(cluster: Cluster) -> bool:
    """Whether what is written is archived: not by a server that a recovery from a dump was made into.

    Raises FailedError.
    """
    with cluster.connected() as connection:
        row = connection.execute(
            "SELECT current_setting('archive_mode') <> 'off' AND current_setting('archive_command') <> ''"
        ).fetchone()
    return bool(row and row[0])


def settle_archive(cluster: Cluster) -> None:
    """Have all that is committed archived now. Raises FailedError when the archive does not take it."""
    import time

    with cluster.connected() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        if row is None:
            raise FailedError("the server names no WAL file", hint="aihummer-drtui sandbox status")
        until = time.monotonic() + 60
        while not (cluster.layout.wal / str(row[0])).exists():
            if time.monotonic() > until:
                raise FailedError(
                    f"{row[0]} was not archived within a minute",
                    where=str(cluster.layout.wal),
                    hint="the server's log tells why: run/postgres.log",
                )
            time.sleep(0.1)


def target_table(cluster: Cluster) -> str:
    """What target.toml says of the server and its WAL."""
    from psycopg.conninfo import make_conninfo

    from aihummer_drtui.sandbox.target_text import toml_text

    layout = cluster.layout
    admin = make_conninfo(
        "", host=str(layout.sockets), port=cluster.port, user=SUPERUSER, passfile=str(layout.passfile)
    )
    return f"""
[postgres]
admin = {toml_text(admin)}
data-directory = {toml_text(layout.data)}

[wal]
archive = {toml_text(layout.wal)}
base-places = [{toml_text(layout.bases)}]
"""


def _write_password_file(layout: Layout) -> None:
    password = layout.superuser_password.read_text("ascii").strip()
    write_durably(layout.passfile, f"*:*:*:{SUPERUSER}:{password}\n".encode())


def _placed(archive: Path, name: str) -> str:
    return f"{_escaped(archive)}/{name}"


def _escaped(path: Path) -> str:
    """A path in archive_command: quoted for the shell, with % doubled (PostgreSQL 17, 19.5.3)."""
    return shlex.quote(str(path)).replace("%", "%%")
