"""The recovery set as it is seen in real folders and a real archive."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.backup.set import MANIFEST
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.target import Target, WalArchive
from aihummer_drtui.run.recovery_set import BlobCopy, KeyMatch, NoBlobs, RecoverySets
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.point_in_time.archiving import archiving
from tests.recovery.sealing import MANIFEST_OF_TESTS, sealed_set
from tests.recovery.small_cluster import MASTER_KEY


def tellings(target: Target, seconds: float = 20.0) -> list[RecoverySets]:
    """Everything that is told."""
    return list(Catalogue(target).recovery_sets(seconds))


def a_target(tmp_path: Path, *, key: str = "") -> Target:
    """A target with one place for sets, and gateway.env's key, if there is one."""
    env = tmp_path / "gateway.env"
    if key:
        env.write_text(f"AIHUMMER_MASTER_KEY={key}\n")
        env.chmod(0o600)
    return Target(gateway_env=env, backup_places=(tmp_path / "sets",))


def test_sets_are_told_with_their_three_parts(tmp_path: Path) -> None:
    """Those with blobs first, the newest of them first; the key is compared with the one at hand."""
    place = tmp_path / "sets"
    sealed_set(place / "old", recovery_point="2024-01-01T00:00:00+00:00")
    sealed_set(place / "new", recovery_point="2024-01-02T00:00:00+00:00", key_fingerprint="0" * 16)
    off = msgspec.structs.replace(MANIFEST_OF_TESTS.blobs, active=False)
    sealed_set(place / "off", recovery_point="2023-01-01T00:00:00+00:00", blobs=off)
    sealed_set(place / "alone", recovery_point="2024-01-03T00:00:00+00:00", unproven=("blobs", "size"))
    first, *_, last = tellings(a_target(tmp_path, key=MASTER_KEY))
    assert first.looking == (str(place),)
    assert not first.sets
    assert not last.looking
    assert not last.keeps_wal
    assert [one.name for one in last.sets] == ["new", "old", "off", "alone"]
    new, old, without, alone = last.sets
    assert new.key.match is KeyMatch.OTHER
    assert old.key.match is KeyMatch.SAME
    assert isinstance(old.blobs, BlobCopy)
    assert old.blobs.copied == datetime(2024, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert old.blobs.rows_without_blob is None
    assert without.blobs == NoBlobs(inactive=True)
    assert alone.blobs == NoBlobs(inactive=False)
    assert alone.dump.size is None
    assert old.verified is None


def test_what_is_no_backup_is_told_as_such(tmp_path: Path) -> None:
    """Changed after it was sealed, unfinished, of no time that can be read: none of them is a set."""
    place = tmp_path / "sets"
    changed = sealed_set(place / "changed") / MANIFEST
    changed.write_bytes(changed.read_bytes().replace(b'"count": 7', b'"count": 8'))
    (place / "unfinished").mkdir()
    (place / "unfinished" / "database.dump").write_bytes(b"PGDMP")
    sealed_set(place / "zoneless", recovery_point="2024-01-01T00:00:00")
    last = tellings(a_target(tmp_path))[-1]
    assert not last.sets
    problems = {one.name: one.problem for one in last.none}
    assert "changed or damaged" in problems["changed"]
    assert "no manifest.json" in problems["unfinished"]
    assert problems["zoneless"]


def test_a_place_that_is_not_there_is_told_beside_the_others(tmp_path: Path) -> None:
    """And hides none of them."""
    sealed_set(tmp_path / "sets" / "one")
    target = msgspec.structs.replace(
        a_target(tmp_path), backup_places=(tmp_path / "not-mounted", tmp_path / "sets")
    )
    last = tellings(target)[-1]
    assert [one.name for one in last.sets] == ["one"]
    assert last.unseen == (
        f"{tmp_path / 'not-mounted'}: the place cannot be listed: No such file or directory",
    )


def test_hundreds_of_sets_come_in_with_the_look_still_going(tmp_path: Path) -> None:
    """All of them are in the last telling, and each telling holds the one before."""
    for number in range(300):
        sealed_set(tmp_path / "sets" / f"s{number:03}", set_id=f"s{number}")
    told = tellings(a_target(tmp_path))
    assert len(told[-1].sets) == 300
    counts = [len(one.sets) for one in told]
    assert counts == sorted(counts)


def test_the_check_of_a_set_tells_which_moments_come_back(tmp_path: Path) -> None:
    """Of database and blobs; of what the set does not know it tells nothing."""
    catalogue = Catalogue(a_target(tmp_path))

    def brought(place: Path) -> dict[str, datetime]:
        return {
            one.part: one.moment for one in catalogue.look("backup-set", {"BACKUP_SET": str(place)}).brings
        }

    assert brought(sealed_set(tmp_path / "one")) == {
        "database": datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC),
        "blobs": datetime(2024, 1, 1, 0, 0, 2, tzinfo=UTC),
    }
    assert set(brought(sealed_set(tmp_path / "two", unproven=("blobs",)))) == {"database"}
    assert brought(tmp_path / "none") == {}


@pytest.mark.postgres
def test_the_windows_of_a_real_archive_are_told(tmp_path: Path) -> None:
    """Beside the sets; a point in them is judged before it is given."""
    with archiving() as server:
        server.base()
        server.write("one")
        server.archived()
        sealed_set(tmp_path / "sets" / "old")
        target = msgspec.structs.replace(server.target, backup_places=(tmp_path / "sets",))
        last = tellings(target)[-1]
        assert last.keeps_wal
        (window,) = last.windows
        assert window.keeper == "archive"
        assert window.size > 0
        assert window.latest is not None
        assert window.earliest < window.latest
        assert [one.name for one in last.sets] == ["old"]
        catalogue = Catalogue(target)
        latest = catalogue.recovery_point("latest")
        assert latest.verdict is Verdict.PASSED
        assert [one.moment for one in latest.brings] == [window.latest]
        assert catalogue.recovery_point("lsn:0/1").brings == ()
        zoneless = catalogue.recovery_point("2026-11-24 03:12:45")
        assert zoneless.verdict is Verdict.FAILED
        assert "names no time zone" in zoneless.observed


def test_a_keeper_that_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    """The sets are there all the same."""
    sealed_set(tmp_path / "sets" / "one")
    (tmp_path / "wal").mkdir()
    wal = WalArchive(archive=tmp_path / "wal", base_places=(tmp_path / "not-there",))
    last = tellings(msgspec.structs.replace(a_target(tmp_path), wal=wal))[-1]
    assert [one.name for one in last.sets] == ["one"]
    assert last.keeps_wal
    assert last.windows == ()
    (why,) = last.unseen
    assert why.startswith("the keeper of WAL: ")
