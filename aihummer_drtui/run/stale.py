"""What stood in nobody's way when it was last looked at, and was not looked at since somebody attached."""

from aihummer_drtui.run.settled import has_served
from aihummer_drtui.run.state import ObservedState, RunState, Status
from aihummer_drtui.runbook.model import CheckItem, Runbook


def not_looked_again(runbook: Runbook, state: RunState) -> tuple[CheckItem, ...]:
    """Checks to look at again before anything goes on: they had passed, or nobody could prove them here.

    Neither counts before it was seen anew (`settled.settled`), so a step of theirs that was done is not.
    """
    return tuple(
        item
        for item in runbook.items
        if isinstance(item, CheckItem)
        and isinstance(known := state.items.get(item.id), ObservedState)
        and not known.fresh
        and (known.passed_once or known.status is Status.UNPROVEN)
        and not has_served(state, item.id)
    )


def standing_as_seen(runbook: Runbook, state: RunState) -> tuple[CheckItem, ...]:
    """Costly checks that count as they were seen, perhaps by an engine that is gone."""
    return tuple(
        item
        for item in runbook.items
        if isinstance(item, CheckItem)
        and isinstance(known := state.items.get(item.id), ObservedState)
        and known.costly
        and known.fresh
        and not has_served(state, item.id)
        and known.status in {Status.PASSED, Status.UNPROVEN}
    )
