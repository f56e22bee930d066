"""What is settled, what is still open, and which level that supports."""

from aihummer_drtui.run.state import (
    AttemptState,
    CheckState,
    CommandState,
    ItemState,
    RunState,
    Status,
)
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import Item, RecoveryLevel, Runbook, Step


def settled(state: RunState, item: Item) -> bool:
    """Whether the item no longer stands in the way of what comes after it.

    `unproven` does not stand in the way, it only limits the level the recovery can reach.
    A look that is out of date (`CheckState.fresh`) counts once it was repeated, or has served.
    """
    known = state.items.get(item.id)
    if known is None:
        return False
    if known.deviation is not None:
        return True
    if isinstance(known, CheckState):
        stands = known.status in {Status.PASSED, Status.UNPROVEN}
        return stands and (known.fresh or has_served(state, item.id))
    return known.status in {Status.PASSED, Status.SKIPPED}


def has_served(state: RunState, check: str) -> bool:
    """Whether it was the precondition of a command that ran well, and need not be true any more."""
    return any(
        isinstance(command, CommandState)
        and command.status is Status.PASSED
        and command.attempts
        and check in command.attempts[-1].rests_on
        for command in state.items.values()
    )


def step_done(state: RunState, step: Step) -> bool:
    """Whether every item of the step is settled."""
    return all(settled(state, item) for item in step.items)


def open_items(state: RunState, step: Step) -> list[str]:
    """Items of the step that are not settled."""
    return [item.id for item in step.items if not settled(state, item)]


def unmet_needs(runbook: Runbook, state: RunState, step: Step) -> tuple[Step, ...]:
    """Steps that this one needs and that are not done."""
    needed = (runbook.step(need) for need in step.needs)
    return tuple(one for one in needed if one is not None and not step_done(state, one))


def level_of(runbook: Runbook, state: RunState) -> RecoveryLevel:
    """The recovery level that what was seen supports; an override or a skip supports nothing.

    Nor does anything of a tabletop: nobody has seen anything there.
    """
    return RecoveryLevel.NONE if is_tabletop(state) else _supported(runbook, state)


def told_level_of(runbook: Runbook, state: RunState) -> RecoveryLevel:
    """The level that there would be, if all that was told in a tabletop were so; else none."""
    return _supported(runbook, state) if is_tabletop(state) else RecoveryLevel.NONE


def _supported(runbook: Runbook, state: RunState) -> RecoveryLevel:
    reached = RecoveryLevel.NONE
    for proof in runbook.levels:
        # A level without items would be reached by having seen nothing.
        if not proof.items or not all(_is_good(state.items.get(item)) for item in proof.items):
            break
        reached = proof.level
    return reached


def _is_good(known: ItemState | None) -> bool:
    if known is None or known.status is not Status.PASSED or known.deviation is not None:
        return False
    return not isinstance(known, CheckState) or known.fresh


def unproven_items(runbook: Runbook, state: RunState) -> tuple[str, ...]:
    """Items that nobody could prove here, in reading order."""
    return tuple(item.id for item in runbook.items if state.status(item.id) is Status.UNPROVEN)


def latest_attempt(state: RunState, item: str) -> AttemptState | None:
    """The last execution of a command, or None."""
    known = state.items.get(item)
    return known.attempts[-1] if isinstance(known, CommandState) and known.attempts else None
