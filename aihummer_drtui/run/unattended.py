"""What is done next where nobody is there to choose: overlapped, and in the same order every time.

The order in which things are begun is a property of the runbook, not of how fast the machine is today.
So piped answers meet their questions, and two drills can be compared.
"""

from aihummer_drtui.run.overlap import calling_step, running_in
from aihummer_drtui.run.settled import settled, unmet_needs
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.suggestion import (
    FinishRun,
    NothingLeft,
    OpenStep,
    ResolveUnknown,
    SayProbe,
    Suggestion,
    TellEnd,
    for_item,
    sensible,
)
from aihummer_drtui.runbook.model import CommandItem, Item, Runbook, Step


def order_of_work(runbook: Runbook) -> tuple[Item, ...]:
    """Every item once, in the order in which it is begun when each command outlasts all other work.

    After the start of a command comes the first step in the page's order that has its needs met and no
    command under way; where there is none, the command that stands first on the page is waited for.
    """
    left = {step.id: list(step.items) for step in runbook.steps}
    under_way: list[Step] = []
    order: list[Item] = []
    while any(left.values()):
        step = _first_free(runbook, left, under_way)
        if step is None and under_way:
            under_way.remove(min(under_way, key=runbook.steps.index))
        elif step is None:
            # Steps that need each other, or what is not there: `lint` refuses them.
            return (*order, *(item for items in left.values() for item in items))
        else:
            command = _take_to_command(left[step.id], order)
            under_way += [step] if command else []
    return tuple(order)


def _first_free(runbook: Runbook, left: dict[str, list[Item]], under_way: list[Step]) -> Step | None:
    def is_done(need: str) -> bool:
        return not left.get(need) and all(step.id != need for step in under_way)

    return next(
        (
            step
            for step in runbook.steps
            if left[step.id] and step not in under_way and all(is_done(need) for need in step.needs)
        ),
        None,
    )


def _take_to_command(items: list[Item], order: list[Item]) -> bool:
    """Move items over, up to the first command and with it; whether there was one."""
    while items:
        order.append(items.pop(0))
        if isinstance(order[-1], CommandItem):
            return True
    return False


def next_unattended(runbook: Runbook, state: RunState) -> Suggestion:
    """The one thing to do next. What is unknown or failed comes first, as it does for a person."""
    first = sensible(runbook, state)
    if isinstance(first, NothingLeft | ResolveUnknown | FinishRun | SayProbe | TellEnd):
        return first
    if calling_step(runbook, state) is not None:
        return first
    for item in order_of_work(runbook):
        step = runbook.step_of(item.id)
        if step is None or settled(state, item) or item.id in state.running:
            continue
        if running_in(state, step) is None and not unmet_needs(runbook, state, step):
            return _in_step(state, step, for_item(state, item))
        awaited = step if running_in(state, step) is not None else _first_running(runbook, state)
        return first if awaited is None else _awaiting(state, awaited, first)
    awaited = _first_running(runbook, state)
    return first if awaited is None else _awaiting(state, awaited, first)


def _in_step(state: RunState, step: Step, suggestion: Suggestion) -> Suggestion:
    return suggestion if step.id == state.step else OpenStep(step=step)


def _awaiting(state: RunState, step: Step, otherwise: Suggestion) -> Suggestion:
    command = running_in(state, step)
    return otherwise if command is None else _in_step(state, step, for_item(state, command))


def _first_running(runbook: Runbook, state: RunState) -> Step | None:
    return next((step for step in runbook.steps if running_in(state, step) is not None), None)
