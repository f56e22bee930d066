"""The sensible next thing: what a tired operator should be offered first, in any state of the run."""

from itertools import chain
from typing import TypeAlias, assert_never

import msgspec

from aihummer_drtui.run.overlap import calling_step, open_steps, running_in, steps_with_work
from aihummer_drtui.run.settled import latest_attempt, settled, step_done
from aihummer_drtui.run.state import CheckState, Living, Lost, RunState, Status
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Item, Runbook, Step


class ResolveUnknown(msgspec.Struct, frozen=True, kw_only=True):
    """A command's outcome is unknown: probe it and decide, before anything else."""

    item: CommandItem


class OpenStep(msgspec.Struct, frozen=True, kw_only=True):
    """Go to this step."""

    step: Step


class GiveValue(msgspec.Struct, frozen=True, kw_only=True):
    """Answer an input."""

    item: InputItem


class StateIt(msgspec.Struct, frozen=True, kw_only=True):
    """Confirm what was seen."""

    item: ConfirmItem


class AwaitCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The check was not looked at yet, or its look is out of date; the engine looks by itself."""

    item: CheckItem


class MendCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The check is not green: mend what it names, then look again."""

    item: CheckItem


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Start the command."""

    item: CommandItem


class StartAgain(msgspec.Struct, frozen=True, kw_only=True):
    """The command failed: see its output, mend, and start it again."""

    item: CommandItem


class AwaitCommand(msgspec.Struct, frozen=True, kw_only=True):
    """The command is running."""

    item: CommandItem


class WorkMeanwhile(msgspec.Struct, frozen=True, kw_only=True):
    """The command is running, and meanwhile this step has work whose needs are met."""

    item: CommandItem
    step: Step


class AnswerIt(msgspec.Struct, frozen=True, kw_only=True):
    """Tabletop: say what the check finds; while it is not green, say what became of mending it."""

    item: CheckItem


class TellEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Tabletop: the command would be running now; say how it ended."""

    item: CommandItem


class SayProbe(msgspec.Struct, frozen=True, kw_only=True):
    """Tabletop: the outcome is unknown; say what its probe sees."""

    item: CommandItem


class FinishRun(msgspec.Struct, frozen=True, kw_only=True):
    """Every item is settled."""


class NothingLeft(msgspec.Struct, frozen=True, kw_only=True):
    """The run has ended."""


Suggestion: TypeAlias = (
    ResolveUnknown
    | OpenStep
    | GiveValue
    | StateIt
    | AwaitCheck
    | MendCheck
    | Start
    | StartAgain
    | AwaitCommand
    | WorkMeanwhile
    | AnswerIt
    | TellEnd
    | SayProbe
    | FinishRun
    | NothingLeft
)


def sensible(runbook: Runbook, state: RunState) -> Suggestion:
    """Give the one thing to do next."""
    if not isinstance(state.ending, Living):
        return NothingLeft()
    for item in runbook.items:
        if isinstance(item, CommandItem) and state.status(item.id) is Status.UNKNOWN:
            return _about_unknown(state, item)
    calling = calling_step(runbook, state)
    if calling is not None and calling.id != state.step:
        return OpenStep(step=calling)
    step = _step_to_work_on(runbook, state)
    if step is None:
        return FinishRun()
    if step.id != state.step:
        return OpenStep(step=step)
    return in_shown_step(runbook, state, step)


def in_shown_step(runbook: Runbook, state: RunState, step: Step) -> Suggestion:
    """Give the next thing in an unfinished step that is shown, whatever happens in the others.

    Waiting for its running command is sensible only where no other step has work that can be done.
    """
    command = running_in(state, step)
    if command is not None and is_tabletop(state):
        return TellEnd(item=command)
    if command is not None:
        elsewhere = next(iter(steps_with_work(runbook, state)), None)
        return (
            AwaitCommand(item=command) if elsewhere is None else WorkMeanwhile(item=command, step=elsewhere)
        )
    return for_item(state, next(item for item in step.items if not settled(state, item)))


def _about_unknown(state: RunState, item: CommandItem) -> Suggestion:
    """The engine probes by itself; in a tabletop nobody does until somebody says what the probe sees."""
    latest = latest_attempt(state, item.id)
    lost = latest.end if latest is not None and isinstance(latest.end, Lost) else None
    if is_tabletop(state) and lost is not None and lost.probed is None:
        return SayProbe(item=item)
    return ResolveUnknown(item=item)


def is_still_open(runbook: Runbook, state: RunState, question: Suggestion) -> bool:
    """Whether what is asked in the step that is shown may still be answered, though another thing came up."""
    step = runbook.step(state.step)
    if step is None or step not in open_steps(runbook, state):
        return False
    return in_shown_step(runbook, state, step) == question


def _step_to_work_on(runbook: Runbook, state: RunState) -> Step | None:
    """The step shown if it is open, else the first with work in the runbook's order, else one that waits.

    A step is drawn back to, too: a needed step that drifted is unmet for those after it.
    """
    shown = runbook.step(state.step)
    can_go = open_steps(runbook, state)
    if shown is not None and shown in can_go:
        return shown
    # Steps that need each other (`lint` refuses them) must not look like a run that is done.
    unfinished = (step for step in runbook.steps if not step_done(state, step))
    return next(chain(steps_with_work(runbook, state), can_go, unfinished), None)


def for_item(state: RunState, item: Item) -> Suggestion:
    """Give what an item that is not settled asks for."""
    match item:
        case InputItem():
            return GiveValue(item=item)
        case ConfirmItem():
            return StateIt(item=item)
        case CheckItem() if is_tabletop(state):
            return AnswerIt(item=item)
        case CheckItem():
            known = state.items.get(item.id)
            looked = isinstance(known, CheckState) and known.fresh
            return MendCheck(item=item) if looked else AwaitCheck(item=item)
        case CommandItem():
            match state.status(item.id):
                case Status.RUNNING if is_tabletop(state):
                    return TellEnd(item=item)
                case Status.RUNNING:
                    return AwaitCommand(item=item)
                case Status.FAILED:
                    return StartAgain(item=item)
                case _:
                    return Start(item=item)
        case _ as never:
            assert_never(never)
