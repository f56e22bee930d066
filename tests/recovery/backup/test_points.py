"""What lies in a place is told as it is: no file looks like a backup that is none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.points import RecoveryPoint, recovery_points
from aihummer_drtui.run.recovery_set import KeyMatch
from tests.recovery.sealing import MANIFEST_OF_TESTS, sealed_set

NOW = datetime(2024, 1, 1, 6, 0, 1, tzinfo=UTC)


def _points(place: Path, fingerprint: str = "") -> list[RecoveryPoint]:
    return recovery_points(place, fingerprint=fingerprint, now=NOW)


def test_points_come_newest_first_with_what_they_would_lose(tmp_path: Path) -> None:
    """The first line is the one to recover from."""
    sealed_set(tmp_path / "b", recovery_point="2024-01-01T00:00:01+00:00")
    sealed_set(tmp_path / "a", recovery_point="2024-01-01T05:00:01+00:00")
    assert [(point.path.name, point.age) for point in _points(tmp_path)] == [("a", 3600.0), ("b", 21600.0)]


@pytest.mark.parametrize(
    ("fingerprint", "match"),
    [
        (MANIFEST_OF_TESTS.key_fingerprint, KeyMatch.SAME),
        ("0" * 16, KeyMatch.OTHER),
        ("", KeyMatch.UNPROVEN),
    ],
)
def test_the_key_at_hand_is_compared(tmp_path: Path, fingerprint: str, match: KeyMatch) -> None:
    """Without a key nothing is said to fit."""
    sealed_set(tmp_path / "set")
    assert _points(tmp_path, fingerprint)[0].key is match


def test_a_set_sealed_without_a_key_fits_no_key(tmp_path: Path) -> None:
    """Two unknown keys are not the same key."""
    sealed_set(tmp_path / "set", key_fingerprint="")
    assert _points(tmp_path, "0" * 16)[0].key is KeyMatch.UNPROVEN


def test_what_is_no_backup_is_listed_last_and_says_why(tmp_path: Path) -> None:
    """Loose dumps, unfinished folders and broken seals are seen, and never taken for backups."""
    sealed_set(tmp_path / "whole")
    (sealed_set(tmp_path / "broken") / "manifest.json").write_text("{}")
    (tmp_path / ".partial-x").mkdir()
    (tmp_path / ".partial-x" / "database.dump").write_bytes(b"PGDMP")
    (tmp_path / "nightly.dump").write_bytes(b"PGDMP and more")
    (tmp_path / "notes.txt").write_text("not about backups")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "latest").symlink_to("whole")
    points = _points(tmp_path)
    assert [point.path.name for point in points] == ["whole", ".partial-x", "broken", "nightly.dump"]
    assert [bool(point.problem) for point in points] == [False, True, True, True]
    assert all(point.manifest is None for point in points[1:])


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    """An unmounted medium is not an empty one."""
    with pytest.raises(PreconditionError, match="cannot be listed"):
        _points(tmp_path / "gone")
