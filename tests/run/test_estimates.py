"""How long a run takes, by earlier ones and by the runbook."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.run import events as e
from aihummer_drtui.run.estimates import (
    Earlier,
    Estimate,
    command_estimate,
    earlier_of,
    step_line,
    whole_estimate,
    whole_text,
)
from aihummer_drtui.run.events import Mode
from aihummer_drtui.runbook.model import RecoveryLevel, Runbook
from tests.run.story import Story, a_command, a_confirm, a_runbook, a_step, to_the_end

FINISHED = e.RunFinished(level=RecoveryLevel.PROVEN, with_exceptions=False, unproven=())


def earlier(whole: float, **took: float) -> Earlier:
    """An earlier drill in which the commands of step `s` took so long."""
    return Earlier(whole=whole, took={f"s/{name}": seconds for name, seconds in took.items()})


def a_book(*estimates: float | None) -> Runbook:
    """A step `s` of commands `a`, `b` … with these estimates; people's time makes it an hour."""
    commands = [
        msgspec.structs.replace(a_command(f"s/{name}"), estimate=estimate)
        for name, estimate in zip("abc", estimates, strict=False)
    ]
    return a_runbook(msgspec.structs.replace(a_step("s", *commands), estimate=3600.0))


def test_a_finished_run_tells_what_its_commands_took() -> None:
    """Of the attempt that passed, not of those that failed before it; the whole with people's time."""
    story = Story().ran("proof/up", attempt=1, code=1).ran("proof/up", attempt=2).ran("side/mail-up", code=1)
    assert earlier_of(story.state) is None
    measured = earlier_of(story.add(FINISHED).state)
    assert measured is not None
    assert measured.took == {"proof/up": 2.0}
    assert measured.whole == float(len(story.records) - 1)
    assert earlier_of(Story().add(e.RunAbandoned(reason="x")).state) is None


def test_a_whole_run_is_measured_whole() -> None:
    """Every command that passed is in it."""
    measured = earlier_of(to_the_end().add(FINISHED).state)
    assert measured is not None
    assert set(measured.took) == {"database/restore", "side/mail-up", "proof/up", "proof/prove"}


@pytest.mark.parametrize(
    ("runs", "estimate", "expected"),
    [
        ([], 60.0, Estimate(seconds=60.0, runs=0)),
        ([], None, None),
        ([earlier(9, a=10.0), earlier(9, a=30.0), earlier(9, a=20.0)], 60.0, Estimate(seconds=20.0, runs=3)),
        ([earlier(9, a=10.0), earlier(9, b=1.0)], None, Estimate(seconds=10.0, runs=1)),
    ],
)
def test_a_command_takes_the_median_of_what_it_took(
    runs: list[Earlier], estimate: float | None, expected: Estimate | None
) -> None:
    """Or what the runbook says, or nothing is known."""
    command = msgspec.structs.replace(a_command("s/a"), estimate=estimate)
    assert command_estimate(command, runs) == expected


def test_it_is_said_where_a_time_comes_from() -> None:
    """By the runbook, or from how many runs of which kind."""
    book = a_book(60.0, 120.0)
    assert whole_text(book, [], Mode.REAL) == (
        "It takes about 1 h (by the runbook); its commands about 3 min (by the runbook)"
    )
    one = [earlier(720.0, a=5.0)]
    assert whole_text(book, one, Mode.DRILL) == (
        "It takes about 12 min (from 1 earlier drill); its commands about 2 min 05 s (from 1 earlier drill), "
        "1 of 2 of them by the runbook"
    )
    assert "about 12 min (from 1 earlier drill)" in whole_text(book, [earlier(731.0, a=5.0)], Mode.DRILL)
    three = [earlier(720.0, a=5.0, b=5.0)] * 3
    assert "(from 3 earlier recoveries)" in whole_text(book, three, Mode.REAL)
    assert step_line(1, book.steps[0], three, Mode.DRILL) == (
        "1. s, 1 h by the runbook; commands about 10 s (from 3 earlier drills)"
    )
    assert step_line(2, a_step("t", a_confirm("t/c")), three, Mode.DRILL) == "2. t"


def test_where_nothing_is_known_nothing_is_made_up() -> None:
    """Neither a runbook's word nor a run."""
    book = a_runbook(a_step("s", a_command("s/a")))
    assert whole_estimate(book, []) is None
    assert whole_text(book, [], Mode.DRILL) == "Nothing says how long it takes"


@given(st.lists(st.floats(0, 10**7), min_size=1, max_size=9))
def test_an_estimate_lies_among_what_was_measured(took: list[float]) -> None:
    """However wild a single run was."""
    found = command_estimate(a_command("s/a"), [earlier(1.0, a=seconds) for seconds in took])
    assert found is not None
    assert min(took) <= found.seconds <= max(took)
    assert found.runs == len(took)
