"""Places that cannot take a restore, and disks that cannot hold it: the live folder is as it was."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BackupSet, open_set
from aihummer_drtui.recovery.blobs.check import look_at_folder
from aihummer_drtui.recovery.blobs.restore import restore_blobs
from aihummer_drtui.recovery.blobs.source import parse_source
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.small_cluster import Installation
from tests.recovery.small_disk import bind_mount

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a set with a blob that a small disk cannot hold."""
    (installation.blobs / "large").write_bytes(os.urandom(3_000_000))
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def _restore(
    installation: Installation, backup: BackupSet, source: str = "", *, reporter: Reporter | None = None
) -> None:
    restore_blobs(
        installation.target,
        backup,
        confirm=owner_of(installation.target).phrase,
        mode="",
        reporter=reporter or Reporter.silent(),
        source=parse_source(source) if source else None,
    )


class TakesTheRoom:
    """Hears of progress, and fills the disk as soon as anything is begun there."""

    interval = 0.0

    def __init__(self, disk: Path) -> None:
        self.taken = disk / "taken"

    def tell(self, progress: Progress, *, turn: bool) -> None:  # noqa: ARG002
        """Take all but a megabyte."""
        if not self.taken.exists():
            found = os.statvfs(self.taken.parent)
            with self.taken.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, found.f_bavail * found.f_frsize - 1_000_000)

    def close(self) -> None:
        """Nothing."""


@contextmanager
def _small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of that size at `place`, with a blob folder that has something in it."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        (place / "blobs").mkdir()
        (place / "blobs/live").write_bytes(b"live")
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("source", ["", "tar", "rsync"])
def test_b05_a_disk_that_is_full_amid_the_copy(
    installation: Installation, backup: BackupSet, source: str
) -> None:
    """ENOSPC: one message, the live folder untouched; with room the next try ends well.

    The room was enough when it was measured: something else takes it while the blobs are copied.
    """
    archive = installation.root / "blobs.tar"
    subprocess.run(["tar", "-C", str(backup.blobs), "-cf", str(archive), "."], check=True)
    named = {"": "", "tar": str(archive), "rsync": f"rsync:{backup.blobs}"}[source]
    with _small_disk(installation.root / "disk", "20m") as disk:
        installation.write_env(AIHUMMER_BLOB_DIR=str(disk / "blobs"))
        with pytest.raises(FailedError, match="No space"):
            _restore(installation, backup, named, reporter=Reporter(TakesTheRoom(disk)))
        assert [path.name for path in (disk / "blobs").iterdir()] == ["live"]
        (disk / "taken").unlink()
        _restore(installation, backup, named)
        assert (disk / "blobs/large").read_bytes() == (backup.blobs / "large").read_bytes()


def test_b07_a_mount_point_is_refused_with_a_folder_below_it_as_the_way_out(
    installation: Installation, backup: BackupSet
) -> None:
    """It cannot be exchanged; nothing is made beside it."""
    with _small_disk(installation.root / "disk", "20m") as disk:
        installation.write_env(AIHUMMER_BLOB_DIR=str(disk))
        with pytest.raises(PreconditionError, match="mount point") as raised:
            _restore(installation, backup)
        assert f"{disk}/blobs" in raised.value.hint
    assert not list(installation.root.glob("*restoring*"))


def test_b07_a_bind_mount_is_refused_before_anything_is_copied(
    installation: Installation, backup: BackupSet
) -> None:
    """It has the device of its parent, as a container's volume has; an exchange ends with EBUSY."""
    with bind_mount(installation.blobs):
        with pytest.raises(PreconditionError, match="mount point"):
            _restore(installation, backup)
        seen = look_at_folder(Scene(target=installation.target, values={}))
        assert seen.verdict is Verdict.FAILED
        assert "mount point" in seen.observed
    assert not list(installation.root.glob("*restoring*"))


@pytest.mark.parametrize("harm", ["no seal", "changed seal", "no list", "cut list"])
def test_a_set_whose_seal_does_not_hold_is_refused_for_any_source(
    installation: Installation, backup: BackupSet, harm: str
) -> None:
    """Also where the blobs come from elsewhere: what they are compared with must be sound."""
    manifest, listing = backup.path / "manifest.json", backup.path / "blobs.jsonl"
    match harm:
        case "no seal":
            manifest.unlink()
        case "changed seal":
            manifest.write_bytes(manifest.read_bytes().replace(b'"count": 8', b'"count": 7'))
        case "no list":
            listing.unlink()
        case _:
            listing.write_bytes(listing.read_bytes()[:-10])
    inode = installation.blobs.stat().st_ino
    for source in ("", str(backup.blobs)):
        with pytest.raises(DrtuiError):
            _restore(installation, open_set(backup.path), source)
    assert installation.blobs.stat().st_ino == inode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_b07_a_staging_folder_of_somebody_else_is_not_used(
    installation: Installation, backup: BackupSet
) -> None:
    """Whoever may write beside the live folder could have filled it, and keep it open."""
    beside = installation.blobs.with_name(f"blobs.restoring-{backup.manifest.set_id}")
    beside.mkdir()
    os.chown(beside, 12345, -1)
    with pytest.raises(PreconditionError, match="something else"):
        _restore(installation, backup)
    beside.rmdir()
    beside.symlink_to(installation.root)
    with pytest.raises(PreconditionError, match="something else"):
        _restore(installation, backup)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees other owners")
def test_b08_restored_blobs_have_the_live_folders_owner(
    installation: Installation, backup: BackupSet
) -> None:
    """Whoever owned the files of the set."""
    os.chown(backup.blobs / "large", 54321, 54321)
    os.chown(installation.blobs, 12345, 12345)
    _restore(installation, backup)
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in installation.blobs.rglob("*")}
    assert owners == {(12345, 12345)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees other owners")
def test_b08_what_an_earlier_try_left_with_wrong_rights_is_put_right(
    installation: Installation, backup: BackupSet
) -> None:
    """Whole content with somebody else's owner and a mode open to all is kept, and its rights are not."""
    beside = installation.blobs.with_name(f"blobs.restoring-{backup.manifest.set_id}")
    (beside / "1").mkdir(parents=True)
    beside.chmod(0o700)
    for name in ("large", "1/blob-4.bin"):
        (beside / name).write_bytes((backup.blobs / name).read_bytes())
        (beside / name).chmod(0o666)
        os.chown(beside / name, 12345, 12345)
    os.chown(installation.blobs, 4321, 4321)
    installation.blobs.chmod(0o750)
    _restore(installation, backup)
    for path in installation.blobs.rglob("*"):
        found = path.stat()
        assert (found.st_uid, found.st_gid) == (4321, 4321), path
        assert found.st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path
