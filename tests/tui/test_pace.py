"""Telling a hand from a paste by the time of its keys."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.tui.pace import BY_HAND, Pace

BURST = st.floats(0, BY_HAND * 0.99, allow_nan=False)
HAND = st.floats(BY_HAND * 1.01, 60, allow_nan=False)


def typed(gaps: list[float], began: float = 1_000.0) -> Pace:
    """A line whose letters came with those gaps between them."""
    pace = Pace()
    for number, at in enumerate(accumulate(gaps, initial=began)):
        pace.letter(at, first=number == 0)
    return pace


@given(gaps=st.lists(BURST, max_size=60))
def test_a_paste_came_at_once_however_long_somebody_waits_before_enter(gaps: list[float]) -> None:
    """The Enter of a hand makes no hand's words of a paste."""
    pace = typed([gap * 0.9 for gap in gaps])
    pace.key(pace.last + 10)
    assert pace.came_at_once(BY_HAND)
    assert pace.gap > BY_HAND


@given(before=st.lists(BURST, max_size=20), pause=HAND, after=st.lists(BURST, max_size=20))
def test_one_pause_of_a_hand_is_enough(before: list[float], pause: float, after: list[float]) -> None:
    """A slow line delivers what a hand typed in bursts; a paste comes as one."""
    assert not typed([*before, pause, *after]).came_at_once(BY_HAND)


def test_a_line_that_was_emptied_begins_anew() -> None:
    """What was typed by hand and deleted does not vouch for what is pasted then."""
    pace = typed([0.2, 0.3])
    pace.letter(1_010.0, first=True)
    pace.letter(1_010.001, first=False)
    assert pace.came_at_once(BY_HAND)


def test_where_nobody_has_to_read_nothing_is_a_paste() -> None:
    """A limit of zero, as programs that drive the screens have it."""
    assert not typed([0.0, 0.0]).came_at_once(0)
