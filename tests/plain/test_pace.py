"""How often a running command is spoken of, and how long a check may stay red."""

from aihummer_drtui.plain.pace import Pace
from aihummer_drtui.plain.waiting import Patience
from aihummer_drtui.run.progress import Progress


def at(phase: str, done: int) -> Progress:
    """A moment of a phase."""
    return Progress(phase=phase, done=done, total=100, unit="blobs", elapsed=1.0)


def test_a_new_phase_is_told_at_once_and_its_progress_seldom() -> None:
    """Ten seconds between two words on the same phase."""
    pace = Pace.begin("a/b", 1, now=0.0)
    assert "copying" in pace.word(at("copying", 1), 1.0)
    assert pace.word(at("copying", 2), 3.0) == ""
    assert "3 blobs" in pace.word(at("copying", 3), 11.5)
    assert "verifying" in pace.word(at("verifying", 0), 12.0)


def test_at_an_open_prompt_a_phase_is_told_more_seldom() -> None:
    """As often as the caller says; a new phase at once all the same."""
    pace = Pace.begin("a/b", 1, now=0.0)
    assert "copying" in pace.word(at("copying", 1), 1.0, every=30.0)
    assert pace.word(at("copying", 2), 12.0, every=30.0) == ""
    assert "verifying" in pace.word(at("verifying", 0), 12.0, every=30.0)
    assert "9 blobs" in pace.word(at("verifying", 9), 43.0, every=30.0)


def test_silence_is_told_too() -> None:
    """After half a minute, with the phase it is silent in; a command without progress shows life."""
    pace = Pace.begin("a/b", 1, now=0.0)
    assert pace.word(None, 29.0) == ""
    assert pace.word(None, 31.0) == "  > a/b: still running, 31 s so far"
    pace.word(at("copying", 1), 32.0)
    assert pace.word(at("copying", 1), 50.0) == ""
    assert "(copying) nothing new" in pace.word(at("copying", 1), 63.0)


def test_patience_counts_from_the_first_red() -> None:
    """For each check by itself, as long as it is red; one that was green meanwhile has all of it again."""
    patience = Patience(seconds=10.0)
    assert patience.left("a/b", 5.0) == 10.0
    assert patience.left("a/b", 9.0) == 6.0
    assert patience.left("a/c", 9.0) == 10.0
    assert patience.left("a/b", 13.0) == 2.0
    assert patience.left("a/b", 16.0) < 0
    assert patience.left("a/b", 600.0) == 10.0
    assert patience.left("a/b", 602.0) == 8.0


def test_waiting_is_spoken_of_ever_more_seldom() -> None:
    """After 5, 15, 30, 60 seconds, then once a minute; anew when the check is waited for again."""
    patience = Patience(seconds=0.0)
    told = [now for now in range(0, 250, 2) if patience.waited("a/b", float(now))]
    assert told == [6, 16, 30, 60, 120, 180, 240]
    assert patience.waited("a/b", 1000.0) == 0.0
