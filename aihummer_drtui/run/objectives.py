"""The clocks of a recovery: RTO and RPO from what the journal knows."""

from datetime import datetime
from typing import Final, assert_never

import msgspec

from aihummer_drtui.run.state import (
    AttemptState,
    CommandState,
    Living,
    Lost,
    Moment,
    ObservedState,
    Outcome,
    RunState,
    Settled,
    Told,
    Underway,
)
from aihummer_drtui.run.verdict import Part, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel, Runbook

_TELLING: Final = frozenset({Verdict.PASSED, Verdict.UNPROVEN})


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds; None for what has not happened (yet)."""

    since_incident: float
    since_declared: float
    to_first_command: float | None
    to_serving: float | None
    """From the declaration until smoke and /readyz were green; in a tabletop, until they were told to be."""
    to_proven: float | None
    in_commands: float
    """Time in which a command was running (or rehearsed); without attempts that ended while nobody looked."""
    waiting: float
    """Time since the declaration in which none was: waits on people and checks."""


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """What is lost of one part."""

    part: Part
    moment: datetime
    """What comes back, or came back."""
    seconds: float
    """From that moment to the incident; never below 0."""


def losses(runbook: Runbook, state: RunState) -> tuple[Loss, ...]:
    """What is lost of each part, by the checks that saw which moment comes back.

    Of several the last in the runbook's order counts: what was reached comes after what was chosen. A part
    of which no check told is not among them.
    """
    incident = datetime.fromisoformat(state.declared.incident_at)
    moments: dict[Part, datetime] = {}
    for item in runbook.items:
        known = state.items.get(item.id)
        if isinstance(known, ObservedState) and known.observation.verdict in _TELLING:
            moments |= {one.part: one.moment for one in known.observation.brings}
    return tuple(
        Loss(part=part, moment=moment, seconds=max(0.0, (incident - moment).total_seconds()))
        for part, moment in sorted(moments.items())
    )


def elapsed(earlier: Moment, later: Moment) -> float:
    """Seconds between two moments: by the boot-time clock within one boot, by wall time across boots."""
    if earlier.boot_id == later.boot_id:
        return max(0.0, later.boottime - earlier.boottime)
    between = datetime.fromisoformat(later.wall) - datetime.fromisoformat(earlier.wall)
    return max(0.0, between.total_seconds())


def clocks(state: RunState, now: Moment) -> Clocks:
    """Give the clocks of a run at `now`; those of a run that has ended stand still."""
    if not isinstance(state.ending, Living):
        now = state.ending.at
    declared = state.declared_at
    total = elapsed(declared, now)
    incident = datetime.fromisoformat(state.declared.incident_at)
    before = (datetime.fromisoformat(declared.wall) - incident).total_seconds()
    busy = _covered([_span(declared, attempt, total) for attempt in _attempts(state)])
    return Clocks(
        since_incident=max(0.0, before) + total,
        since_declared=total,
        to_first_command=None if state.first_command is None else elapsed(declared, state.first_command),
        to_serving=_reached(state, RecoveryLevel.SERVING),
        to_proven=_reached(state, RecoveryLevel.PROVEN),
        in_commands=busy,
        waiting=max(0.0, total - busy),
    )


def _attempts(state: RunState) -> list[AttemptState]:
    commands = (one for one in state.items.values() if isinstance(one, CommandState))
    return [attempt for command in commands for attempt in command.attempts]


def _span(declared: Moment, attempt: AttemptState, total: float) -> tuple[float, float]:
    begin = elapsed(declared, attempt.at)
    match attempt.end:
        case Outcome(took=took):
            return begin, min(begin + took, total)
        case Underway():
            return begin, total
        case Told(at=at):
            return begin, elapsed(declared, at)
        case Lost() | Settled():
            return begin, begin
        case _ as never:
            assert_never(never)


def told_to_take(state: RunState) -> float:
    """Seconds that the commands of a tabletop would have taken, as far as somebody said."""
    ends = (attempt.end for attempt in _attempts(state))
    return sum(end.would_take or 0.0 for end in ends if isinstance(end, Told))


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds that at least one span covers; commands may overlap."""
    covered, end = 0.0, 0.0
    for begin, finish in sorted(spans):
        covered += max(0.0, finish - max(begin, end))
        end = max(end, finish)
    return covered


def _reached(state: RunState, level: RecoveryLevel) -> float | None:
    for one in state.reached or state.told_reached:
        if one.level is level:
            return elapsed(state.declared_at, one.at)
    return None
