"""The recovery set in line mode: what there is to recover from, and the three parts of what was chosen."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.recovery_set import (
    BACKUP_SET,
    RECOVERY_POINT,
    THE_DUMP,
    NoSet,
    RecoverySets,
    SealedSet,
    WalWindow,
)
from aihummer_drtui.run.set_words import (
    Route,
    Yardstick,
    doubts_of,
    parts_lines,
    set_head,
    set_row,
    unseen_lines,
)
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import Runbook

LOOK_WITHIN: Final = 15.0
"""Seconds; whoever is at the prompt waits for it."""
_MOST: Final = 20
"""Sets told of; the newest come first."""


def set_lines(facts: Facts, runbook: Runbook, state: RunState) -> list[str]:
    """Every set with what speaks against it, then the table of the one that a recovery would use."""
    try:
        *_, seen = facts.recovery_sets(LOOK_WITHIN)
    except DrtuiError as error:
        return [f"What there is to recover from cannot be seen: {error.what}", f"HINT: {error.hint}"]
    incident = datetime.fromisoformat(state.declared.incident_at)
    by = Yardstick(against=incident, is_incident=True, now=datetime.now(UTC), objective=runbook.rpo)
    return [*_listed(seen, by), *_parts(seen, state, by), *unseen_lines(seen)]


def _listed(seen: RecoverySets, by: Yardstick) -> Iterator[str]:
    found: tuple[SealedSet | WalWindow | NoSet, ...] = (*seen.sets, *seen.windows, *seen.none)
    if not found:
        yield "No backup set was found."
        return
    yield by.words
    yield set_head()
    for one in found[:_MOST]:
        yield set_row(one, by)
        yield from (f"  ! {doubt}" for doubt in doubts_of(one, by))
    if len(found) > _MOST:
        yield f"... and {len(found) - _MOST} more: aihummer-drtui backup list"


def _parts(seen: RecoverySets, state: RunState, by: Yardstick) -> Iterator[str]:
    named = state.values.get(BACKUP_SET, "")
    one = seen.named(named) or next(iter(seen.sets), None)
    if one is None:
        return
    point = state.values.get(RECOVERY_POINT, THE_DUMP)
    route: Route = seen.windows[0] if seen.windows and point != THE_DUMP else one.dump
    chosen = "chosen" if seen.named(named) else "proposed"
    yield f"The three parts, by the set that is {chosen}, {cleaned_line(one.value, 300)}:"
    yield from parts_lines(route, one, by)
