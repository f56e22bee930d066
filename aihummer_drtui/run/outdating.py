"""What a command or a value does to the items around it: what is out of date, and what has served."""

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


def rests_on(runbook: Runbook, command: str) -> tuple[str, ...]:
    """Checks that stand before `command` in its step, in reading order: its preconditions.

    Once it ran well they have served: the room that a restore used up, or a gateway that runs since, is no
    alarm. What a level rests on is none of them, for that must be true at the end.
    """
    own = runbook.step_of(command)
    ids = [item.id for item in own.items] if own is not None else []
    if own is None or command not in ids:
        return ()
    proofs = {item for proof in runbook.levels for item in proof.items}
    before = own.items[: ids.index(command)]
    return tuple(item.id for item in before if isinstance(item, CheckItem) and item.id not in proofs)


def stated_after(runbook: Runbook, given: str) -> tuple[str, ...]:
    """Statements that come after the input `given` in its step: they may be about its value."""
    own = runbook.step_of(given)
    ids = [item.id for item in own.items] if own is not None else []
    if own is None or given not in ids:
        return ()
    return tuple(item.id for item in own.items[ids.index(given) + 1 :] if isinstance(item, ConfirmItem))


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
