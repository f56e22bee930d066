"""What is told to somebody who comes back."""

from aihummer_drtui.run import events as e
from aihummer_drtui.runbook.model import RecoveryLevel
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.screens.absence import absence_lines
from tests.run.story import a_record, declared


def heard(*happened: e.Event) -> Away:
    """Someone who heard those events."""
    away = Away()
    for number, what in enumerate((declared(), *happened), 1):
        away.hear(a_record(number, what))
    return away


def opened(sitting: str) -> e.SittingOpened:
    """An operator sits down."""
    return e.SittingOpened(sitting=sitting, operator="anna", host="h", front_end="screens")


ENDED = e.CommandEnded(item="work/do", attempt=1, kind=e.EndKind.EXITED, code=0, took=5.0)
LEFT = e.SittingClosed(sitting="1", reason="left")
ENGINE = e.EngineStarted(pid=1, start_ticks=1)


def texts(away: Away) -> list[str]:
    """What is told."""
    return [line.text for line in absence_lines(away)]


def test_a_new_run_has_nothing_to_tell() -> None:
    """Nobody was there before, so nobody was away."""
    assert texts(heard(ENGINE, opened("1"))) == []


def test_what_happened_between_two_sittings_is_told() -> None:
    """Ends, lost outcomes, levels; not what the operator saw themselves."""
    lost = e.OutcomeLost(item="work/swap", attempt=1, why="killed \x1b[2J")
    level = e.LevelReached(level=RecoveryLevel.UP)
    told = texts(heard(ENGINE, opened("1"), ENDED, LEFT, ENDED, lost, level, opened("2")))
    assert "Nobody was attached since" in told[0]
    assert [text.partition("  ")[2] for text in told[1:4]] == [
        "+ passed: work/do: exit code 0 after 5 s",
        "? unknown: work/swap: nobody saw how it ended: killed \\x1b[2J",
        "recovery level: up",
    ]


def test_what_is_seen_after_sitting_down_takes_nothing_away() -> None:
    """The engine looks again at once, before the journal was read to its end."""
    away = heard(ENGINE, opened("1"), LEFT, ENDED, opened("2"), ENDED)
    assert len(texts(away)) == 4
    assert texts(heard(ENGINE, opened("1"), LEFT, ENDED, opened("2"), opened("3"))) == []


def test_a_front_end_and_an_engine_that_were_killed_leave_no_word() -> None:
    """The next engine's start ends every sitting there was."""
    told = texts(heard(ENGINE, opened("1"), ENGINE, ENDED, opened("2")))
    assert "+ passed: work/do" in told[1]


def test_while_another_operator_is_there_nobody_is_away() -> None:
    """They saw it."""
    assert texts(heard(ENGINE, opened("1"), opened("2"), LEFT, ENDED, opened("3"))) == []
