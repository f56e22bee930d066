"""The database server of this host as a whole: a data directory that an account runs a server on.

Everything here acts on the server that AIHUMMER_DATABASE_URL leads to, and only where that is this host.
"""

import os
import re
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.children import run_child
from aihummer_drtui.recovery.database.account import ServerAccount, account_named, account_owning
from aihummer_drtui.recovery.database.connection import Owner, connect, owner_of, program_environment
from aihummer_drtui.recovery.database.dsn import Place
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.database.programs import ServerPrograms, data_major, server_programs
from aihummer_drtui.recovery.database.storage import data_folder, locked_folder
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.target import Target

START_LOG: Final = "aihummer-drtui-start.log"
"""In the data directory: what a server says that pg_ctl starts here, until its own logging takes over."""
_LIMIT: Final = 4_000_000
_SECONDS: Final = 60.0
_NAME_IT: Final = "name it as `data-directory` in [postgres] of target.toml"


class OtherHostError(PreconditionError):
    """The database server is on another host: nothing of it lies here."""


class Running(Enum):
    """What pg_ctl says of a data directory (pg_ctl(1), status)."""

    YES = 0
    NO = 3
    NO_DATA = 4


@dataclass(frozen=True, kw_only=True)
class Server:
    """The server of this host: where its data lies, who runs it, how it is started and stopped."""

    target: Target
    data: Path
    account: ServerAccount
    programs: ServerPrograms
    sockets: Path
    """The folder of its Unix socket."""
    port: int

    def running(self) -> Running:
        """Whether a server runs on the data directory. Raises FailedError where pg_ctl cannot tell."""
        ended, _ = self.run("pg_ctl", "status", "-D", self.data, seconds=20)
        try:
            return Running(ended.code)
        except ValueError:
            raise FailedError(
                f"pg_ctl status {ended.how}: {ended.first_words}",
                where=str(self.data),
                hint="look at the data directory: who owns it, and is it one?",
            ) from None

    def start(self, *, options: Sequence[str] = (), seconds: float = _SECONDS) -> None:
        """Start it and see that it runs; `options` are postgres's own, for pg_ctl only.

        Raises FailedError with the words of what starts it.
        """
        command = self.target.postgres.start
        if command and not options:
            self._command(command, "start", seconds)
        else:
            log = self.data / START_LOG
            begins = log.lstat().st_size if log.exists() else 0
            given = ("-o", " ".join(options)) if options else ()
            ended, _ = self.run(
                *("pg_ctl", "start", "-D", self.data, "-w", "-t", str(int(seconds)), "-l", log, *given),
                seconds=seconds + 30,
            )
            if ended.code != 0:
                raise FailedError(
                    f"the server did not start: {_log_end(log, begins) or ended.first_words}",
                    where=str(log),
                    hint="read that log and mend what it says; nothing was removed",
                )
        if self.running() is not Running.YES:
            raise FailedError(
                "the server was started, and does not run",
                where=str(self.data),
                hint="read PostgreSQL's log; does `start` in [postgres] start the server of this directory?",
            )

    def stop(self, *, seconds: float = _SECONDS) -> None:
        """Stop it (by pg_ctl: fast) and see that it is gone; no fault where none runs. Raises FailedError."""
        if self.running() is not Running.YES:
            return
        if self.target.postgres.stop:
            self._command(self.target.postgres.stop, "stop", seconds)
        else:
            ended, _ = self.run(
                *("pg_ctl", "stop", "-D", self.data, "-w", "-t", str(int(seconds)), "-m", "fast"),
                seconds=seconds + 30,
            )
            if ended.code != 0:
                raise FailedError(
                    f"the server does not stop: {ended.first_words}",
                    where=str(self.data),
                    hint="it may still write its last checkpoint: wait, then try again",
                )
        if self.running() is Running.YES:
            raise FailedError(
                "the server was stopped, and still runs",
                where=str(self.data),
                hint="does `stop` in [postgres] of target.toml stop the server of this data directory?",
            )

    def system_identifier(self) -> int:
        """Which cluster it is, running or not, as pg_control tells. Raises FailedError."""
        ended, output = self.run("pg_controldata", "-D", self.data, seconds=20)
        if ended.code != 0:
            raise FailedError(
                f"pg_controldata {ended.how}: {ended.first_words}",
                where=str(self.data),
                hint="is it a whole data directory of this PostgreSQL version?",
            )
        return _system_identifier(output, str(self.data))

    def run(
        self, program: str, *arguments: str | Path, seconds: float, limit: int = _LIMIT
    ) -> tuple[Ended, str]:
        """Run one of the server's programs as its account; give its end and the start of its stdout, cleaned.

        Raises as `run_program` does.
        """
        with tempfile.TemporaryFile() as output:
            ended = run_program(
                [self.programs[program], *arguments],
                environment=self.environment(),
                descriptors=(),
                account=self.account,
                output=output.fileno(),
                seconds=seconds,
                interval=0.1,
            )
            return ended, cleaned_bytes(os.pread(output.fileno(), limit, 0))

    def environment(self) -> dict[str, str]:
        """What the server's programs are given: their account's home instead of ours."""
        return {**program_environment(), "HOME": self.account.home}

    def _command(self, command: Sequence[str], what: str, seconds: float) -> None:
        done = run_child(command, self.target, seconds=seconds)
        if not done.succeeded:
            raise FailedError(
                f"`{cleaned_line(' '.join(command), 120)}`: {done.ending}"
                + (f": {cleaned_line(done.last_line)}" if done.last_line else ""),
                where=f"`{what}` in [postgres] of target.toml",
                hint="run that command by hand, and read PostgreSQL's log",
            )


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


def _system_identifier(text: str, where: str) -> int:
    for line in text.splitlines():
        label, _, value = line.partition(":")
        if label == "Database system identifier" and value.strip().isdecimal():
            return int(value)
    raise FailedError(
        "pg_controldata said something that is not understood",
        where=where,
        hint="is it the program of the server's own version?",
    )


def _log_end(log: Path, begins: int) -> str:
    """What of the log was written from byte `begins` on tells why, of its last 2000 bytes; empty = nothing.

    It lies in the server's folder: no link is followed.
    """
    try:
        with os.fdopen(
            os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        ) as file:
            file.seek(max(begins, os.fstat(file.fileno()).st_size - 2000))
            data = file.read(2000)
    except OSError:
        return ""
    told = re.findall(r"(?:FATAL|PANIC|ERROR|could not).*", cleaned_bytes(data))
    return cleaned_line(told[-1] if told else "", 300)
