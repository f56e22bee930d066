"""What can be chosen at home, and in which order it is offered: what is unfinished first. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.objectives import clocks
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.state import Moment, RunState
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.run.told_words import level_text
from aihummer_drtui.run.words import local_time

LOOK_WITHIN: Final = 60.0
"""Seconds after which a backup place that has not answered is told as such."""


@dataclass(frozen=True, kw_only=True)
class Resume:
    """Go on with a run."""

    run: str


@dataclass(frozen=True, kw_only=True)
class LookAt:
    """Read where a run stands, without sitting down to it."""

    run: str


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Abandon a run."""

    run: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Begin:
    """Declare a new run. `incident_at` is as the operator typed it; empty = now."""

    mode: Mode
    incident_at: str = ""


class Plainly(Enum):
    """What is told outside the screens."""

    READINESS = "readiness"
    BACKUPS = "backups"
    RUNS = "runs"


Choice: TypeAlias = Resume | LookAt | GiveUp | Begin | Plainly


@dataclass(frozen=True, kw_only=True)
class Offered:
    """One line of the home screen."""

    words: str
    below: str
    """What it means, in lines that stand under it."""
    choice: Choice


@dataclass(frozen=True, kw_only=True)
class HomeFacts:
    """What is known before anything was chosen."""

    target: str
    """The target in a line, or why there is none."""
    unfinished: tuple[RunState, ...] = ()
    """Newest first."""
    news: str = ""
    """What became of the last choice."""
    sets: Callable[[], Iterator[RecoverySets]] | None = None
    """A look at what could be brought back; None = no target tells where that lies."""


def offered(facts: HomeFacts, now: Moment) -> tuple[Offered, ...]:
    """Every line, the one that is sensible first."""
    # A talk that nobody finished must not stand before a recovery that is real.
    first = sorted(facts.unfinished, key=is_tabletop)
    return (*(_unfinished(state, now) for state in first), *_ALWAYS)


def _unfinished(state: RunState, now: Moment) -> Offered:
    declared = state.declared
    since = duration_text(clocks(state, now).since_declared // 60 * 60)
    running = f"running: {', '.join(state.executing)}\n" if state.executing else ""
    lost = f"OUTCOME UNKNOWN: {', '.join(state.lost)}\n" if state.lost else ""
    return Offered(
        words=f"Resume {declared.run}: {declared.mode.upper()} of {cleaned_line(declared.target, 60)}",
        below=f"{lost}{running}at step {state.step or '(none)'}, {level_text(state)}; "
        f"declared {local_time(state.declared_at.wall)}, {since} ago",
        choice=Resume(run=declared.run),
    )


_ALWAYS = (
    Offered(
        words="Recover for REAL",
        below="AiHummer is lost: declare it, and bring it back on this host",
        choice=Begin(mode=Mode.REAL),
    ),
    Offered(
        words="Drill",
        below="the same recovery, on a private sandbox that is built and then lost",
        choice=Begin(mode=Mode.DRILL),
    ),
    Offered(
        words="Tabletop",
        below="the same recovery talked through: nothing is executed, what happens is told",
        choice=Begin(mode=Mode.TABLETOP),
    ),
    Offered(
        words="Training",
        below="a drill with hints, and the text of every step unfolded",
        choice=Begin(mode=Mode.TRAINING),
    ),
    Offered(
        words="Readiness: could we recover today?",
        below="every check, without a run; nothing is changed",
        choice=Plainly.READINESS,
    ),
    Offered(
        words="Backups: what could be brought back",
        below="every recovery point with its age, size, key",
        choice=Plainly.BACKUPS,
    ),
    Offered(words="Runs so far", below="how each ended", choice=Plainly.RUNS),
)
