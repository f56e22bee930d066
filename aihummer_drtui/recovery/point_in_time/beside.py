"""A server on the recovered data directory, beside the live one: nobody but a superuser of this host gets in.

It listens on no network, archives nothing, and has its socket in a private folder with a short path. It
is our child and ends with us: a killed recovery leaves no server behind that nobody watches.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError, LockedError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.database.connection import APPLICATION_NAME, lift_limits
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.ending import die_with
from aihummer_drtui.recovery.point_in_time.confined import (
    PORT,
    confining_settings,
    superusers_of,
    write_access,
)

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

STOP_SECONDS: Final = 600.0
"""For the last checkpoint of a server with much in memory, on a slow disk."""


@dataclass(kw_only=True)
class BesideServer:
    """The server while it runs."""

    data: Path
    sockets: Path
    superusers: tuple[str, ...]
    """Names to try: which one the cluster was made with, only it knows."""
    process: "subprocess.Popen[bytes]"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.sockets / "log"

    def connect(self, database: str) -> "Connection[TupleRow]":
        """A superuser's connection, autocommit.

        Raises psycopg's OperationalError, and FailedError where the cluster knows none of the names.
        """
        import psycopg

        refused: psycopg.OperationalError | None = None
        for name in self.superusers:
            try:
                connection = psycopg.connect(
                    host=str(self.sockets),
                    port=PORT,
                    user=name,
                    dbname=database,
                    autocommit=True,
                    connect_timeout=5,
                    application_name=APPLICATION_NAME,
                )
            except psycopg.OperationalError as error:
                refused = error
                if "does not exist" not in str(error):
                    raise
            else:
                lift_limits(connection)
                self.superusers = (name,)
                return connection
        assert refused is not None  # noqa: S101 - there is a name to try
        if not re.search(r'role ".*" does not exist', str(refused)):
            raise refused
        tried = cleaned_line(", ".join(self.superusers), 200)
        raise FailedError(
            f"the recovered cluster has none of the superusers {tried}",
            where=str(self.data),
            hint='name the one that it was made with: admin = "user=…" in [postgres] of target.toml',
        )

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def said(self, pattern: str) -> str:
        """The last line of its log that holds the pattern, cleaned; empty = none."""
        found = [line for line in self._log_lines() if re.search(pattern, line)]
        return found[-1] if found else ""

    def last_words(self) -> str:
        """Why it ended, in its own words: the fatal line, after the one before it, which has the cause."""
        lines = self._log_lines()
        fatal = [number for number, line in enumerate(lines) if re.match(r"FATAL|PANIC", line)]
        if not fatal:
            return lines[-1] if lines else "its log says nothing"
        return cleaned_line(" ".join(lines[max(0, fatal[-1] - 1) : fatal[-1] + 1]), 400)

    def stop(self) -> None:
        """Shut it down with its last checkpoint. Raises FailedError where it does not end in order."""
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = -1
        if code != 0:
            raise FailedError(
                f"the recovered server did not shut down in order: {self.last_words()}",
                where=str(self.data),
                hint="look at the disk; the live server was not touched: run the same command again",
            )

    def _log_lines(self) -> list[str]:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 200_000))
                text = cleaned_bytes(file.read())
        except OSError:
            return []
        return [cleaned_line(re.sub(r"^.*?(?=[A-Z]{3,}: )", "", line), 300) for line in text.splitlines()]


@contextmanager
def running_beside(
    live: Server, data: Path, *, recovery: str, limits: Mapping[str, str]
) -> Iterator[BesideServer]:
    """Start a server on `data` with the live server's programs and account; with the block it is gone.

    `recovery` is the recovery's id, `limits` what `standby_limits` gave. Raises FailedError where it cannot
    be started, LockedError where another server runs on `data` and does not end.
    """
    end_left_over(data)
    sockets = _private_folder(live, recovery)
    superusers = superusers_of(live)
    try:
        write_access(live, sockets, superusers)
        # Only now: before, whoever runs the server could have put links where root writes.
        live.account.own(sockets)
        process = _started(live, data, sockets, limits)
        server = BesideServer(data=data, sockets=sockets, superusers=superusers, process=process)
        try:
            yield server
        finally:
            _end(process)
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def end_left_over(data: Path) -> None:
    """End a server that a killed recovery left on `data`, and wait until it is gone.

    Raises LockedError where it does not end.
    """
    if (pid := server_on(data)) is None:
        return
    watch = os.pidfd_open(pid)
    try:
        for number in (signal.SIGINT, signal.SIGQUIT):
            if server_on(data) == pid:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(watch, number)
            if _gone(watch, 60):
                return
    finally:
        os.close(watch)
    raise LockedError(
        f"a server that an earlier recovery left does not end (process {pid})",
        where=str(data),
        hint=f"look at it, end it (kill -QUIT {pid}), then run the same command again",
    )


def server_on(data: Path) -> int | None:
    """The process that runs a server on `data`: PostgreSQL's servers work in their data directory."""
    try:
        pid = int((data / "postmaster.pid").read_text("ascii").split("\n", 1)[0])
        return pid if Path(f"/proc/{pid}/cwd").samefile(data) else None
    except (OSError, ValueError):
        return None


def _gone(watch: int, seconds: float) -> bool:
    import select

    return bool(select.select([watch], [], [], seconds)[0])


def remove_private_folder(live: Server, recovery: str) -> None:
    """Remove the folder of a socket that a killed recovery of this id left."""
    folder = _private_path(recovery)
    ours = {live.account.uid, os.geteuid()}
    if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid in ours:
        shutil.rmtree(folder, ignore_errors=True)


def _private_path(recovery: str) -> Path:
    return Path("/tmp") / f"drtui-{recovery}"  # noqa: S108 - made new, ours alone; a socket's path is short


def _private_folder(live: Server, recovery: str) -> Path:
    remove_private_folder(live, recovery)
    folder = _private_path(recovery)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise FailedError(
            f"the private folder for the server's socket could not be made: {error.strerror}",
            where=str(folder),
            hint="look who made it, remove it, then run the same command again; nothing was changed",
        ) from None
    return folder


def _started(live: Server, data: Path, sockets: Path, limits: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    settings = confining_settings(sockets, limits)
    us = os.getpid()
    descriptor = os.open(sockets / "log", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "ab") as log:
        try:
            return subprocess.Popen(
                [
                    live.programs["postgres"],
                    *("-D", data),
                    *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=live.environment(),
                start_new_session=True,
                umask=0o077,
                # After the change of account, which would undo it.
                # A fast shutdown, by which the server's own children end too.
                preexec_fn=lambda: die_with(us, signal.SIGINT),  # noqa: PLW1509 - no other thread holds a lock
                **live.account.identity(),
            )
        except OSError as error:
            raise FailedError(
                f"could not be started: {error.strerror}",
                where=str(live.programs["postgres"]),
                hint="is PostgreSQL's server still installed? nothing was changed",
            ) from None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it whatever it does: in order, then at once; it can be started again after either."""
    for number, seconds in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 30.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        process.kill()
        process.wait()
