"""Copies of blobs share what did not change with an earlier set, and never its damage."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from aihummer_drtui.recovery.backup.manifest import SealedBlobs
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.blobs.copy import copy_blobs, copy_hashed
from aihummer_drtui.recovery.reporting import Reporter
from tests.recovery.sealing import MANIFEST_OF_TESTS

NAMES = ("a", "deep/er/b", "c")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a folder of three blobs, one of them larger than a block."""
    folder = tmp_path / "blobs"
    for number, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes([number]) * (1 + number * 700_000))
    return folder


def _copy(source: Path, folder: Path, earlier: Path | None = None) -> SealedBlobs:
    folder.mkdir(parents=True)
    before = BackupSet(path=earlier, manifest=MANIFEST_OF_TESTS) if earlier else None
    return copy_blobs(source, folder, Reporter.silent(), earlier=before)


def _shares(one: Path, other: Path) -> bool:
    return one.stat().st_ino == other.stat().st_ino


def _true(folder: Path, source: Path) -> bool:
    return all((folder / "blobs" / name).read_bytes() == (source / name).read_bytes() for name in NAMES)


def test_unchanged_blobs_are_linked_and_listed_as_any_other(source: Path, tmp_path: Path) -> None:
    """A daily set costs what changed; its list is the same as if all had been copied."""
    first = _copy(source, tmp_path / "1")
    second = _copy(source, tmp_path / "2", tmp_path / "1")
    assert (first.linked, second.linked) == (0, 3)
    assert second.linked_to == MANIFEST_OF_TESTS.set_id
    assert second.list_sha256 == first.list_sha256
    assert all(_shares(tmp_path / "1/blobs" / name, tmp_path / "2/blobs" / name) for name in NAMES)
    assert not any(_shares(source / name, tmp_path / "1/blobs" / name) for name in NAMES)


@pytest.mark.parametrize("content", [b"", b"\x02" * 1_400_000, b"\x02" * 1_400_000 + b"\x03", b"\x02" * 9])
def test_a_changed_blob_is_copied(source: Path, tmp_path: Path, content: bytes) -> None:
    """Shorter, longer, or the same length with another last byte; the earlier set keeps what it had."""
    _copy(source, tmp_path / "1")
    before = (tmp_path / "1/blobs/c").read_bytes()
    (source / "c").write_bytes(content)
    made = _copy(source, tmp_path / "2", tmp_path / "1")
    assert made.linked == 2
    assert _true(tmp_path / "2", source)
    assert (tmp_path / "1/blobs/c").read_bytes() == before


def test_damage_in_the_earlier_set_is_not_handed_on(source: Path, tmp_path: Path) -> None:
    """A flipped bit there, of the same size and time: the blob is copied again."""
    _copy(source, tmp_path / "1")
    rotten = tmp_path / "1/blobs/c"
    state = rotten.stat()
    rotten.write_bytes(b"\x02" * 1_400_000 + b"\x00")
    os.utime(rotten, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert _copy(source, tmp_path / "2", tmp_path / "1").linked == 2
    assert _true(tmp_path / "2", source)


def test_links_and_pipes_in_the_earlier_set_are_not_followed(source: Path, tmp_path: Path) -> None:
    """It may have come from a stranger's medium."""
    _copy(source, tmp_path / "1")
    (tmp_path / "1/blobs/a").unlink()
    (tmp_path / "1/blobs/a").symlink_to(source / "a")
    (tmp_path / "1/blobs/c").unlink()
    os.mkfifo(tmp_path / "1/blobs/c")
    assert _copy(source, tmp_path / "2", tmp_path / "1").linked == 1
    assert _true(tmp_path / "2", source)
    assert not (tmp_path / "2/blobs/a").is_symlink()


def test_across_file_systems_all_is_copied(source: Path, tmp_path: Path) -> None:
    """Where no link can be made, nothing is missing."""
    elsewhere = Path("/dev/shm") / f"drtui-test-{os.getpid()}"
    if not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system at /dev/shm")
    _copy(source, elsewhere / "1")
    try:
        assert _copy(source, tmp_path / "2", elsewhere / "1").linked == 0
        assert _true(tmp_path / "2", source)
    finally:
        subprocess.run(["rm", "-r", str(elsewhere)], check=True)


def test_a_copy_is_hashed_and_leaves_no_tie_to_its_source(source: Path, tmp_path: Path) -> None:
    """Whether blocks are shared or not: writing to one does not change the other."""
    content = (source / "c").read_bytes()
    descriptor = os.open(source / "c", os.O_RDONLY)
    try:
        assert copy_hashed(descriptor, tmp_path / "copy") == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
    finally:
        os.close(descriptor)
    (source / "c").write_bytes(b"changed")
    assert (tmp_path / "copy").read_bytes() == content
