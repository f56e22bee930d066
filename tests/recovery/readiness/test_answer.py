"""From the rows to one word and one line."""

from dataclasses import replace

import pytest

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.recovery.readiness.answer import Row, Word, answer
from aihummer_drtui.recovery.readiness.limits import limits_of
from aihummer_drtui.recovery.readiness.sets import best, candidates
from aihummer_drtui.recovery.target import ReadinessLimits, Target
from aihummer_drtui.run.verdict import Observation, Verdict
from tests.recovery.readiness.test_sets import DAY, HOUR, LIMITS, SEEN, a_point
from tests.run.story import RECOVERY

CHOSEN = best(candidates([a_point("a", 5 + 1 / 6, verified=SEEN)], signed_only=False))


def rows(*verdicts: Verdict) -> list[Row]:
    """Rows r1, r2, … with these verdicts."""
    return [
        Row(
            name=f"r{number}",
            title="t",
            observation=Observation(verdict=verdict, expected="e", observed=f"saw {number}"),
        )
        for number, verdict in enumerate(verdicts, 1)
    ]


@pytest.mark.parametrize(
    ("verdicts", "word", "line"),
    [
        (
            (Verdict.PASSED,),
            Word.YES,
            "YES, we could recover today: to 2026-11-24 03:00 UTC, 5 h 10 min ago (RPO 1 d)",
        ),
        ((Verdict.PASSED, Verdict.FAILED, Verdict.UNPROVEN), Word.NO, "NO: r2: saw 2"),
        ((Verdict.UNKNOWN, Verdict.PASSED), Word.NOT_PROVEN, "NOT PROVEN: r1: saw 1"),
        ((Verdict.UNPROVEN, Verdict.UNKNOWN), Word.NOT_PROVEN, "NOT PROVEN: r1: saw 1; r2: saw 2"),
        (
            (Verdict.FAILED,) * 5,
            Word.NO,
            "NO: r1: saw 1; r2: saw 2; r3: saw 3; and 2 more",
        ),
    ],
)
def test_one_failure_outweighs_all_and_nothing_unseen_is_a_yes(
    verdicts: tuple[Verdict, ...], word: Word, line: str
) -> None:
    """The line is the answer with its reasons."""
    told = answer(rows(*verdicts), CHOSEN, LIMITS)
    assert (told.word, told.line) == (word, line)


def test_what_may_stay_open_is_named_and_stops_no_yes() -> None:
    """The room of a server elsewhere is never known here; seen too small it stops all the same."""
    (row,) = rows(Verdict.UNPROVEN)
    told = answer([replace(row, may_stay_open=True)], CHOSEN, LIMITS)
    assert told.word is Word.YES
    assert told.line.endswith("(RPO 1 d); not known from here: r1")
    for verdict, word in ((Verdict.UNKNOWN, Word.NOT_PROVEN), (Verdict.FAILED, Word.NO)):
        (row,) = rows(verdict)
        assert answer([replace(row, may_stay_open=True)], CHOSEN, LIMITS).word is word


def test_no_rows_and_no_set_are_no_yes() -> None:
    """Nothing seen is nothing proven."""
    assert answer([], None, LIMITS).line == "NOT PROVEN: nothing was seen"


def test_exit_codes() -> None:
    """As documented."""
    assert [word.exit_code for word in Word] == [ExitCode.OK, ExitCode.FAILED, ExitCode.UNKNOWN_OUTCOME]


def test_limits_are_the_targets_else_the_runbooks_and_the_defaults() -> None:
    """A warning never comes later than the RPO itself."""
    plain = limits_of(Target(), RECOVERY)
    assert (plain.rpo, plain.rpo_warning) == (RECOVERY.rpo, RECOVERY.rpo)
    assert (plain.reviewed, plain.drilled) == (180 * DAY, 90 * DAY)
    told = ReadinessLimits(rpo="6h", rpo_warning="8h", reviewed_within="30d", drill_within="7d")
    own = limits_of(Target(readiness=told), RECOVERY)
    assert (own.rpo, own.rpo_warning) == (6 * HOUR, 6 * HOUR)
    assert (own.reviewed, own.drilled) == (30 * DAY, 7 * DAY)
