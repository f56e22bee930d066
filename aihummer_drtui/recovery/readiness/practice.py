"""Whether people are in practice: the runbook was gone through, and the last drill ended proven."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.readiness.limits import Limits
from aihummer_drtui.run.verdict import Observation, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel, Runbook


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A drill, or a real recovery, that was gone through to its end."""

    run: str
    ended: datetime
    level: RecoveryLevel
    with_exceptions: bool


def judge_review(runbook: Runbook, limits: Limits, now: datetime) -> Observation:
    """Hold the day of the last review against the limit."""
    limit = duration_text(limits.reviewed)
    expected = f"reviewed by a person within {limit}"
    day = datetime.fromisoformat(runbook.reviewed).replace(tzinfo=UTC)
    age = (now - day).total_seconds()
    title = f"{cleaned_line(runbook.title, 60)}, version {cleaned_line(runbook.version, 20)}"
    # A day has begun somewhere on Earth up to 14 hours before it begins in UTC.
    if age < -14 * 3600:
        observed = f"{title}: reviewed {runbook.reviewed}, which is still to come"
    elif age > limits.reviewed:
        observed = f"{title}: reviewed {runbook.reviewed}, {duration_text(age)} ago"
    else:
        observed = f"{title}: reviewed {runbook.reviewed}"
        return Observation(verdict=Verdict.PASSED, expected=expected, observed=observed)
    return Observation(
        verdict=Verdict.UNPROVEN,
        expected=expected,
        observed=observed,
        hint="have a person go through it, and write the day into its front matter (`reviewed`)",
    )


def judge_drill(exercises: Sequence[Exercise], limits: Limits, now: datetime) -> Observation:
    """Hold the last exercise against the limit: it decides, whatever an older one has shown."""
    expected = f"the last drill ended proven, within {duration_text(limits.drilled)}"
    hint = "hold one: `aihummer-drtui drill`"
    last = max(exercises, key=lambda one: one.ended, default=None)
    if last is None:
        return _unproven(expected, "no drill of this runbook was gone through to its end", hint)
    age = (now - last.ended).total_seconds()
    words = f"{cleaned_line(last.run, 60)}, {duration_text(age)} ago, ended {last.level.value}"
    if last.level is not RecoveryLevel.PROVEN:
        return _unproven(expected, f"the last one, {words}", f"mend what it stumbled over, then {hint}")
    if age > limits.drilled:
        return _unproven(expected, f"too long ago: {words}", hint)
    excepted = ("it went past items of the runbook (with exceptions)",) if last.with_exceptions else ()
    return Observation(verdict=Verdict.PASSED, expected=expected, observed=words, warnings=excepted)


def _unproven(expected: str, observed: str, hint: str) -> Observation:
    return Observation(verdict=Verdict.UNPROVEN, expected=expected, observed=observed, hint=hint)
