"""How far a long command is."""

import pytest

from aihummer_drtui.run.progress import Progress


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "left"),
    [
        (25, 100, 10.0, 30.0),
        (100, 100, 10.0, 0.0),
        (110, 100, 10.0, 0.0),
        (0, 100, 10.0, None),
        (5, 0, 10.0, None),
        (5, 100, 0.0, None),
    ],
)
def test_the_time_left_is_by_the_rate_so_far(
    done: int, total: int, elapsed: float, left: float | None
) -> None:
    """No estimate is made up while there is nothing to judge by, and none is negative."""
    assert Progress(phase="p", done=done, total=total, unit="blobs", elapsed=elapsed).seconds_left == left
