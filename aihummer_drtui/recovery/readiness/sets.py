"""The backup set that a recovery would go back to today: which one, and whether it is good enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.points import RecoveryPoint
from aihummer_drtui.recovery.readiness.limits import Limits
from aihummer_drtui.run.recovery_set import Signed
from aihummer_drtui.run.verdict import Observation, Verdict

_SKEW: Final = 300.0
"""Seconds a recovery point may lie in the future: clocks of two hosts differ."""
_TAKE_ONE: Final = "take one: `aihummer-drtui backup create`; then see why the last one was not taken in time"
_LIST_THEM: Final = "mount what holds the sets, or mend `backup-places` in target.toml"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sealed set that could be recovered from, as far as its seal and its signature tell."""

    point: RecoveryPoint
    manifest: Manifest
    age: float
    """Seconds since its recovery point; never below 0."""

    @property
    def moment(self) -> datetime:
        """Its recovery point in UTC."""
        return datetime.fromisoformat(self.manifest.recovery_point).astimezone(UTC)

    @property
    def words(self) -> str:
        """Its name, its moment and its age."""
        at = self.moment.strftime("%Y-%m-%d %H:%M UTC")
        return f"{cleaned_line(self.point.path.name, 60)} of {at}, {duration_text(self.age)} ago"


def candidates(points: Sequence[RecoveryPoint], *, signed_only: bool) -> list[Candidate]:
    """The sets that a recovery could use, the newest first; those with blobs alone, if there are any.

    A set from the future, one found damaged, one with a wrong signature, or (with `signed_only`) without a
    trusted one is none.
    """
    sound = [
        Candidate(point=point, manifest=point.manifest, age=max(0.0, point.age))
        for point in points
        if point.manifest is not None
        and point.age is not None
        and point.age >= -_SKEW
        and not point.damage
        and (point.signed is Signed.TRUSTED if signed_only else point.signed is not Signed.WRONG)
    ]
    whole = [one for one in sound if one.manifest.knows(Fact.BLOBS)]
    return sorted(whole or sound, key=lambda one: one.age)


def best(found: Sequence[Candidate]) -> Candidate | None:
    """The one to go back to: the newest that was verified, else the newest."""
    verified = (one for one in found if one.point.verified is not None)
    return next(verified, next(iter(found), None))


def judge_recovery_point(
    found: Sequence[Candidate], limits: Limits, now: datetime, *, unreadable: tuple[str, ...] = ()
) -> Observation:
    """Hold the newest verified set against the RPO. `found` as `candidates` gives them."""
    rpo = duration_text(limits.rpo)
    expected = f"a verified set no older than the RPO of {rpo}"
    one = best(found)
    if one is None:
        observed = "; ".join(unreadable) or "no backup set that could be used"
        return _failed(expected, observed, _LIST_THEM if unreadable else _TAKE_ONE)
    seen = _against_rpo(one, found[0], limits, expected)
    if seen.verdict is Verdict.PASSED and not one.manifest.knows(Fact.BLOBS):
        seen = msgspec.structs.replace(
            seen,
            verdict=Verdict.UNPROVEN,
            observed=f"{seen.observed}; it knows of no blobs, and no set does",
            hint="take whole sets with `aihummer-drtui backup create`",
        )
    if seen.verdict is Verdict.PASSED and one.point.verified is not None:
        since = (now - one.point.verified.moment).total_seconds()
        seen = msgspec.structs.replace(seen, observed=f"{seen.observed}; verified {duration_text(since)} ago")
    late = (f"{duration_text(limits.rpo - one.age)} are left of the RPO",)
    warned = seen.verdict is Verdict.PASSED and one.age > limits.rpo_warning
    return msgspec.structs.replace(seen, warnings=(*(late if warned else ()), *unreadable))


def _against_rpo(one: Candidate, newest: Candidate, limits: Limits, expected: str) -> Observation:
    verified = one.point.verified is not None
    if verified and one.age <= limits.rpo:
        return Observation(verdict=Verdict.PASSED, expected=expected, observed=one.words)
    if newest.age <= limits.rpo:
        older = f"; the newest that was is {one.words}" if verified else ""
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed=f"nobody has verified {newest.words}{older}",
            hint=f"verify it: `aihummer-drtui backup verify {cleaned_line(str(newest.point.path), 200)}`",
        )
    which = "the newest verified set" if verified else "the newest set, which nobody has verified,"
    return _failed(expected, f"{which} is {one.words}: older than {duration_text(limits.rpo)}", _TAKE_ONE)


def judge_signature(points: Sequence[RecoveryPoint], chosen: Candidate | None) -> Observation:
    """Whether the set to go back to, of all there are, is signed by a key that the target trusts."""
    expected = "the set is signed by one of `trusted-keys`"
    sealed = sorted((one.age, str(one.path), one) for one in points if one.age is not None)
    if not sealed:
        return Observation(
            verdict=Verdict.UNPROVEN, expected=expected, observed="there is no set to look at", hint=_TAKE_ONE
        )
    _, _, newest = sealed[0]
    hint = "see who made it: `aihummer-drtui backup list`; sign sets where they are made (`signing-key`)"
    name = cleaned_line(newest.path.name, 60)
    if chosen is None:
        return _failed(expected, f"no set is; the newest, {name}: signature {newest.signed.value}", hint)
    odd = newest.signed is not Signed.TRUSTED
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"{cleaned_line(chosen.point.path.name, 60)}: signed by a trusted key",
        warnings=(f"a newer set, {name}, is not: signature {newest.signed.value}",) if odd else (),
    )


def _failed(expected: str, observed: str, hint: str) -> Observation:
    return Observation(verdict=Verdict.FAILED, expected=expected, observed=observed, hint=hint)
