"""state = fold(records): the only way from the journal to what is shown. Pure, total over valid journals."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import assert_never

from msgspec.structs import replace

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import (
    Abandoned,
    AttemptEnd,
    AttemptState,
    CheckState,
    CommandState,
    ConfirmState,
    Deviation,
    Finished,
    InputState,
    ItemState,
    LeftOutState,
    LevelMoment,
    Lost,
    Moment,
    Outcome,
    Probed,
    RunState,
    Settled,
    Sitting,
    Status,
    Underway,
)
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel

LEVELS = tuple(RecoveryLevel)


def fold(records: Iterable[e.Record]) -> RunState:
    """Give the state after all records. Raises ValueError when the first is no declaration."""
    remaining = iter(records)
    first = next(remaining, None)
    if first is None:
        raise ValueError("a journal begins with run-declared; this one is empty")
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
    match record.what:
        case e.SittingOpened():
            return _sitting_opened(state, record.what, at)
        case e.SittingClosed(sitting=sitting):
            return replace(state, sittings=tuple(one for one in state.sittings if one.id != sitting))
        case e.EngineStarted():
            # Sittings are connections to an engine: those of a killed engine are over.
            return replace(state, sittings=())
        case e.RunDeclared():
            raise ValueError(f"a second run-declared at record {record.sequence}")
        case e.EngineStopped() | e.JournalRepaired() | e.LockTaken() | e.NoteWritten():
            return state
        case e.RunbookAccepted(sha256=sha256, reason=reason):
            accepted = Deviation(what="runbook changed", item="", reason=reason, actor=record.actor, at=at)
            return replace(state, runbook_sha256=sha256, deviations=(*state.deviations, accepted))
        case e.StepShown(step=step):
            return replace(state, step=step)
        case e.CheckObserved():
            return _with_item(state, record.what.item, _check(state, record.what, at))
        case e.ItemConfirmed(item=item, statement=statement):
            return _with_item(state, item, ConfirmState(status=Status.PASSED, statement=statement, at=at))
        case e.InputGiven(item=item, variable=variable, value=value):
            given = InputState(status=Status.PASSED, variable=variable, value=value, at=at)
            return _with_item(state, item, given)
        case e.CommandIntended():
            return _intended(state, record.what, at)
        case e.CommandStarted(item=item, attempt=attempt, pid=pid):
            return _with_attempt(state, item, attempt, Underway(pid=pid))
        case e.CommandEnded(item=item, attempt=attempt, kind=kind, code=code, took=took):
            return _with_attempt(state, item, attempt, Outcome(kind=kind, code=code, took=took))
        case e.OutcomeLost(item=item, attempt=attempt, why=why):
            return _with_attempt(state, item, attempt, Lost(why=why))
        case e.OutcomeProbed():
            return _probed(state, record.what)
        case e.OutcomeSettled():
            return _settled(state, record.what, record.actor, at)
        case e.ItemSkipped(item=item, reason=reason):
            skipped = Deviation(what="skipped", item=item, reason=reason, actor=record.actor, at=at)
            return _deviating(state, item, skipped, Status.SKIPPED)
        case e.ItemOverridden(item=item, reason=reason):
            overridden = Deviation(what="overridden", item=item, reason=reason, actor=record.actor, at=at)
            return _deviating(state, item, overridden, state.status(item))
        case e.LevelReached(level=level):
            return _level(state, level, at)
        case e.RunFinished(level=level, with_exceptions=exceptions, unproven=unproven):
            finished = Finished(level=level, with_exceptions=exceptions, unproven=unproven, at=at)
            return replace(state, ending=finished)
        case e.RunAbandoned(reason=reason):
            return replace(state, ending=Abandoned(reason=reason, at=at))
        case _ as never:
            assert_never(never)


def _moment(record: e.Record) -> Moment:
    return Moment(boot_id=record.boot_id, boottime=record.boottime, wall=record.wall)


def _with_item(state: RunState, item: str, item_state: ItemState) -> RunState:
    return replace(state, items=MappingProxyType({**state.items, item: item_state}))


def _sitting_opened(state: RunState, event: e.SittingOpened, at: Moment) -> RunState:
    sitting = Sitting(
        id=event.sitting,
        operator=event.operator,
        host=event.host,
        front_end=event.front_end,
        opened=at,
    )
    stale = {
        item: replace(one, fresh=False) if isinstance(one, CheckState) else one
        for item, one in state.items.items()
    }
    return replace(
        state,
        sittings=(*state.sittings, sitting),
        sittings_opened=state.sittings_opened + 1,
        items=MappingProxyType(stale),
    )


def _check(state: RunState, event: e.CheckObserved, at: Moment) -> CheckState:
    before = state.items.get(event.item)
    passed_before = isinstance(before, CheckState) and before.passed_once
    verdict = event.observation.verdict
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
    if before is not None and before.status is Status.SKIPPED:
        status = Status.SKIPPED
    return CheckState(
        status=status,
        observation=event.observation,
        at=at,
        passed_once=passed_before or verdict is Verdict.PASSED,
        fresh=True,
        deviation=None if before is None else before.deviation,
    )


def _intended(state: RunState, event: e.CommandIntended, at: Moment) -> RunState:
    attempt = AttemptState(number=event.attempt, at=at, script=event.script, end=Underway(pid=0))
    attempts = (*_attempts(state, event.item), attempt)
    running = CommandState(status=Status.RUNNING, attempts=attempts)
    first = at if state.first_command is None else state.first_command
    return _with_item(replace(state, first_command=first), event.item, running)


def _attempts(state: RunState, item: str) -> tuple[AttemptState, ...]:
    before = state.items.get(item)
    return before.attempts if isinstance(before, CommandState) else ()


def _with_attempt(state: RunState, item: str, number: int, end: AttemptEnd) -> RunState:
    attempts = tuple(
        replace(attempt, end=end) if attempt.number == number else attempt
        for attempt in _attempts(state, item)
    )
    before = state.items.get(item)
    deviation = None if before is None else before.deviation
    command = CommandState(status=_command_status(end), attempts=attempts, deviation=deviation)
    return _with_item(state, item, command)


def _command_status(end: AttemptEnd) -> Status:
    match end:
        case Underway():
            return Status.RUNNING
        case Outcome(kind=e.EndKind.EXITED, code=0):
            return Status.PASSED
        case Outcome():
            return Status.FAILED
        case Lost():
            return Status.UNKNOWN
        case Settled(done=done):
            return Status.PASSED if done else Status.PENDING
        case _ as never:
            assert_never(never)


def _lost(state: RunState, item: str, number: int) -> Lost:
    for attempt in _attempts(state, item):
        if attempt.number == number and isinstance(attempt.end, Lost):
            return attempt.end
    return Lost(why="")


def _probed(state: RunState, event: e.OutcomeProbed) -> RunState:
    lost = _lost(state, event.item, event.attempt)
    probed = replace(lost, probed=Probed(result=event.result, observed=event.observed))
    return _with_attempt(state, event.item, event.attempt, probed)


def _settled(state: RunState, event: e.OutcomeSettled, actor: str, at: Moment) -> RunState:
    lost = _lost(state, event.item, event.attempt)
    seen_done = lost.probed is not None and lost.probed.result is ProbeResult.DONE
    settled = Settled(done=event.done, reason=event.reason)
    after = _with_attempt(state, event.item, event.attempt, settled)
    if event.done and not seen_done:
        against = Deviation(
            what="counted as done although the probe did not see it",
            item=event.item,
            reason=event.reason,
            actor=actor,
            at=at,
        )
        return replace(after, deviations=(*after.deviations, against))
    return after


def _deviating(state: RunState, item: str, deviation: Deviation, status: Status) -> RunState:
    before = state.items.get(item)
    after: ItemState
    if before is None or isinstance(before, LeftOutState):
        after = LeftOutState(status=status, deviation=deviation)
    else:
        after = replace(before, status=status, deviation=deviation)
    return _with_item(replace(state, deviations=(*state.deviations, deviation)), item, after)


def _level(state: RunState, level: RecoveryLevel, at: Moment) -> RunState:
    known = {one.level for one in state.reached}
    new = tuple(
        LevelMoment(level=one, at=at) for one in LEVELS[1 : LEVELS.index(level) + 1] if one not in known
    )
    return replace(state, level=level, reached=(*state.reached, *new))
