"""Which steps can be worked on now: any whose needs are met, also while another step's command runs.

Steps wait for each other only where one needs the other. A step whose command is running stays open,
whatever became of its needs meanwhile; what stood before that command has served, what comes after it
waits for its end.
"""

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.requests import Refused
from aihummer_drtui.run.settled import open_items, step_done, unmet_needs
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.runbook.model import CommandItem, Runbook, Step


def running_in(state: RunState, step: Step) -> CommandItem | None:
    """The step's command that is running, or None."""
    for item in step.items:
        if isinstance(item, CommandItem) and state.status(item.id) is Status.RUNNING:
            return item
    return None


def open_steps(runbook: Runbook, state: RunState) -> tuple[Step, ...]:
    """Steps that are not done and whose needs are met, or whose command is running; in the page's order."""
    return tuple(
        step
        for step in runbook.steps
        if not step_done(state, step)
        and (not unmet_needs(runbook, state, step) or running_in(state, step) is not None)
    )


def steps_with_work(runbook: Runbook, state: RunState) -> tuple[Step, ...]:
    """Open steps in which there is something to do now, other than waiting for their running command."""
    return tuple(step for step in open_steps(runbook, state) if running_in(state, step) is None)


def calling_step(runbook: Runbook, state: RunState) -> Step | None:
    """The step of a command that failed while another step was shown, until some step is opened since.

    Whoever opens another step after that knows, and has chosen.
    """
    for item in state.calling:
        step = runbook.step_of(item)
        if step is not None and state.status(item) is Status.FAILED and step in open_steps(runbook, state):
            return step
    return None


def going_refused(runbook: Runbook, state: RunState, step_id: str) -> Refused | None:
    """Why there is nothing to go to that step for, or None when it can be worked on."""
    step = runbook.step(step_id)
    if step is None:
        return Refused(
            reason=f"no step `{cleaned_line(step_id, 80)}` in this runbook",
            hint=f"there are: {', '.join(one.id for one in runbook.steps)}",
        )
    can_go = tuple(one.id for one in open_steps(runbook, state))
    hint = f"you can go to: {', '.join(can_go)}" if can_go else "every step is done"
    if step_done(state, step):
        return Refused(reason=f"step `{step.id}` is done", hint=hint)
    if step.id in can_go:
        return None
    unmet = (
        f"`{need.id}` (still open there: {', '.join(open_items(state, need))})"
        for need in unmet_needs(runbook, state, step)
    )
    return Refused(reason=f"step `{step.id}` needs what is not done yet: {'; '.join(unmet)}", hint=hint)
