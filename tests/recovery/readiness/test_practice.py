"""Review and drills against their limits."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from aihummer_drtui.recovery.readiness.practice import Exercise, judge_drill, judge_review
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.recovery.readiness.test_sets import LIMITS
from tests.run.story import RECOVERY

NOW = datetime(2026, 11, 24, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "verdict", "observed"),
    [
        ("2026-11-24", Verdict.PASSED, "reviewed 2026-11-24"),
        ("2026-05-29", Verdict.PASSED, "reviewed 2026-05-29"),
        ("2026-05-27", Verdict.UNPROVEN, "reviewed 2026-05-27, 181 d 8 h ago"),
        ("2026-11-26", Verdict.UNPROVEN, "which is still to come"),
    ],
)
def test_the_last_review_against_the_limit(day: str, verdict: Verdict, observed: str) -> None:
    """A slip in the year must not make a runbook fresh for ever."""
    seen = judge_review(msgspec.structs.replace(RECOVERY, reviewed=day), LIMITS, NOW)
    assert seen.verdict is verdict
    assert observed in seen.observed


def an_exercise(days: float, level: RecoveryLevel = RecoveryLevel.PROVEN, *, odd: bool = False) -> Exercise:
    """An exercise that ended so many days ago."""
    return Exercise(run=f"r{days:.0f}", ended=NOW - timedelta(days=days), level=level, with_exceptions=odd)


@pytest.mark.parametrize(
    ("exercises", "verdict", "observed"),
    [
        ([], Verdict.UNPROVEN, "no drill of this runbook"),
        ([an_exercise(3)], Verdict.PASSED, "r3, 3 d ago, ended proven"),
        ([an_exercise(91)], Verdict.UNPROVEN, "too long ago: r91, 91 d ago"),
        ([an_exercise(3), an_exercise(91)], Verdict.PASSED, "r3"),
        (
            [an_exercise(10), an_exercise(3, RecoveryLevel.SERVING)],
            Verdict.UNPROVEN,
            "the last one, r3, 3 d ago, ended serving",
        ),
    ],
)
def test_the_last_drill_decides(exercises: list[Exercise], verdict: Verdict, observed: str) -> None:
    """An older one that went well does not outweigh the last that did not."""
    seen = judge_drill(exercises, LIMITS, NOW)
    assert seen.verdict is verdict
    assert observed in seen.observed
    assert bool(seen.hint) is (verdict is not Verdict.PASSED)


def test_a_drill_with_exceptions_is_warned_of() -> None:
    """It was proven, and something was gone past."""
    seen = judge_drill([an_exercise(3, odd=True)], LIMITS, NOW)
    assert seen.verdict is Verdict.PASSED
    assert seen.warnings
