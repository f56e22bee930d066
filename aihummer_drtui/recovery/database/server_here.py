"""Which server of this host it is that the target's database lies on."""

import socket
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount, account_named, account_owning
from aihummer_drtui.recovery.database.connection import Owner, connect, owner_of
from aihummer_drtui.recovery.database.dsn import Place
from aihummer_drtui.recovery.database.programs import data_major, server_programs
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.database.storage import data_folder, locked_folder
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.target import Target

_NAME_IT: Final = "name it as `data-directory` in [postgres] of target.toml"


class OtherHostError(PreconditionError):
    """The database server is on another host: nothing of it lies here."""


def server_of(target: Target) -> Server:
    """The server of this host that the target's database lies on.

    Raises PreconditionError when it is on another host, its data directory is not known or none, this
    account may not act as the server's, or its programs are missing.
    """
    owner, why = _owner(target)
    if owner is not None:
        _refuse_other_host(owner.place)
    data = _data(target, owner, why)
    major = data_major(data)
    account = _account(target, data)
    account.identity()
    place = _admin_place(target) or (owner.place if owner and owner.place.is_socket else None)
    sockets, port = _socket(data, place)
    return Server(
        target=target,
        data=data,
        account=account,
        programs=server_programs(target, account, major=major),
        sockets=sockets,
        port=port,
    )


def _owner(target: Target) -> tuple[Owner | None, str]:
    """The owner role's way, or why it is not known: on a lost host gateway.env may still be missing."""
    try:
        return owner_of(target), ""
    except PreconditionError as error:
        return None, error.what


def _refuse_other_host(place: Place) -> None:
    if not place.is_socket and not _is_here(place.host):
        raise OtherHostError(
            f"the database server is on another host ({cleaned_line(place.host, 80)})",
            where="AIHUMMER_DATABASE_URL",
            hint="a server is backed up or replaced as a whole on its own host: run this there",
        )


def _is_here(host: str) -> bool:
    """Whether a name leads to an address of this host: only such a one can be bound to."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, _, _, address in found:
        with socket.socket(family, kind) as tried:
            try:
                tried.bind(address)
            except OSError:
                continue
            return True
    return False


def _data(target: Target, owner: Owner | None, why: str) -> Path:
    if target.postgres.data_directory is not None:
        return target.postgres.data_directory
    if owner is None:
        raise PreconditionError(f"the data directory is not known: {why}", hint=_NAME_IT)
    try:
        return Path(_asked(target, owner))
    except (OSError, IndexError):
        raise PreconditionError(
            "the data directory is not known: the server does not tell the owner role, "
            "and its socket's lock file is not to be read",
            where=str(owner.place),
            hint=_NAME_IT,
        ) from None


def _asked(target: Target, owner: Owner) -> str:
    import psycopg

    try:
        with connect(owner, database=target.maintenance_database, statement_seconds=10) as connection:
            return data_folder(connection, owner)
    except (DrtuiError, psycopg.Error):
        # It is stopped, or does not let the owner in: the lock file of its socket may still tell.
        return locked_folder(owner)


def _account(target: Target, data: Path) -> ServerAccount:
    owner = account_owning(data)
    if owner.uid == 0:
        raise PreconditionError(
            "the data directory belongs to root, and PostgreSQL refuses to run as root",
            where=str(data),
            hint="give it to the server's account: chown -R postgres:",
        )
    if not target.postgres.account:
        return owner
    named = account_named(target.postgres.account)
    if named.uid != owner.uid:
        raise PreconditionError(
            f"the data directory belongs to {owner.name}, and target.toml says that {named.name} runs it",
            where=str(data),
            hint="mend `account` in [postgres] of target.toml, or the owner of the directory",
        )
    return named


def _admin_place(target: Target) -> Place | None:
    from aihummer_drtui.recovery.database.dsn import dsn_place, libpq_dsn

    if not target.postgres.admin:
        return None
    place = dsn_place(libpq_dsn(target.postgres.admin, where="`admin` in [postgres] of target.toml"))
    return place if place.host.startswith("/") else None


def _socket(data: Path, place: Place | None) -> tuple[Path, int]:
    if place is not None and place.host.startswith("/"):
        return Path(place.host), place.port
    try:
        # Lines 4 and 5: port, socket folder (src/include/utils/pidfile.h).
        lines = read_regular(data / "postmaster.pid", limit=10_000)[0].decode("utf-8", "replace").splitlines()
        if lines[4].startswith("/"):
            return Path(lines[4].strip()), int(lines[3])
    except (OSError, IndexError, ValueError):
        pass
    return Path("/var/run/postgresql"), place.port if place else 5432
