"""What a command makes out of date: everything that speaks of the world it changes."""

from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, Item, Runbook, Step


def outdated_by(runbook: Runbook, command: str) -> tuple[str, ...]:
    """Items whose earlier answer says nothing any more once `command` ran, in reading order.

    They are the checks, the statements and the commands that replace nothing (start, smoke, proof)
    that come after it: later in its step, or in a step that needs its step. A later restore is not
    among them: what it put in place stays in place.
    """
    own = runbook.step_of(command)
    if own is None:
        return ()
    ids = [item.id for item in own.items]
    after = own.items[ids.index(command) + 1 :] if command in ids else ()
    dependent = _dependents(runbook, own.id)
    later = (item for step in runbook.steps if step.id in dependent for item in step.items)
    return tuple(item.id for item in (*after, *later) if _speaks_of_the_world(item))


def _dependents(runbook: Runbook, step_id: str) -> set[str]:
    """Ids of the steps that need that step, directly or through others."""
    found: set[str] = set()
    fresh: list[Step] = [step for step in runbook.steps if step_id in step.needs]
    while fresh:
        step = fresh.pop()
        if step.id not in found and step.id != step_id:
            found.add(step.id)
            fresh += [one for one in runbook.steps if step.id in one.needs]
    return found


def _speaks_of_the_world(item: Item) -> bool:
    return isinstance(item, CheckItem | ConfirmItem) or (
        isinstance(item, CommandItem) and not item.destructive
    )
