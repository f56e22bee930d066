"""The escrow against the set that would be gone back to."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.key.keeping import create_escrow
from aihummer_drtui.recovery.key.sealed_escrow import Cost
from aihummer_drtui.recovery.readiness.escrow import EscrowSeen, judge_escrow, see_escrow
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.sealing import MANIFEST_OF_TESTS
from tests.recovery.small_cluster import MASTER_KEY

SAME = MANIFEST_OF_TESTS.key_fingerprint
NO_KEY = msgspec.structs.replace(MANIFEST_OF_TESTS, key_fingerprint="")
DUMP_ONLY = msgspec.structs.replace(NO_KEY, unproven=(Fact.KEY,))


@pytest.mark.parametrize(
    ("seen", "sealed", "verdict", "observed"),
    [
        (
            EscrowSeen(fingerprint=SAME, closed=False),
            MANIFEST_OF_TESTS,
            Verdict.PASSED,
            f"fingerprint {SAME}",
        ),
        (
            EscrowSeen(fingerprint=SAME, closed=True),
            MANIFEST_OF_TESTS,
            Verdict.PASSED,
            "the closed escrow says",
        ),
        (
            EscrowSeen(fingerprint="0", closed=False),
            MANIFEST_OF_TESTS,
            Verdict.FAILED,
            "wrong key: fingerprint 0",
        ),
        (EscrowSeen(fingerprint="0", closed=True), MANIFEST_OF_TESTS, Verdict.FAILED, "wrong key"),
        (EscrowSeen(fingerprint=SAME, closed=False), NO_KEY, Verdict.UNPROVEN, "the set tells of no key"),
        (EscrowSeen(fingerprint=SAME, closed=False), DUMP_ONLY, Verdict.UNPROVEN, "the set tells of no key"),
        (EscrowSeen(fingerprint=SAME, closed=False), None, Verdict.UNPROVEN, "no set to compare"),
        (None, MANIFEST_OF_TESTS, Verdict.UNPROVEN, "target.toml names no escrow"),
    ],
)
def test_the_escrow_against_the_set(
    seen: EscrowSeen | None, sealed: Manifest | None, verdict: Verdict, observed: str
) -> None:
    """A closed one counts by what it says of itself; another key never does."""
    told = judge_escrow(seen, sealed)
    assert told.verdict is verdict
    assert observed in told.observed
    assert bool(told.hint) is (verdict is not Verdict.PASSED)


def test_open_and_closed_escrows_are_read(tmp_path: Path) -> None:
    """Nobody is asked for a passphrase; one that is not there is an error that names it."""
    bare = tmp_path / "bare"
    bare.write_text(MASTER_KEY)
    bare.chmod(0o600)
    assert see_escrow(str(bare)) == EscrowSeen(fingerprint=SAME, closed=False)
    closed = tmp_path / "closed"
    create_escrow(
        {"AIHUMMER_MASTER_KEY": MASTER_KEY}, closed, "pass", cost=Cost(memory_kib=1024, iterations=1, lanes=1)
    )
    assert see_escrow(str(closed)) == EscrowSeen(fingerprint=SAME, closed=True)
    with pytest.raises(PreconditionError, match="cannot be read"):
        see_escrow(str(tmp_path / "gone"))
