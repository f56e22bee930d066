"""One run of a PostgreSQL program: watched, and gone with its whole group when we go."""

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.ending import bound_to_us

_WORDS_LIMIT: Final = 1_000_000
_LINE_LIMIT: Final = 65_536
"""Bytes of a line that are kept of what a program says."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended."""

    code: int
    """Exit code; negative = the number of the signal that ended it."""
    words: str
    """The end of what it said on stderr, cleaned."""

    @property
    def how(self) -> str:
        """The end in words: `ended with exit code 1`, `was ended by SIGKILL`."""
        if self.code >= 0:
            return f"ended with exit code {self.code}"
        return f"was ended by {signal.Signals(-self.code).name}"

    @property
    def first_words(self) -> str:
        """The first line that it said, which names the cause; later ones follow from it."""
        return cleaned_line(self.words.strip().partition("\n")[0] or "it said nothing", 300)

    @property
    def last_line(self) -> str:
        """The last line that it said: of a program that tells all it does, the one that counts."""
        return cleaned_line(self.words.strip().rpartition("\n")[2] or "it said nothing", 300)


def run_program(  # noqa: PLR0913 - all but three have a default
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    meanwhile: Callable[[], None] = lambda: None,
    heard: Callable[[str], None] | None = None,
    interval: float = 0.5,
    account: ServerAccount | None = None,
    output: int | None = None,
    seconds: float = 0,
) -> Ended:
    """Run a program to its end, calling `meanwhile` every `interval` seconds.

    `heard` is given every line that it says, cleaned, before the next `meanwhile`, and all of them before
    this returns, however many there are. It runs as `account` (None = the present one), writes stdout to
    the descriptor `output` (None = to where its words are kept) and may take `seconds` (0 = as long as it
    needs). Whatever ends the wait (an exception of `meanwhile` or `heard`, a signal to us, our death) ends
    the program and its children first. Raises FailedError when it cannot be started or exceeds its time,
    PreconditionError when this account may not run programs as that one.
    """
    identity = account.identity() if account else {}
    with tempfile.TemporaryFile() as talk:
        try:
            process = subprocess.Popen(
                # A pg_restore whose parent was killed would go on filling a database that nobody watches.
                bound_to_us(arguments, environment.get("PATH")),
                stdin=subprocess.DEVNULL,
                stdout=talk if output is None else output,
                stderr=talk,
                # The present folder may be closed to another account.
                cwd="/" if identity else None,
                env=dict(environment),
                pass_fds=descriptors,
                start_new_session=True,
                umask=0o077,
                **identity,
            )
        except OSError as error:
            raise FailedError(
                f"could not be started: {error.strerror}",
                where=str(arguments[0]),
                hint="`aihummer-drtui check` names the programs that are used",
            ) from None
        said = _Said(talk.fileno(), heard)
        try:
            watched = _in_time(meanwhile, arguments, seconds)
            while (code := _ended_within(process, interval)) is None:
                said.listen()
                watched()
            said.listen(last=True)
        except BaseException:
            _end_group(process)
            raise
        return Ended(code=code, words=_last_words(talk.fileno()))


def _ended_within(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The program's exit code as soon as it has ended; None = it runs still after `seconds`."""
    # Not Popen.wait with a time-out: that looks again and again, up to 50 ms late.
    watch = os.pidfd_open(process.pid)
    try:
        ending = select.poll()
        ending.register(watch, select.POLLIN)
        return process.wait() if ending.poll(seconds * 1000) else None
    finally:
        os.close(watch)


class _Said:
    """What a program has said so far, handed on by whole lines."""

    def __init__(self, descriptor: int, heard: Callable[[str], None] | None) -> None:
        self._descriptor = descriptor
        self._heard = heard
        self._at = 0
        self._begun = b""

    def listen(self, *, last: bool = False) -> None:
        """Hand on the lines since the last time; with `last`, one that was not ended too."""
        if self._heard is None:
            return
        while block := os.pread(self._descriptor, _LINE_LIMIT, self._at):
            self._at += len(block)
            *lines, begun = (self._begun + block).split(b"\n")
            self._begun = begun[:_LINE_LIMIT]
            for line in lines:
                self._heard(cleaned_bytes(line[:_LINE_LIMIT]))
        if last and self._begun:
            self._heard(cleaned_bytes(self._begun))


def _in_time(
    meanwhile: Callable[[], None], arguments: Sequence[str | Path], seconds: float
) -> Callable[[], None]:
    if not seconds:
        return meanwhile
    until = time.monotonic() + seconds

    def watched() -> None:
        if time.monotonic() > until:
            raise FailedError(
                f"did not end within {seconds:.0f} s and was ended",
                where=str(arguments[0]),
                hint="is the disk or the server overloaded? look, then try again",
            )
        meanwhile()

    return watched


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return cleaned_bytes(os.pread(descriptor, _WORDS_LIMIT, max(0, size - _WORDS_LIMIT)))
