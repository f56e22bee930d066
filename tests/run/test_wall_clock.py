"""The wall clock that somebody set: noticed within a boot, and only there."""

from datetime import UTC, datetime, timedelta

import pytest

from aihummer_drtui.run.state import Moment
from aihummer_drtui.run.wall_clock import jump_lines, wall_jump

BEGAN = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


def at(boottime: float, wall: float, boot: str = "b") -> Moment:
    """A moment so many seconds after the beginning, by either clock."""
    shown = (BEGAN + timedelta(seconds=wall)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Moment(boot_id=boot, boottime=boottime, wall=shown)


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (at(60, 60), ""),
        (at(60, 66), ""),
        (at(3600, 3600), ""),
        (at(60, 60 - 3600), "back by 1 h"),
        (at(60, 60 + 365 * 86_400), "ahead by 365 d"),
        (at(60, -3600, boot="another"), ""),
    ],
)
def test_s06_a_clock_that_was_set_is_told(later: Moment, told: str) -> None:
    """An hour back, a year ahead; a suspended host, small steps and another boot are no jump."""
    lines = jump_lines(at(0, 0), later)
    assert bool(lines) is bool(told), lines
    assert bool(wall_jump(at(0, 0), later)) is bool(told)
    if told:
        assert told in lines[0]
        assert "order of their numbers" in lines[0]
