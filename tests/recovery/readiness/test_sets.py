"""Which set would be gone back to, and whether it is good enough."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.points import RecoveryPoint
from aihummer_drtui.recovery.backup.verified import Verification
from aihummer_drtui.recovery.readiness.limits import Limits
from aihummer_drtui.recovery.readiness.sets import best, candidates, judge_recovery_point, judge_signature
from aihummer_drtui.run.recovery_set import KeyMatch, Signed
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.sealing import MANIFEST_OF_TESTS

NOW = datetime(2026, 11, 24, 8, 10, tzinfo=UTC)
HOUR, DAY = 3_600.0, 86_400.0
LIMITS = Limits(rpo=DAY, rpo_warning=20 * HOUR, reviewed=180 * DAY, drilled=90 * DAY)


def a_point(
    name: str,
    hours: float,
    *,
    verified: str = "",
    signed: Signed = Signed.NONE,
    unknown: tuple[Fact, ...] = (),
) -> RecoveryPoint:
    """A sealed set so many hours old; verified at that moment, if any."""
    at = (NOW - timedelta(hours=hours)).isoformat()
    seen = Verification(
        at=verified, host="h", program="p", manifest_sha256="0", dump_inode=1, dump_modified_ns=1
    )
    return RecoveryPoint(
        path=Path("/backups") / name,
        manifest=msgspec.structs.replace(MANIFEST_OF_TESTS, recovery_point=at, unproven=unknown),
        problem="",
        age=hours * HOUR,
        verified=seen if verified else None,
        key=KeyMatch.UNPROVEN,
        signed=signed,
    )


def no_backup(name: str) -> RecoveryPoint:
    """What only looks like a set."""
    return RecoveryPoint(
        path=Path("/backups") / name,
        manifest=None,
        problem="not sealed",
        age=None,
        verified=None,
        key=KeyMatch.UNPROVEN,
        signed=Signed.NONE,
    )


SEEN = "2026-11-24T07:10:00+00:00"


@pytest.mark.parametrize(
    ("points", "verdict", "observed"),
    [
        ([], Verdict.FAILED, "no backup set that could be used"),
        ([no_backup("loose")], Verdict.FAILED, "no backup set that could be used"),
        (
            [a_point("a", 5, verified=SEEN)],
            Verdict.PASSED,
            "a of 2026-11-24 03:10 UTC, 5 h ago; verified 1 h ago",
        ),
        ([a_point("a", 5, verified="2026-11-24T07:10:00")], Verdict.PASSED, "verified 1 h ago"),
        ([a_point("a", 5)], Verdict.UNPROVEN, "nobody has verified a of"),
        (
            [a_point("new", 5), a_point("old", 30, verified=SEEN)],
            Verdict.UNPROVEN,
            "nobody has verified new of 2026-11-24 03:10 UTC, 5 h ago; the newest that was is old",
        ),
        ([a_point("new", 5), a_point("old", 20, verified=SEEN)], Verdict.PASSED, "old of"),
        ([a_point("old", 25, verified=SEEN)], Verdict.FAILED, "the newest verified set is old of"),
        ([a_point("old", 25)], Verdict.FAILED, "the newest set, which nobody has verified, is old of"),
        ([a_point("odd", -1, verified=SEEN)], Verdict.FAILED, "no backup set that could be used"),
        ([a_point("skewed", -0.05, verified=SEEN)], Verdict.PASSED, "0 s ago"),
        ([a_point("forged", 1, verified=SEEN, signed=Signed.WRONG)], Verdict.FAILED, "no backup set"),
        (
            [a_point("dump", 1, verified=SEEN, unknown=(Fact.BLOBS,))],
            Verdict.UNPROVEN,
            "it knows of no blobs, and no set does",
        ),
        (
            [a_point("dump", 1, verified=SEEN, unknown=(Fact.BLOBS,)), a_point("whole", 30, verified=SEEN)],
            Verdict.FAILED,
            "the newest verified set is whole of",
        ),
    ],
)
def test_the_newest_verified_set_against_the_rpo(
    points: list[RecoveryPoint], verdict: Verdict, observed: str
) -> None:
    """Green only for a set that somebody has verified, that holds all parts, and is new enough."""
    seen = judge_recovery_point(candidates(points, signed_only=False), LIMITS, NOW)
    assert seen.verdict is verdict
    assert observed in seen.observed
    assert bool(seen.hint) is (verdict is not Verdict.PASSED)


def test_what_is_left_of_the_rpo_is_warned_of() -> None:
    """From the age that target.toml names."""
    late = judge_recovery_point(candidates([a_point("a", 21, verified=SEEN)], signed_only=False), LIMITS, NOW)
    assert late.verdict is Verdict.PASSED
    assert late.warnings == ("3 h are left of the RPO",)
    early = judge_recovery_point(
        candidates([a_point("a", 19, verified=SEEN)], signed_only=False), LIMITS, NOW
    )
    assert early.warnings == ()


def test_a_place_that_cannot_be_listed_is_told() -> None:
    """As the reason where there is no set, as a warning where another place has one."""
    gone = ("/mnt/backups: the place cannot be listed",)
    assert judge_recovery_point([], LIMITS, NOW, unreadable=gone).observed == gone[0]
    found = candidates([a_point("a", 5, verified=SEEN)], signed_only=False)
    assert judge_recovery_point(found, LIMITS, NOW, unreadable=gone).warnings == gone


@pytest.mark.parametrize(
    ("points", "chosen", "verdict", "told"),
    [
        ([a_point("a", 5, signed=Signed.TRUSTED)], "a", Verdict.PASSED, "a: signed by a trusted key"),
        (
            [a_point("new", 1), a_point("a", 5, signed=Signed.TRUSTED)],
            "a",
            Verdict.PASSED,
            "a newer set, new, is not: signature none",
        ),
        ([a_point("a", 5)], "", Verdict.FAILED, "no set is; the newest, a: signature none"),
        ([a_point("a", 5, signed=Signed.UNKNOWN_KEY)], "", Verdict.FAILED, "signature unknown-key"),
        ([no_backup("loose")], "", Verdict.UNPROVEN, "there is no set"),
    ],
)
def test_only_sets_of_trusted_keys_count_where_there_are_any(
    points: list[RecoveryPoint], chosen: str, verdict: Verdict, told: str
) -> None:
    """A newer one that anybody could have made is told, and not gone back to."""
    found = best(candidates(points, signed_only=True))
    assert (found.point.path.name if found else "") == chosen
    seen = judge_signature(points, found)
    assert seen.verdict is verdict
    assert told in " ".join((seen.observed, *seen.warnings))
