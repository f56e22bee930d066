"""What a look at the world gives: a verdict with its evidence. There is no default verdict."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Verdict(StrEnum):
    """The answer of one look."""

    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"
    """It cannot be known here: nothing public says how, or the configuration does not."""
    UNKNOWN = "unknown"
    """The look itself did not come to an answer: it timed out or broke."""


class Part(StrEnum):
    """One of the parts of a recovery that have a moment."""

    DATABASE = "database"
    BLOBS = "blobs"


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """Which moment of a part comes back: everything later is lost."""

    part: Part
    moment: datetime
    """With its zone."""


class Answer(StrEnum):
    """What a check is said to have found, where nobody looked: a tabletop exercise."""

    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"


class ToldOutcome(StrEnum):
    """How a command is said to have ended, where nothing was executed: a tabletop exercise."""

    DONE = "done"
    FAILED = "failed"
    PARTLY = "partly done"
    UNKNOWN = "unknown"
    """Nobody saw how it ended."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one thing: what should be, what was seen, the verdict, what to do if not green."""

    verdict: Verdict
    expected: str
    observed: str
    hint: str = ""
    warnings: tuple[str, ...] = ()
    brings: tuple[Brought, ...] = ()
    """The moments that what was seen brings back, or has brought back."""


class CheckDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a check is for, before anybody looks."""

    name: str
    title: str
    proves: str
    """What a pass proves, and no more than that."""
    interval: float = 5.0
    """Seconds between looks while its step is shown; 0 = once, and again only when asked (it is costly)."""
    time_out: float = 20.0
    """Seconds after which a look that has not answered counts as `unknown`."""


class TargetIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What an irreversible command would act on, told so that a person recognises it."""

    host: str
    database: str
    facts: tuple[str, ...]
    """Rows, size, last write: what is about to be replaced, a line each."""

    @property
    def phrase(self) -> str:
        """The words the operator types by hand: `host/database`."""
        return f"{self.host}/{self.database}"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A value that an input can be given, told so that a person can choose between several."""

    value: str
    told: tuple[str, ...]
    """What it means, a line each: its age, what it brings back, what is doubtful about it."""


class ProbeResult(StrEnum):
    """What a read-only probe says of a command whose outcome nobody saw."""

    DONE = "done"
    NOT_DONE = "not done"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


PROBE_EXIT_CODES: Final = {0: ProbeResult.DONE, 1: ProbeResult.NOT_DONE, 10: ProbeResult.PARTIAL}
"""Exit codes of a probe command; every other code, signal or time-out is `unknown`."""
