"""What of the journal's growth stands in the line of notice."""

from aihummer_drtui.run import events as e
from aihummer_drtui.runbook.model import RecoveryLevel
from aihummer_drtui.tui.reporting import news_notice
from tests.plain.test_news import grown

EVENLY = "2025-06-01T00:00:10+00:00"
"""The time that has passed by every clock."""


def test_s06_a_clock_that_was_set_comes_before_all_else() -> None:
    """Whatever event it came with."""
    set_back = grown(e.NoteWritten(text="x"), wall="2025-05-31T23:00:00+00:00")
    evenly = grown(e.NoteWritten(text="x"), wall=EVENLY)
    told = news_notice([set_back, evenly], "")
    assert told is not None
    assert told.text.startswith("WARNING: this host's wall clock was set back by 1 h")
    assert news_notice([evenly], "") is None


def test_of_what_is_as_pressing_the_latest_is_told() -> None:
    """Two of a kind before anything was drawn: what came first may be true no more."""
    first, then = (
        grown(e.LevelReached(level=level), wall=EVENLY) for level in (RecoveryLevel.UP, RecoveryLevel.SERVING)
    )
    told = news_notice([first, then], "")
    assert told is not None
    assert told.text == "recovery level: serving"
