"""Ratios, goals and the table are right, so that what is measured is told as it was."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.measuring import measure_program, measure_shell
from tests.benchmarks.side_by_side import (
    AtMost,
    Comparison,
    Contender,
    Faster,
    Goal,
    Measured,
    MemoryUnder,
    Outcome,
    SecondsUnder,
    WireUnder,
    goal_text,
    run_by_turns,
    table,
)


def _outcome(
    seconds: dict[str, list[float]], *goals: Goal, memory: int | None = None, wire: int | None = None
) -> Outcome:
    def contender(name: str) -> Contender:
        each = iter(seconds[name])
        return Contender(name=name, run=lambda: Measured(seconds=next(each), memory=memory, wire=wire))

    names = list(seconds)
    comparison = Comparison(
        name="work", baseline=names[0], contenders=[*map(contender, names)], goals=goals, limit="the disk"
    )
    return run_by_turns(comparison, len(seconds[names[0]]))


def test_the_median_counts_and_not_the_round_that_was_disturbed() -> None:
    """One slow round in five changes nothing."""
    outcome = _outcome({"base": [10, 10, 99, 10, 11], "ours": [5, 4, 5, 77, 5]})
    assert (outcome.median("base"), outcome.median("ours")) == (10, 5)
    assert outcome.ratio("ours") == 0.5


@pytest.mark.parametrize(
    ("goal", "holds", "words"),
    [
        (AtMost(contender="ours", times=0.5), True, "at most 0.5x"),
        (AtMost(contender="ours", times=0.49), False, "at most 0.49x"),
        (Faster(contender="ours", times=2), True, "at least 2x faster"),
        (Faster(contender="ours", times=2.1), False, "at least 2.1x faster"),
        (Faster(contender="ours", times=2, baseline="other"), False, "at least 2x faster than other"),
        (AtMost(contender="ours", times=1, baseline="other"), True, "at most 1x other"),
        (MemoryUnder(contender="ours", size=100_000_000), True, "under 100 MB"),
        (MemoryUnder(contender="ours", size=90_000_000), False, "under 90 MB"),
        (SecondsUnder(contender="ours", seconds=5), True, "at most 5 s"),
        (SecondsUnder(contender="ours", seconds=4.9), False, "at most 4.9 s"),
        (WireUnder(contender="ours", size=12_000), True, "at most 12,000 B"),
        (WireUnder(contender="ours", size=11_999), False, "at most 11,999 B"),
    ],
)
def test_a_goal_holds_to_the_figure(goal: Goal, holds: bool, words: str) -> None:
    """Each kind of goal, just reached and just missed."""
    outcome = _outcome({"base": [10], "ours": [5], "other": [5]}, goal, memory=90_000_000, wire=12_000)
    assert (outcome.holds(goal), outcome.all_hold, goal_text(goal)) == (holds, holds, words)


def test_what_was_not_measured_does_not_hold() -> None:
    """A goal of memory without a figure is missed."""
    for goal in (MemoryUnder(contender="ours", size=1 << 40), WireUnder(contender="ours", size=1 << 40)):
        assert not _outcome({"base": [1], "ours": [1]}, goal).holds(goal)


def test_contenders_take_turns() -> None:
    """A B A B, each prepared before it runs: what else the machine does hits all alike."""
    seen: list[str] = []

    def contender(name: str) -> Contender:
        def run() -> Measured:
            seen.append(name)
            return Measured(seconds=1)

        return Contender(name=name, run=run, prepare=lambda: seen.append(f"prepare {name}"))

    run_by_turns(Comparison(name="w", baseline="a", contenders=[contender("a"), contender("b")]), 2)
    assert seen == ["prepare a", "a", "prepare b", "b"] * 2


def test_what_takes_minutes_is_not_run_more_often_than_it_says() -> None:
    """Its own bound wins over what was asked for, and never adds rounds."""
    contender = Contender(name="a", run=lambda: Measured(seconds=1))
    for bound, rounds in ((1, 1), (None, 3), (9, 3)):
        comparison = Comparison(name="w", baseline="a", contenders=[contender], most_rounds=bound)
        assert len(run_by_turns(comparison, 3).rounds["a"]) == rounds


def test_a_comparison_without_its_baseline_is_refused() -> None:
    """A misspelt name must not be found out after an hour."""
    with pytest.raises(ValueError, match="baseline"):
        run_by_turns(Comparison(name="w", baseline="x", contenders=[]), 1)


def test_the_table_tells_all_of_it() -> None:
    """Median, spread, ratio, memory, every goal and whether it holds; the limit below."""
    goals = (Faster(contender="ours", times=3), MemoryUnder(contender="ours", size=100_000_000))
    outcome = _outcome({"base": [10, 12, 11], "ours": [5, 5, 5]}, *goals, memory=42_000_000)
    lines = table([outcome]).splitlines()
    assert [line.split() for line in lines[2:5]] == [
        ["work", "base", "11.00", "s", "10.00-12.00", "baseline", "42", "MB"],
        ["ours", "5.00", "s", "5.00-5.00", "0.45x", "42", "MB", "at", "least", "3x", "faster", "NO"],
        ["under", "100", "MB", "yes"],
    ]
    assert lines[-1] == "work: the disk"
    assert table([]).startswith("work")


def test_a_program_is_measured_with_its_memory(tmp_path: Path) -> None:
    """Peak memory is that of the program, children included."""
    measured = measure_program([sys.executable, "-c", "b'x' * 50_000_000"], folder=tmp_path)
    assert measured.seconds > 0
    assert measured.memory is not None
    assert 50_000_000 < measured.memory < 500_000_000
    small = measure_program(["true"])
    assert small.memory is not None
    assert small.memory < 30_000_000


def test_a_program_that_fails_is_not_fast() -> None:
    """Neither alone nor as part of a pipe."""
    with pytest.raises(RuntimeError, match="oh no"):
        measure_program([sys.executable, "-c", "raise SystemExit('oh no')"])
    with pytest.raises(RuntimeError):
        measure_shell("false | cat", Path("/"))
