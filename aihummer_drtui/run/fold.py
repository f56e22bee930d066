"""state = fold(records): the only way from the journal to what is shown. Pure, total over valid journals.

That the records are in order and none is missing is not looked at here: whoever decodes a journal has seen
to it (`engine.record.decode_all` goes by number and hash of the record before).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import assert_never

from msgspec.structs import replace

from aihummer_drtui.run import events as e
from aihummer_drtui.run.attempts import after_command_event, ran_with_other
from aihummer_drtui.run.state import (
    Abandoned,
    AnsweredState,
    CheckState,
    CommandState,
    ConfirmState,
    Deviation,
    Finished,
    InputState,
    ItemState,
    LeftOutState,
    LevelMoment,
    Moment,
    ObservedState,
    RunState,
    Sitting,
    Status,
    with_item,
)
from aihummer_drtui.run.tabletop import belongs
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import RecoveryLevel

LEVELS = tuple(RecoveryLevel)
EMPTY = "a journal begins with run-declared; this one is empty"
"""Why nothing folds to no state."""


def fold(records: Iterable[e.Record]) -> RunState:
    """Give the state after all records. Raises ValueError when the first is no declaration."""
    remaining = iter(records)
    first = next(remaining, None)
    if first is None:
        raise ValueError(EMPTY)
    state = begin(first)
    for record in remaining:
        state = follow(state, record)
    return state


def begin(record: e.Record) -> RunState:
    """Give the state after the first record. Raises ValueError when it is no declaration."""
    if not isinstance(record.what, e.RunDeclared):
        kind = type(record.what).__name__
        raise ValueError(f"a journal begins with run-declared, not with {kind}")  # noqa: TRY004
    at = _moment(record)
    return RunState(
        declared=record.what,
        declared_at=at,
        declared_by=record.actor,
        sequence=record.sequence,
        latest=at,
        runbook_sha256=record.what.runbook_sha256,
    )


def follow(state: RunState, record: e.Record) -> RunState:
    """Give the state one record later."""
    at = _moment(record)
    return _after(replace(state, sequence=record.sequence, latest=at), record, at)


def _after(state: RunState, record: e.Record, at: Moment) -> RunState:  # noqa: PLR0912
    # One arm per event: a table of the fold, kept whole so that `assert_never` can see all of it.
    if not belongs(record.what, state.declared.mode):
        return state
    match record.what:
        case e.SittingOpened():
            return _sitting_opened(state, record.what, at)
        case e.SittingClosed(sitting=sitting):
            return replace(state, sittings=tuple(one for one in state.sittings if one.id != sitting))
        case e.EngineStarted() | e.EngineStopped():
            # Sittings are connections to an engine: those of an engine that is gone are over.
            return replace(state, sittings=())
        case e.RunDeclared():
            raise ValueError(f"a second run-declared at record {record.sequence}")
        case e.JournalRepaired() | e.LockTaken() | e.NoteWritten():
            return state
        case e.RunbookAccepted(sha256=sha256, reason=reason):
            accepted = Deviation(what="runbook changed", item="", reason=reason, actor=record.actor, at=at)
            return replace(state, runbook_sha256=sha256, deviations=(*state.deviations, accepted))
        case e.StepShown(step=step):
            return replace(state, step=step, calling=())
        case e.CheckObserved():
            return with_item(state, record.what.item, _observed(state, record.what, at))
        case e.CheckAnswered():
            return with_item(state, record.what.item, _answered(state, record.what, record.actor, at))
        case e.ItemConfirmed(item=item, statement=statement):
            return with_item(state, item, ConfirmState(status=Status.PASSED, statement=statement, at=at))
        case e.InputGiven():
            return _given(state, record.what, at)
        case (
            e.CommandIntended()
            | e.CommandStarted()
            | e.CommandEnded()
            | e.OutcomeLost()
            | e.OutcomeProbed()
            | e.OutcomeSettled()
            | e.CommandRehearsed()
            | e.OutcomeTold()
            | e.ProbeAnswered()
        ):
            return _calling(
                state, after_command_event(state, record.what, record.actor, at), record.what.item
            )
        case e.ItemSkipped(item=item, reason=reason):
            skipped = _deviation("skipped", state, item, reason, record.actor)
            return _deviating(state, skipped, Status.SKIPPED)
        case e.ItemOverridden(item=item, reason=reason):
            overridden = _deviation("overridden", state, item, reason, record.actor)
            return _deviating(state, overridden, state.status(item))
        case e.LevelReached(level=level):
            return replace(state, level=level, reached=_reached(state.reached, level, at))
        case e.LevelTold(level=level):
            told = _reached(state.told_reached, level, at)
            return replace(state, told_level=level, told_reached=told)
        case e.RunFinished(level=level, with_exceptions=exceptions, unproven=unproven):
            finished = Finished(level=level, with_exceptions=exceptions, unproven=unproven, at=at)
            return replace(state, ending=finished)
        case e.RunAbandoned(reason=reason):
            return replace(state, ending=Abandoned(reason=reason, at=at))
        case _ as never:
            assert_never(never)


def _calling(before: RunState, after: RunState, item: str) -> RunState:
    """A command that fails where nobody looks calls for the operator."""
    failed = after.status(item) is Status.FAILED and before.status(item) is not Status.FAILED
    if not failed or item.partition("/")[0] == after.step:
        return after
    return replace(after, calling=(*after.calling, item))


def _moment(record: e.Record) -> Moment:
    return Moment(boot_id=record.boot_id, boottime=record.boottime, wall=record.wall)


def _sitting_opened(state: RunState, event: e.SittingOpened, at: Moment) -> RunState:
    sitting = Sitting(
        id=event.sitting,
        operator=event.operator,
        host=event.host,
        front_end=event.front_end,
        opened=at,
    )
    stale = {
        # What was told stays told: nobody can look again.
        item: _as_it_is_found(one, at) if isinstance(one, ObservedState) else one
        for item, one in state.items.items()
    }
    return replace(
        state,
        sittings=(*state.sittings, sitting),
        sittings_opened=state.sittings_opened + 1,
        items=MappingProxyType(stale),
    )


def _as_it_is_found(one: ObservedState, at: Moment) -> ObservedState:
    """What a look is worth to whoever attaches: it is out of date.

    A costly one stands until it is seen anew, for hours of hashing must not hold up a recovery each time
    that a line breaks; but not after a restart of the host, which changes more than a look can tell.
    """
    stood = one.status in {Status.PASSED, Status.UNPROVEN}
    if one.costly and stood and one.at.boot_id == at.boot_id:
        return one
    return replace(one, fresh=False)


def _observed(state: RunState, event: e.CheckObserved, at: Moment) -> ObservedState:
    standing = _standing(state.items.get(event.item), event.observation.verdict)
    return ObservedState(
        status=standing.status,
        observation=event.observation,
        costly=event.costly,
        at=at,
        passed_once=standing.passed_once,
        fresh=True,
        deviation=standing.deviation,
    )


def _answered(state: RunState, event: e.CheckAnswered, actor: str, at: Moment) -> AnsweredState:
    standing = _standing(state.items.get(event.item), Verdict(event.answer.value))
    return AnsweredState(
        status=standing.status,
        answered=event.answer,
        said=event.said,
        by=actor,
        at=at,
        passed_once=standing.passed_once,
        fresh=True,
        deviation=standing.deviation,
    )


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """Where a check stands after a verdict, whether it was seen or told."""

    status: Status
    passed_once: bool
    deviation: Deviation | None


def _standing(before: ItemState | None, verdict: Verdict) -> _Standing:
    passed_before = isinstance(before, CheckState) and before.passed_once
    match verdict:
        case Verdict.PASSED:
            status = Status.PASSED
        case Verdict.FAILED:
            status = Status.DRIFTED if passed_before else Status.FAILED
        case Verdict.UNPROVEN:
            status = Status.UNPROVEN
        case Verdict.UNKNOWN:
            status = Status.UNKNOWN
        case _ as never:
            assert_never(never)
    deviation = None if before is None else _still_covering(before, verdict)
    if deviation is not None and before is not None and before.status is Status.SKIPPED:
        status = Status.SKIPPED
    passed_once = passed_before or verdict is Verdict.PASSED
    return _Standing(status=status, passed_once=passed_once, deviation=deviation)


def _still_covering(before: ItemState, verdict: Verdict) -> Deviation | None:
    """The item's deviation, unless what is seen now is not what its reason was given for.

    A pass needs no excuse. A failure needs one of its own when the operator had gone on over
    something milder: over a look without an answer, say, that now finds the wrong key. The record
    of the run keeps the deviation in every case.
    """
    deviation = before.deviation
    if deviation is None or verdict is Verdict.PASSED:
        return None
    over_failure = deviation.stood in {Status.FAILED, Status.DRIFTED}
    if verdict is Verdict.FAILED and before.status is not Status.SKIPPED and not over_failure:
        return None
    return deviation


def _given(state: RunState, event: e.InputGiven, at: Moment) -> RunState:
    known = state.values.get(event.variable)
    given = InputState(status=Status.PASSED, variable=event.variable, value=event.value, at=at)
    # Taken out and put in again: the value given last is the last in the mapping.
    others = {item: one for item, one in state.items.items() if item != event.item}
    if known != event.value:
        others = {item: _reconsidered(item, one, event, known) for item, one in others.items()}
    return replace(state, items=MappingProxyType({**others, event.item: given}))


def _reconsidered(item: str, one: ItemState, event: e.InputGiven, known: str | None) -> ItemState:
    """What an item is worth now that a variable has another value.

    A pass that was seen while the variable had no value at all did not need it.
    """
    match one:
        case CheckState() if known is not None or one.status is not Status.PASSED:
            return replace(one, fresh=False)
        case ConfirmState(status=Status.PASSED) if known is not None and item in event.outdates:
            return replace(one, status=Status.DRIFTED)
        case CommandState(status=Status.PASSED) if ran_with_other(one, event.variable, event.value):
            return replace(one, status=Status.DRIFTED)
        case _:
            return one


def _deviation(what: str, state: RunState, item: str, reason: str, actor: str) -> Deviation:
    stood = state.status(item)
    return Deviation(what=what, item=item, reason=reason, actor=actor, at=state.latest, stood=stood)


def _deviating(state: RunState, deviation: Deviation, status: Status) -> RunState:
    before = state.items.get(deviation.item)
    after: ItemState
    if before is None or isinstance(before, LeftOutState):
        after = LeftOutState(status=status, deviation=deviation)
    else:
        after = replace(before, status=status, deviation=deviation)
    return with_item(replace(state, deviations=(*state.deviations, deviation)), deviation.item, after)


def _reached(before: tuple[LevelMoment, ...], level: RecoveryLevel, at: Moment) -> tuple[LevelMoment, ...]:
    """The moments of the levels that were reached first, with those that are new at this level."""
    known = {one.level for one in before}
    up_to = LEVELS[1 : LEVELS.index(level) + 1]
    return (*before, *(LevelMoment(level=one, at=at) for one in up_to if one not in known))
