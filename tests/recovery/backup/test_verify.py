"""`backup verify` reads everything; a set it calls sound can be restored."""

import hashlib
import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.choices import set_choices
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.points import RecoveryPoint, recovery_points
from aihummer_drtui.recovery.backup.prune import Keep, judge
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, reading, seal
from aihummer_drtui.recovery.backup.verified import VERIFIED, read_damage, read_verified
from aihummer_drtui.recovery.backup.verify import Verified, verify_backup
from aihummer_drtui.recovery.catalogue import newest_set
from aihummer_drtui.recovery.readiness.sets import candidates
from aihummer_drtui.recovery.reporting import Reporter
from tests.recovery.backup.test_signature import make_keys
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a sealed set of the installation."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def _verify(installation: Installation, backup: BackupSet) -> Verified:
    return verify_backup(installation.target, backup, Reporter.silent())


def test_a_whole_set_is_sound(installation: Installation, backup: BackupSet) -> None:
    """Dump decoded, every blob read."""
    found = _verify(installation, backup)
    assert found.blobs == 7
    assert found.dump == (backup.path / "database.dump").stat().st_size


def test_a_flipped_bit_anywhere_is_found(installation: Installation, backup: BackupSet) -> None:
    """In the dump, in the list, in a blob."""
    for path in (
        backup.path / "database.dump",
        backup.path / "blobs.jsonl",
        backup.path / "roles.sql",
        backup.blobs / "0" / "blob-3.bin",
    ):
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        with pytest.raises(FailedError):
            _verify(installation, backup)
        path.write_bytes(content)
    _verify(installation, backup)


def test_b01_a_missing_blob_is_found(installation: Installation, backup: BackupSet) -> None:
    """A set without one of its blobs is not sound."""
    _verify(installation, backup)
    assert read_verified(backup) is not None
    (backup.blobs / "0" / "blob-3.bin").unlink()
    with pytest.raises(FailedError, match="blob-3"):
        _verify(installation, backup)
    assert read_verified(backup) is None
    told = read_damage(backup)
    assert re.match(rf"found damaged on \d{{4}}-.*Z by {socket.gethostname()}: .*blob-3", told), told


def test_a_set_found_damaged_is_told_as_such_wherever_one_is_chosen(
    installation: Installation, backup: BackupSet
) -> None:
    """In lists and choices, last to be proposed, kept by no rule; until it is found sound again."""
    place, target = backup.path.parent, installation.target
    sound = create_backup(target, place, Reporter.silent())
    target = msgspec.structs.replace(target, backup_places=(place,))
    dump = sound.path / "database.dump"
    data = dump.read_bytes()
    dump.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(FailedError, match=r"database\.dump"):
        verify_backup(target, sound, Reporter.silent())
    (point,) = (one for one in points_now(place) if one.path == sound.path)
    assert "found damaged" in point.damage
    assert any(line.startswith("DAMAGED: found damaged") for one in set_choices(target) for line in one.told)
    assert newest_set(target) == backup.path
    (judged,) = (one for one in judge(place, Keep(daily=1)) if one.backup.path == sound.path)
    assert "found damaged" in judged.problem
    assert [one.point.path for one in candidates(points_now(place), signed_only=False)] == [backup.path]
    dump.write_bytes(data)
    assert newest_set(target) == sound.path, "nobody has read what is there now"
    verify_backup(target, sound, Reporter.silent())
    assert read_damage(sound) == ""


def points_now(place: Path) -> list[RecoveryPoint]:
    """What the place holds now."""
    return recovery_points(place, fingerprint="", now=datetime.now(UTC))


@pytest.mark.parametrize("name", ["blobs.jsonl", "roles.sql", "database.dump"])
def test_a_part_that_is_gone_takes_the_record_with_it(
    installation: Installation, backup: BackupSet, name: str
) -> None:
    """A set that no longer verifies must not be listed as verified."""
    _verify(installation, backup)
    assert read_verified(backup) is not None
    part = backup.path / name
    data = part.read_bytes()
    part.write_bytes(data[:-1])
    with pytest.raises(PreconditionError, match="cut or changed"):
        _verify(installation, backup)
    part.write_bytes(data)
    assert not (backup.path / VERIFIED).exists()


def test_what_lies_in_target_toml_takes_no_record_away(
    installation: Installation, backup: BackupSet, tmp_path: Path
) -> None:
    """Whom to trust is said there: an unsigned set is refused, and is as sound as before."""
    _verify(installation, backup)
    wary = msgspec.structs.replace(installation.target, trusted_keys=(make_keys(tmp_path, "own").public,))
    with pytest.raises(FailedError, match="not signed"):
        verify_backup(wary, backup, Reporter.silent())
    assert read_verified(backup) is not None


def test_a_disk_that_does_not_give_the_bytes_is_damage(backup: BackupSet) -> None:
    """Told as such, with the file's name, and not as an error of this program."""
    broken = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)  # nothing is mapped at 0: EIO
    try:
        with (
            pytest.raises(FailedError, match=r"database\.dump cannot be read to its end: Input/output"),
            reading(backup, "database.dump"),
        ):
            os.read(broken, 1)
    finally:
        os.close(broken)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_d01_a_dump_that_was_sealed_truncated_is_found(
    installation: Installation, backup: BackupSet, share: float
) -> None:
    """`pg_restore --list` accepts these; decoding to the end does not."""
    dump = backup.path / "database.dump"
    content = dump.read_bytes()[: int(dump.stat().st_size * share)]
    dump.write_bytes(content)
    files = (
        msgspec.structs.replace(
            backup.manifest.files[0], size=len(content), sha256=hashlib.sha256(content).hexdigest()
        ),
        *backup.manifest.files[1:],
    )
    (backup.path / "manifest.json").write_bytes(seal(msgspec.structs.replace(backup.manifest, files=files)))
    with pytest.raises(FailedError, match="cannot be decoded"):
        _verify(installation, open_set(backup.path))


def test_d04_a_dump_of_a_later_version_is_refused_by_name(
    installation: Installation, backup: BackupSet
) -> None:
    """The programs of this host must not be older than the dump."""
    later = BackupSet(
        path=backup.path, manifest=msgspec.structs.replace(backup.manifest, pg_dump_version="99.1")
    )
    with pytest.raises(PreconditionError, match="99 or newer is needed"):
        _verify(installation, later)
