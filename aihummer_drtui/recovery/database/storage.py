"""Where the server keeps its files, as far as it can be known from here, and what a restore adds to them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.database.connection import Owner
from aihummer_drtui.recovery.database.content import one_number
from aihummer_drtui.recovery.database.dsn import Place
from aihummer_drtui.recovery.space import Part

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_SORT_SHARE: Final = 5
"""One part in so many of the database: the largest indexes are sorted in files when memory is short."""
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SOCKETS: Final = (Path("/var/run/postgresql"), Path("/tmp"))  # noqa: S108 - PostgreSQL's own two defaults
_SAME_START: Final = 2
"""Seconds between the start as the server tells it and as its lock file does."""
_ELSEWHERE: Final = "the server is on another host"
_NOT_TOLD: Final = "this account may not see the server's folders"


@dataclass(frozen=True, kw_only=True)
class _Place:
    folder: Path | None
    unknown: str = ""


def database_parts(connection: "Connection[TupleRow]", owner: Owner, manifest: Manifest) -> tuple[Part, ...]:
    """What the restore of a sealed database writes, and where. The old database stays beside it.

    Raises psycopg's errors.
    """
    size = manifest.database.size
    data = _data(connection, owner)
    wal = _log_place(data)
    unproven = "" if manifest.knows(Fact.SIZE) else "the size of the database was not sealed"
    log = _log_growth(connection, size, wal.folder)
    tables = _tables_place(data)
    wanted = [("restored database", tables, size), ("write-ahead log", wal, log)]
    wanted += [("sorting", place, size // _SORT_SHARE) for place in _temporary(connection, tables)]
    return tuple(
        Part(name=name, place=place.folder, size=amount, unknown=unproven or place.unknown)
        for name, place, amount in wanted
    )


def _data(connection: "Connection[TupleRow]", owner: Owner) -> _Place:
    place = owner.place
    if not place.is_socket and place.host not in _LOOPBACK:
        return _Place(folder=None, unknown=_ELSEWHERE)
    if place.is_socket:
        # The setting is hidden from roles without pg_read_all_settings.
        row = connection.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
        if row:
            return _Place(folder=Path(row[0]))
    if (folder := _locked_by(connection, place)) is not None:
        return _Place(folder=folder)
    return _Place(folder=None, unknown=_NOT_TOLD if place.is_socket else f"{_NOT_TOLD}, or {_ELSEWHERE}")


def _locked_by(connection: "Connection[TupleRow]", place: Place) -> Path | None:
    """The data directory of the server that answers, as its socket's lock file names it; None = not seen.

    The lock file names the data directory and the start (src/include/utils/pidfile.h), for root and the
    server's own account. A port of this host may lead to a container or through a tunnel: only the very
    same start is the same server.
    """
    folders = (Path(place.host or _SOCKETS[0]),) if place.is_socket else _SOCKETS
    started = one_number(connection, "SELECT extract(epoch FROM pg_postmaster_start_time())::bigint")
    for folder in folders:
        try:
            lines = (folder / f".s.PGSQL.{place.port}.lock").read_text().splitlines()
            if abs(int(lines[2]) - started) <= _SAME_START:
                return Path(lines[1])
        except (OSError, IndexError, ValueError):
            continue
    return None


def data_folder(connection: "Connection[TupleRow]", owner: Owner) -> str:
    """The server's data directory, as it says or as its socket's lock file does.

    Raises OSError where neither tells, psycopg's errors where the server does not answer.
    """
    # The setting is hidden from roles without pg_read_all_settings.
    row = connection.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
    if row:
        return str(row[0])
    if (folder := _locked_by(connection, owner.place)) is None:
        raise FileNotFoundError
    return str(folder)


def locked_folder(owner: Owner) -> str:
    """The data directory as the second line of the socket's lock file names it, where nothing answers.

    It is there while the server runs, for root and the server's own account to read
    (src/include/utils/pidfile.h). Of a way over TCP nothing tells which server that would be, and none is
    taken. Raises OSError or IndexError.
    """
    if not owner.place.is_socket:
        raise FileNotFoundError
    lock = Path(owner.place.host or _SOCKETS[0]) / f".s.PGSQL.{owner.place.port}.lock"
    return lock.read_text().splitlines()[1]


def _tables_place(data: _Place) -> _Place:
    """The folder of the default tablespace: a file system of its own where somebody mounted one there."""
    if data.folder is None:
        return data
    try:
        return _Place(folder=(data.folder / "base").resolve(strict=True))
    except OSError:
        # Closed to this account; initdb makes it in the data directory and knows no other place.
        return data


def _log_place(data: _Place) -> _Place:
    if data.folder is None:
        return data
    try:
        # It may be a link to another file system (initdb --waldir).
        return _Place(folder=(data.folder / "pg_wal").resolve(strict=True))
    except OSError as error:
        return _Place(folder=None, unknown=f"{data.folder / 'pg_wal'}: {error.strerror}")


def _log_growth(connection: "Connection[TupleRow]", size: int, folder: Path | None) -> int:
    """Bytes by which the log may grow: it holds what is restored once.

    Checkpoints keep it near max_wal_size and wal_keep_size, unless an archive or a replication slot
    holds segments back (https://www.postgresql.org/docs/current/wal-configuration.html).
    """
    bound = size
    if not one_number(
        connection,
        "SELECT (current_setting('archive_mode') <> 'off'"
        " OR EXISTS (SELECT FROM pg_replication_slots WHERE restart_lsn IS NOT NULL))::int",
    ):
        kept = one_number(
            connection,
            "SELECT sum(pg_size_bytes(setting || unit)) FROM pg_settings"
            " WHERE name IN ('max_wal_size', 'wal_keep_size')",
        )
        bound = min(size, kept)
    return max(0, bound - _present(folder)) if bound < size else bound


def _present(folder: Path | None) -> int:
    """Bytes of segments that are there already and will be used again."""
    if folder is None:
        return 0
    try:
        return sum(each.stat().st_size for each in os.scandir(folder) if each.is_file(follow_symlinks=False))
    except OSError:
        return 0


def _temporary(connection: "Connection[TupleRow]", tables: _Place) -> Iterator[_Place]:
    """Where sorts spill to: temp_tablespaces, else beside the tables."""
    rows = connection.execute(
        "SELECT pg_tablespace_location(t.oid) FROM pg_tablespace t"
        " WHERE spcname = ANY (SELECT trim(both ' \"' FROM part)"
        " FROM unnest(string_to_array(current_setting('temp_tablespaces'), ',')) part)"
    ).fetchall()
    if tables.unknown or not rows:
        yield tables
        return
    for (location,) in rows:
        yield _Place(folder=Path(location)) if location else tables
