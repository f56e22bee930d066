"""Where the time of a run went while no command ran: whose turn it was, a person's or a check's."""

from collections.abc import Iterable
from enum import Enum, auto
from math import inf

import msgspec

from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.events import CheckObserved, NoteWritten, Record, SittingClosed
from aihummer_drtui.run.fold import EMPTY, begin, follow
from aihummer_drtui.run.objectives import elapsed
from aihummer_drtui.run.state import CheckState, RunState
from aihummer_drtui.runbook.model import Runbook


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a run, in seconds since its declaration."""

    begin: float
    end: float
    """Infinite = it goes on."""

    def within(self, whole: float) -> float:
        """Seconds of it in a run that is that long."""
        return max(0.0, min(self.end, whole) - self.begin)


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """The stretches in which nothing ran."""

    people: tuple[Span, ...]
    """The next act was a person's: a value, a statement, a start, a decision."""
    checks: tuple[Span, ...]
    """A check was looked at, and nothing else was to be done."""


class _Turn(Enum):
    """Whose turn it is."""

    NOBODY = auto()
    """A command runs, or the run is over."""
    PERSON = auto()
    CHECK = auto()


def waits(runbook: Runbook, records: Iterable[Record]) -> Waits:
    """Give the waits of a run by its whole journal. Raises ValueError where that does not fold."""
    rest = iter(records)
    first = next(rest, None)
    if first is None:
        raise ValueError(EMPTY)
    state = begin(first)
    declared = state.declared_at
    found: dict[_Turn, list[Span]] = {turn: [] for turn in _Turn}
    turn, since = _turn(runbook, state), 0.0
    for record in rest:
        before, state = state, follow(state, record)
        if _changes_nothing(before, state, record):
            continue
        following = _turn(runbook, state)
        if following is not turn:
            at = elapsed(declared, state.latest)
            if at > since:
                found[turn].append(Span(begin=since, end=at))
            turn, since = following, at
    found[turn].append(Span(begin=since, end=inf))
    return Waits(people=tuple(found[_Turn.PERSON]), checks=tuple(found[_Turn.CHECK]))


def _turn(runbook: Runbook, state: RunState) -> _Turn:
    if state.running:
        return _Turn.NOBODY
    match s.sensible(runbook, state):
        case s.NothingLeft():
            return _Turn.NOBODY
        case s.AwaitCheck():
            return _Turn.CHECK
        case _:
            return _Turn.PERSON


def _changes_nothing(before: RunState, after: RunState, record: Record) -> bool:
    """Whether the record leaves the turn as it was; of a long journal's looks most do."""
    match record.what:
        case NoteWritten() | SittingClosed():
            return True
        case CheckObserved(item=item):
            old, new = before.items.get(item), after.items.get(item)
            known = isinstance(old, CheckState) and isinstance(new, CheckState)
            return known and _stands(old) == _stands(new)
        case _:
            return False


def _stands(check: object) -> tuple[object, bool]:
    return (check.status, check.fresh) if isinstance(check, CheckState) else (None, False)
