"""What a recovery to a point would meet on this host: looked at before anything is made or stopped."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.database.account import account_named
from aihummer_drtui.recovery.database.admin import admin_of
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named
from aihummer_drtui.recovery.database.marker import databases_seen
from aihummer_drtui.recovery.database.programs import server_programs
from aihummer_drtui.recovery.database.server import Running, Server
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.point_in_time.model import BaseBackup
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.target import Target

_HEADROOM: Final = 1.05
_WAL: Final = 1_000_000_000
"""Bytes of WAL that the server beside keeps while it replays: its max_wal_size and a little more."""
_NONE: Final = "postgres"
"""The one database besides the templates that a cluster has that nobody has used."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is there, and would be replaced."""

    data: Path
    exists: bool
    """Whether there is a data directory to replace."""
    same_cluster: bool
    """Whether it is the cluster that was backed up, rather than another one made on this host."""
    databases: tuple[str, ...]
    """Of the live server, if it runs and tells."""
    free: int
    """Bytes, on the file system of the data directory."""
    needed: int
    """Bytes, beside what is there."""
    warnings: tuple[str, ...]


class UnseenError(PreconditionError):
    """The live server runs and does not tell who is connected to it: nobody can say that it is nobody."""


class _Database(msgspec.Struct, frozen=True):
    """A database of the live server."""

    name: str
    clients: int


def local_server(target: Target, owner: Owner, base: BaseBackup) -> Server:
    """The server of this host, as `server_of` gives it; where no data directory is left, the configured one.

    Raises PreconditionError as that does, and where what is needed to make one anew is not configured.
    """
    data = target.postgres.data_directory
    if data is None or not _is_free(data):
        if data is not None and data.is_dir() and _lacks_version(data):
            raise PreconditionError(
                "the data directory is damaged: it has no PG_VERSION",
                where=str(data),
                hint=f"move it away (mv {shlex.quote(str(data))} {shlex.quote(f'{data}.damaged')}), then run "
                "the same command again",
            )
        return server_of(target)
    if not target.postgres.account:
        raise PreconditionError(
            "there is no data directory, and whom the server runs as is not known",
            where=str(data),
            hint="name it as `account` in [postgres] of target.toml, with `start` and `stop`",
        )
    account = account_named(target.postgres.account)
    account.identity()
    return Server(
        target=target,
        data=data,
        account=account,
        programs=server_programs(target, account, major=base.server_major),
        sockets=Path(owner.place.host if owner.place.host.startswith("/") else "/var/run/postgresql"),
        port=owner.place.port,
    )


def _lacks_version(data: Path) -> bool:
    try:
        return not os.path.lexists(data / "PG_VERSION") and any(data.iterdir())
    except OSError:
        # Closed to this account, which is told as such.
        return False


def room_needed(base: BaseBackup) -> int:
    """Bytes that a base backup takes once it is laid out and recovers."""
    return int(base.size * _HEADROOM) + _WAL


def look(
    server: Server, place: DataPlace, owner: Owner, base: BaseBackup, *, chosen: bool, counts_on: int = 0
) -> Outlook:
    """Look whether the base backup can be recovered beside and put in place.

    `chosen` says that the operator named this base backup; `counts_on` are bytes of it that an earlier try
    has laid out already. Raises PreconditionError that names what stands in the way, UnseenError among them.
    """
    _refuse_other_major(server, base)
    exists = not _is_free(place.live)
    place.refuse_no_exchange()
    _refuse_no_start(server, place, exists=exists)
    runs = exists and server.running() is Running.YES
    databases = _databases(server, owner) if runs else None
    if databases is not None:
        refuse_connected(owner, databases)
    names = tuple(each.name for each in databases or ())
    damage = ""
    try:
        same = exists and server.system_identifier() == base.system_identifier
    except FailedError as error:
        # Whose it was, nobody can tell any more: as another one it is replaced only where that is said.
        same, damage = False, error.what
    if damage and not chosen:
        raise PreconditionError(
            f"whose the data directory is cannot be told, it is damaged: {cleaned_line(damage, 200)}",
            where=str(server.data),
            hint=f"look at it; if it is to be replaced, say so: --base {cleaned_line(base.label, 60)}",
        )
    if exists and not same:
        _refuse_foreign(server, base, names, known=databases is not None, chosen=chosen)
    free = _free(place.live.parent)
    needed = max(0, room_needed(base) - counts_on)
    if free < needed:
        raise PreconditionError(
            f"{bytes_text(free)} free, {bytes_text(needed)} needed for a second data directory beside the "
            "old one, which is kept",
            where=str(place.live.parent),
            hint="make room there, but not by removing the old data directory",
        )
    warnings = list(server.programs.known_holes)
    if exists and databases is None:
        warnings.append("what the live server holds is not known: it is stopped")
    if damage:
        warnings.append(f"the data directory here is damaged, and is replaced: {cleaned_line(damage, 200)}")
    elif exists and not same:
        warnings.append("the server here is another cluster than the one backed up, and is replaced")
    if (place.live / "pg_wal").is_symlink():
        warnings.append("pg_wal lies on a disk of its own now; it will be in the data directory")
    if others := [name for name in names if name not in {owner.database, _NONE}]:
        warnings.append(f"the whole server is replaced, with database {cleaned_line(', '.join(others))} too")
    return Outlook(
        data=place.live,
        exists=exists,
        same_cluster=same,
        databases=names,
        free=free,
        needed=needed,
        warnings=tuple(warnings),
    )


def _refuse_other_major(server: Server, base: BaseBackup) -> None:
    here, there = server.programs.major, base.server_major
    if here != there:
        raise PreconditionError(
            f"the server here is PostgreSQL {here}, the base backup is of {there}",
            where=str(server.data),
            hint=f"a base backup starts under its own major version only: install postgresql-{there}, and "
            "name its data directory in [postgres] of target.toml",
        )


def _refuse_no_start(server: Server, place: DataPlace, *, exists: bool) -> None:
    """Let pass a server whose start is configured, or that pg_ctl can start by its data directory alone."""
    commands = server.target.postgres
    if exists and not (commands.start and commands.stop) and not (place.live / "postgresql.conf").exists():
        raise PreconditionError(
            "the server's configuration lies elsewhere, and how the server is started is not known",
            where=str(place.live / "postgresql.conf"),
            hint='say it as `start` and `stop` in [postgres] of target.toml: ["systemctl", "start", '
            '"postgresql@17-main"]',
        )


def refuse_connected(owner: Owner, databases: "tuple[_Database, ...]") -> None:
    """Let pass a live database that no client is connected to. Raises PreconditionError for any other."""
    clients = sum(each.clients for each in databases if each.name == owner.database)
    if clients:
        raise PreconditionError(
            f"{clients} connections hold the live database: the gateway, or a psql",
            where=owner.phrase,
            hint="stop AiHummer (and whatever else is connected), then try again; nothing was changed",
        )


def refuse_gateway(server: Server, owner: Owner) -> None:
    """As `refuse_connected`, asked anew: hours may have passed since the first look.

    Raises UnseenError too.
    """
    if server.running() is Running.YES:
        refuse_connected(owner, _databases(server, owner))


def _is_free(data: Path) -> bool:
    """Whether there is nothing at the data directory, or an empty folder."""
    if not os.path.lexists(data):
        return True
    try:
        return data.is_dir() and not any(data.iterdir())
    except OSError:
        # Closed to this account, so it is something.
        return False


def _databases(server: Server, owner: Owner) -> "tuple[_Database, ...]":
    """The live server's databases with their clients.

    Raises UnseenError where it tells neither the owner nor a superuser.
    """
    try:
        with (
            connect(owner, database=server.target.maintenance_database, statement_seconds=10) as connection,
            failures_named("the live server did not answer", owner),
        ):
            return tuple(
                _Database(name=seen.name, clients=seen.connections)
                for seen in databases_seen(connection).values()
            )
    except DrtuiError:
        # A fresh cluster does not know the owner.
        pass
    try:
        return admin_of(server).rows(
            "SELECT datname AS name, (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend') AS clients "
            "FROM pg_database d WHERE NOT datistemplate",
            _Database,
        )
    except DrtuiError as error:
        raise UnseenError(
            "the live server runs, and who is connected to it cannot be seen: "
            f"{cleaned_line(error.what, 200)}",
            where=str(server.data),
            hint="stop AiHummer and the server itself, or name a superuser who is let in as `admin` in "
            "[postgres] of target.toml; nothing was changed",
        ) from None


def _refuse_foreign(
    server: Server, base: BaseBackup, names: tuple[str, ...], *, known: bool, chosen: bool
) -> None:
    """Let pass another cluster that nobody has used yet, or whose replacement was asked for by name."""
    used = [name for name in names if name != _NONE]
    if chosen or (known and not used):
        return
    holds = f"holds {cleaned_line(', '.join(used))}" if known else "does not tell what it holds"
    raise PreconditionError(
        f"the base backup is of another cluster (system identifier {base.system_identifier}) than the live "
        f"server, which {holds}",
        where=str(server.data),
        hint=f"is it this installation's backup? if the live server is to be replaced, say so: "
        f"--base {cleaned_line(base.label, 60)}",
    )


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
