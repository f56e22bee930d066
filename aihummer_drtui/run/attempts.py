"""The fold of a command's events: intent, start, end, or an outcome nobody saw and what became of it."""

import re
from types import MappingProxyType
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import (
    AttemptEnd,
    AttemptState,
    CheckState,
    CommandState,
    ConfirmState,
    Deviation,
    ItemState,
    Lost,
    Moment,
    Outcome,
    Probed,
    RunState,
    Settled,
    Status,
    Told,
    Underway,
    with_item,
)
from aihummer_drtui.run.verdict import ProbeResult, ToldOutcome

CommandEvent: TypeAlias = (
    e.CommandIntended
    | e.CommandStarted
    | e.CommandEnded
    | e.OutcomeLost
    | e.OutcomeProbed
    | e.OutcomeSettled
    | e.CommandRehearsed
    | e.OutcomeTold
    | e.ProbeAnswered
)


def after_command_event(state: RunState, event: CommandEvent, actor: str, at: Moment) -> RunState:
    """Give the state one event of a command later.

    An event that cannot follow what is known changes nothing: no such attempt, its true end is
    known, or nothing of it was in doubt. So nothing turns green by an event out of place.
    """
    if isinstance(event, e.CommandIntended | e.CommandRehearsed):
        return _begun(state, event, at)
    attempt = _attempt(state, event.item, event.attempt)
    if attempt is None:
        return state
    match event:
        case e.CommandStarted(pid=pid):
            return _ending(state, event.item, attempt, Underway(pid=pid))
        case e.CommandEnded(kind=kind, code=code, took=took):
            return _ending(state, event.item, attempt, Outcome(kind=kind, code=code, took=took))
        case e.OutcomeLost(why=why):
            return _ending(state, event.item, attempt, Lost(why=why))
        case e.OutcomeProbed(result=result, observed=observed):
            return _probed(state, event.item, attempt, Probed(result=result, observed=observed))
        case e.OutcomeSettled():
            return _settled(state, event, attempt, actor, at)
        case e.OutcomeTold():
            return _ending(state, event.item, attempt, _told(event, actor, at))
        case e.ProbeAnswered(result=result, said=said):
            return _probed(state, event.item, attempt, Probed(result=result, observed=said))
        case _ as never:
            assert_never(never)


def ran_with_other(command: CommandState, variable: str, value: str) -> bool:
    """Whether the latest attempt's script names the variable and ran with another value of it."""
    latest = command.attempts[-1]
    named = re.search(rf"\$\{{?{re.escape(variable)}(?![A-Za-z0-9_])", latest.script)
    return named is not None and latest.values.get(variable) != value


def _told(event: e.OutcomeTold, actor: str, at: Moment) -> Told | Lost:
    if event.outcome is ToldOutcome.UNKNOWN:
        return Lost(why=event.said)
    return Told(told=event.outcome, said=event.said, by=actor, at=at, would_take=event.would_take)


def _begun(state: RunState, event: e.CommandIntended | e.CommandRehearsed, at: Moment) -> RunState:
    attempt = AttemptState(
        number=event.attempt,
        at=at,
        script=event.script,
        end=Underway(pid=0),
        values=MappingProxyType(event.values),
        outdates=event.outdates,
        rests_on=event.rests_on if isinstance(event, e.CommandIntended) else (),
        rehearsed=isinstance(event, e.CommandRehearsed),
    )
    before = state.items.get(event.item)
    earlier = before.attempts if isinstance(before, CommandState) else ()
    running = CommandState(status=Status.RUNNING, attempts=(*earlier, attempt))
    first = at if state.first_command is None else state.first_command
    return _outdated(with_item(replace(state, first_command=first), event.item, running), event.outdates)


def _attempt(state: RunState, item: str, number: int) -> AttemptState | None:
    command = state.items.get(item)
    attempts = command.attempts if isinstance(command, CommandState) else ()
    return next((attempt for attempt in reversed(attempts) if attempt.number == number), None)


def _ending(state: RunState, item: str, attempt: AttemptState, end: AttemptEnd) -> RunState:
    command = state.items[item]
    if not isinstance(command, CommandState) or not _can_follow(attempt.end, end):
        return state
    attempts = tuple(replace(one, end=end) if one is attempt else one for one in command.attempts)
    # An earlier attempt whose true end is found late does not speak for the command.
    status = _status(end) if attempt is command.attempts[-1] else command.status
    after = with_item(state, item, replace(command, status=status, attempts=attempts))
    return _outdated(after, attempt.outdates) if isinstance(end, Outcome | Lost | Told) else after


def _can_follow(before: AttemptEnd, after: AttemptEnd) -> bool:
    match after:
        case Underway() | Told():
            return isinstance(before, Underway)
        case Lost():
            return isinstance(before, Underway | Lost)
        case Settled():
            return isinstance(before, Lost)
        case Outcome():
            return not isinstance(before, Outcome)
        case _ as never:
            assert_never(never)


def _status(end: AttemptEnd) -> Status:
    match end:
        case Underway():
            return Status.RUNNING
        case Outcome(kind=e.EndKind.EXITED, code=0):
            return Status.PASSED
        case Outcome():
            return Status.FAILED
        case Told(told=told):
            return Status.PASSED if told is ToldOutcome.DONE else Status.FAILED
        case Lost():
            return Status.UNKNOWN
        case Settled(done=done):
            return Status.PASSED if done else Status.PENDING
        case _ as never:
            assert_never(never)


def _probed(state: RunState, item: str, attempt: AttemptState, probed: Probed) -> RunState:
    if not isinstance(attempt.end, Lost):
        return state
    return _ending(state, item, attempt, replace(attempt.end, probed=probed))


def _settled(
    state: RunState, event: e.OutcomeSettled, attempt: AttemptState, actor: str, at: Moment
) -> RunState:
    lost = attempt.end
    if not isinstance(lost, Lost):
        return state
    after = _ending(state, event.item, attempt, Settled(done=event.done, reason=event.reason))
    seen_done = lost.probed is not None and lost.probed.result is ProbeResult.DONE
    if seen_done or not event.done:
        return after
    against = Deviation(
        what="counted as done although the probe did not see it",
        item=event.item,
        reason=event.reason,
        actor=actor,
        at=at,
        stood=Status.UNKNOWN,
    )
    return replace(after, deviations=(*after.deviations, against))


def _outdated(state: RunState, items: tuple[str, ...]) -> RunState:
    """The state in which nothing that was seen of those items counts until it is seen again."""
    known = {item: _before_the_change(state.items[item]) for item in items if item in state.items}
    return replace(state, items=MappingProxyType({**state.items, **known}))


def _before_the_change(one: ItemState) -> ItemState:
    match one:
        case CheckState():
            return replace(one, fresh=False)
        case ConfirmState(status=Status.PASSED) | CommandState(status=Status.PASSED):
            return replace(one, status=Status.DRIFTED)
        case _:
            return one
