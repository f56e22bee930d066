"""The database server of this host as a whole: a data directory that an account runs a server on.

Everything here acts on the server that AIHUMMER_DATABASE_URL leads to, and only where that is this host.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.children import run_child
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.database.programs import ServerPrograms
from aihummer_drtui.recovery.target import Target

START_LOG: Final = "aihummer-drtui-start.log"
"""In the data directory: what a server says that pg_ctl starts here, until its own logging takes over."""
_LIMIT: Final = 4_000_000
_SECONDS: Final = 60.0


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
