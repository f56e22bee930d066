"""How a run ended, in line mode: level, clocks, losses, deviations, what is left over, what comes next."""

from datetime import UTC, datetime
from typing import Final

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.closing import closing_lines, next_lines
from aihummer_drtui.run.leftovers import Leftovers, leftover_lines
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import Runbook

LOOK_WITHIN: Final = 15.0
"""Seconds; nobody waits for the end of a run."""


def ended_lines(runbook: Runbook, state: RunState, facts: Facts, program: str) -> list[str]:
    """The end of a run, a sentence a line. What is left over is looked up now."""
    if is_tabletop(state):
        # Nothing was touched, so nothing can be left over.
        return [*closing_lines(runbook, state), *next_lines(runbook, state, Leftovers())]
    try:
        left = facts.leftovers(LOOK_WITHIN)
    except DrtuiError as error:
        left = Leftovers(unseen=(error.what,))
    return [
        *closing_lines(runbook, state),
        *leftover_lines(left, datetime.now(UTC), program),
        *next_lines(runbook, state, left),
    ]
