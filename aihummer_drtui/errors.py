"""The one tree of errors, and the exit codes that scripts may rely on."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command of this program ends with (README.md, "Exit codes")."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PRECONDITION = 3
    UNKNOWN_OUTCOME = 4
    LOCKED = 5
    CORRUPT = 6
    INTERRUPTED = 130


class DrtuiError(Exception):
    """Something an operator must be told: what happened, where, and what to do next."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, what: str, *, where: str = "", hint: str) -> None:
        super().__init__(what, where, hint)
        self.what = what
        self.where = where
        self.hint = hint

    @property
    def where_and_what(self) -> str:
        """What happened, behind its place where there is one; the hint is left out."""
        return f"{self.where}: {self.what}" if self.where else self.what

    def __str__(self) -> str:
        return f"{self.where_and_what}\nHINT: {self.hint}"


class FailedError(DrtuiError):
    """The work was tried and did not succeed."""


class UsageError(DrtuiError):
    """The call itself is wrong: a value, a name, a combination of options."""

    exit_code = ExitCode.USAGE


class PreconditionError(DrtuiError):
    """Something that must be true before the work starts is not."""

    exit_code = ExitCode.PRECONDITION


class UnknownOutcomeError(DrtuiError):
    """Something was started and nobody can say how it ended."""

    exit_code = ExitCode.UNKNOWN_OUTCOME


class LockedError(DrtuiError):
    """Another live run or process holds what this one needs."""

    exit_code = ExitCode.LOCKED


class CorruptJournalError(DrtuiError):
    """The journal contradicts itself; nothing more is written to it."""

    exit_code = ExitCode.CORRUPT
