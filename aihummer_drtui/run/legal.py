"""What is legal now. Decides; does nothing.

The engine asks `refusal` before it journals a request, front ends to offer only what would be accepted.
Which of it is the sensible next thing is told by `suggestion`.
"""

from itertools import takewhile
from typing import assert_never

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.requests import LONGEST_WORDS, Refused
from aihummer_drtui.run.settled import latest_attempt, open_items, settled, unmet_needs
from aihummer_drtui.run.state import (
    Abandoned,
    CheckState,
    Finished,
    ItemState,
    Living,
    RunState,
    Status,
)
from aihummer_drtui.run.tabletop import (
    mode_refusal,
    no_duration,
    not_rehearsed,
    under_way_hint,
)
from aihummer_drtui.runbook.model import (
    CheckItem,
    CommandItem,
    ConfirmItem,
    InputItem,
    Item,
    Runbook,
)

_OPERATOR_SAYS_WHY = "say in a few words why; it goes into the record"


def refusal(runbook: Runbook, state: RunState, request: r.Request) -> Refused | None:  # noqa: PLR0912
    """Why the request is not legal in this state, or None when it is."""
    if isinstance(request, r.Attach):
        return None
    never_legal = _ended(state) or mode_refusal(state, request)
    if never_legal is not None:
        return never_legal
    match request:
        case r.WriteNote(text=text):
            return _no_words(text, "a note")
        case r.AcceptRunbook(reason=reason):
            return _no_words(reason, "a reason")
        case r.ShowStep(step=step):
            return None if runbook.step(step) else _no_such("step", step, [one.id for one in runbook.steps])
        case r.Finish():
            return _finish(runbook, state)
        case r.Abandon(reason=reason):
            return _no_words(reason, "a reason") or _nothing_running(state)
        case r.LookAgain(item=item_id):
            return _of_kind(runbook, item_id, CheckItem)
        case r.GiveInput(item=item_id, value=value):
            return _of_kind(runbook, item_id, InputItem) or _input(runbook, state, item_id, value)
        case r.Confirm(item=item_id, statement=statement):
            return _of_kind(runbook, item_id, ConfirmItem) or _no_words(statement, "a statement")
        case r.StartCommand(item=item_id):
            return _of_kind(runbook, item_id, CommandItem) or _start(runbook, state, item_id)
        case r.StopCommand(item=item_id):
            return _of_kind(runbook, item_id, CommandItem) or _is_running(state, item_id)
        case r.ProbeOutcome(item=item_id):
            return _of_kind(runbook, item_id, CommandItem) or _is_lost(state, item_id)
        case r.SettleOutcome(item=item_id, reason=reason):
            return (
                _of_kind(runbook, item_id, CommandItem)
                or _is_lost(state, item_id)
                or _no_words(reason, "a reason")
            )
        case r.AnswerCheck(item=item_id, said=said):
            return _of_kind(runbook, item_id, CheckItem) or _too_long(said, "what was said")
        case r.TellOutcome(item=item_id, said=said, would_take=would_take):
            return (
                _of_kind(runbook, item_id, CommandItem)
                or not_rehearsed(state, item_id)
                or no_duration(would_take)
                or _too_long(said, "what was said")
            )
        case r.AnswerProbe(item=item_id, said=said):
            return (
                _of_kind(runbook, item_id, CommandItem)
                or _is_lost(state, item_id)
                or _too_long(said, "what was said")
            )
        case r.Skip(item=item_id, reason=reason) | r.Override(item=item_id, reason=reason):
            return _deviate(runbook, state, item_id) or _no_words(reason, "a reason")
        case _ as never:
            assert_never(never)


def _ended(state: RunState) -> Refused | None:
    match state.ending:
        case Living():
            return None
        case Finished():
            return Refused(reason="the run is finished", hint="start a new one with `run`")
        case Abandoned(reason=reason):
            told = cleaned_line(reason, 300)
            return Refused(reason=f"the run was abandoned: {told}", hint="start a new one with `run`")
        case _ as never:
            assert_never(never)


def _no_words(text: str, what: str) -> Refused | None:
    if not text.strip():
        return Refused(reason=f"{what} is missing", hint=_OPERATOR_SAYS_WHY)
    return _too_long(text, what)


def _too_long(text: str, what: str) -> Refused | None:
    if len(text) <= LONGEST_WORDS:
        return None
    return Refused(reason=f"{what} of {len(text)} characters is too long", hint=f"at most {LONGEST_WORDS}")


def _no_such(kind: str, name: str, known: list[str]) -> Refused:
    named = cleaned_line(name, 80)
    return Refused(reason=f"no {kind} `{named}` in this runbook", hint=f"there are: {', '.join(known)}")


def _of_kind(runbook: Runbook, item_id: str, kind: type[Item]) -> Refused | None:
    item = runbook.item(item_id)
    if isinstance(item, kind):
        return None
    word = kind.__name__.removesuffix("Item").lower()
    return _no_such(word, item_id, [one.id for one in runbook.items if isinstance(one, kind)])


def _input(runbook: Runbook, state: RunState, item_id: str, value: str) -> Refused | None:
    if not value or len(value) > LONGEST_WORDS or cleaned_line(value, LONGEST_WORDS) != value:
        return Refused(
            reason="the value is empty, too long, or holds control characters",
            hint="give one line of text",
        )
    item = runbook.item(item_id)
    if not isinstance(item, InputItem) or state.values.get(item.variable, value) == value:
        return None
    for command in state.running:
        if _had_another(state, command, item.variable, value):
            return Refused(
                reason=f"{command} is running with another value of {item.variable}",
                hint="wait for its end, then give the new value",
            )
    for command in state.lost:
        if _had_another(state, command, item.variable, value):
            return Refused(
                reason=f"{command} had another value of {item.variable}, and nobody saw how it ended",
                hint="probe it and settle what it was, then give the new value",
            )
    return None


def _had_another(state: RunState, command: str, variable: str, value: str) -> bool:
    """Whether the command's latest attempt was given another value; one given since is not its own."""
    latest = latest_attempt(state, command)
    return latest is not None and latest.values.get(variable, value) != value


def _start(runbook: Runbook, state: RunState, item_id: str) -> Refused | None:
    step = runbook.step_of(item_id)
    if step is None:
        return _no_such("step", item_id, [])
    match state.status(item_id):
        case Status.RUNNING:
            return Refused(reason=f"{item_id} is running already", hint=under_way_hint(state))
        case Status.UNKNOWN:
            return Refused(
                reason=f"nobody saw how the last attempt of {item_id} ended",
                hint="probe it, then settle what it was; only then can it be started again",
            )
        case Status.PASSED if not _something_after_is_bad(runbook, state, item_id):
            return Refused(
                reason=f"{item_id} has passed",
                hint="go on with the next item; it can be started again when something after it fails",
            )
        case _:
            pass
    for need in unmet_needs(runbook, state, step):
        return Refused(
            reason=f"step `{step.id}` needs step `{need.id}`, which is not done",
            hint=f"open it: `{need.id}`; still open there: {', '.join(open_items(state, need))}",
        )
    for item in takewhile(lambda one: one.id != item_id, step.items):
        if not settled(state, item):
            return Refused(
                reason=f"{item.id} comes before it and is {state.status(item.id)}",
                hint="settle it first: mend it and look again, or override it with a reason",
            )
    return None


def _something_after_is_bad(runbook: Runbook, state: RunState, command: str) -> bool:
    """Whether what comes after a command that passed shows that it has to be done again."""
    return any(_seen_bad(state.items.get(item)) for item in outdated_by(runbook, command))


def _seen_bad(known: ItemState | None) -> bool:
    if known is None or known.status not in {Status.FAILED, Status.DRIFTED}:
        return False
    return not isinstance(known, CheckState) or known.fresh


def _is_running(state: RunState, item_id: str) -> Refused | None:
    if state.status(item_id) is Status.RUNNING:
        return None
    return Refused(reason=f"{item_id} is not running", hint="nothing is to be stopped")


def _is_lost(state: RunState, item_id: str) -> Refused | None:
    if state.status(item_id) is Status.UNKNOWN:
        return None
    return Refused(reason=f"the outcome of {item_id} is not in doubt", hint="look at `status`")


def _nothing_running(state: RunState) -> Refused | None:
    if state.executing:
        are = "are" if len(state.executing) > 1 else "is"
        return Refused(
            reason=f"{' and '.join(state.executing)} {are} still running",
            hint="wait for the end, or stop it first",
        )
    return None


def _deviate(runbook: Runbook, state: RunState, item_id: str) -> Refused | None:
    item = runbook.item(item_id)
    if item is None:
        return _no_such("item", item_id, [one.id for one in runbook.items])
    if state.status(item_id) is Status.RUNNING:
        return Refused(reason=f"{item_id} is still running", hint=under_way_hint(state))
    if state.status(item_id) is Status.UNKNOWN and isinstance(item, CommandItem):
        return Refused(reason=f"the outcome of {item_id} is unknown", hint="probe it, then settle it")
    if settled(state, item):
        return Refused(reason=f"{item_id} is settled already", hint="go on with the next item")
    return None


def _finish(runbook: Runbook, state: RunState) -> Refused | None:
    still_open = [item.id for item in runbook.items if not settled(state, item)]
    if still_open:
        return Refused(
            reason=f"{len(still_open)} items are not settled: {', '.join(still_open[:5])}",
            hint="go through them, or abandon the run with a reason",
        )
    return _nothing_running(state)
