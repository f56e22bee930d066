"""Whether somebody set the wall clock under a run. Pure.

Nothing of a run is ordered or measured by it within one boot, but certificates, backups' ages and points
in time go by it, so an operator has to hear of it.
"""

from datetime import datetime
from typing import Final

from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.state import Moment

NOTICED: Final = 10.0
"""Seconds; what keeps a clock right by small steps is no news."""


def wall_jump(earlier: Moment, later: Moment) -> float:
    """Seconds by which the wall clock was set between two moments; 0 where it was not.

    It is held against CLOCK_BOOTTIME, which goes on while the host is suspended; across boots there is
    nothing to hold it against.
    """
    if earlier.boot_id != later.boot_id:
        return 0.0
    passed = (datetime.fromisoformat(later.wall) - datetime.fromisoformat(earlier.wall)).total_seconds()
    jump = passed - (later.boottime - earlier.boottime)
    return jump if abs(jump) > NOTICED else 0.0


def jump_lines(earlier: Moment, later: Moment) -> list[str]:
    """What to tell of it; nothing where the clock went evenly."""
    jump = wall_jump(earlier, later)
    if not jump:
        return []
    way = "ahead" if jump > 0 else "back"
    return [
        f"WARNING: this host's wall clock was set {way} by {duration_text(abs(jump))}. "
        "Events stay in the order of their numbers; certificates, ages of backups and points in time "
        "go by that clock: is it right now?"
    ]
