"""The clocks of a recovery: RTO and RPO from what the journal knows."""

from datetime import datetime
from typing import assert_never

import msgspec

from aihummer_drtui.run.state import (
    AttemptState,
    CommandState,
    Living,
    Lost,
    Moment,
    Outcome,
    RunState,
    Settled,
    Underway,
)
from aihummer_drtui.runbook.model import RecoveryLevel


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds; None for what has not happened (yet)."""

    since_incident: float
    since_declared: float
    to_first_command: float | None
    to_serving: float | None
    """From the declaration until smoke and /readyz were green."""
    to_proven: float | None
    in_commands: float
    """Time in which a command was running; without attempts that ended while nobody looked."""
    waiting: float
    """Time since the declaration in which none was: waits on people and checks."""


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
        case Lost() | Settled():
            return begin, begin
        case _ as never:
            assert_never(never)


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds that at least one span covers; commands may overlap."""
    covered, end = 0.0, 0.0
    for begin, finish in sorted(spans):
        covered += max(0.0, finish - max(begin, end))
        end = max(end, finish)
    return covered


def _reached(state: RunState, level: RecoveryLevel) -> float | None:
    for one in state.reached:
        if one.level is level:
            return elapsed(state.declared_at, one.at)
    return None
