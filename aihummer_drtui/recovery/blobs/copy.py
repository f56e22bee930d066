"""Copying blobs into a backup set: hashed while copied, listed a line each in blobs.jsonl.

A blob whose very bytes lie in an earlier set already is linked to them instead; both are read and
compared for that, so that no damage to the earlier copy is handed on.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import SealedBlobs
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BLOBS, BackupSet, BlobLine
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.reporting import Reporter

BLOCK: Final = 1 << 20
_FICLONE: Final = 0x40049409
"""ioctl_ficlone(2): share another file's blocks until one of the two is written to (btrfs, XFS)."""
_NAMED: Final = 20
"""How many of the names left out are sealed; the rest is only counted."""


def copy_blobs(
    source: Path | None, folder: Path, reporter: Reporter, *, earlier: BackupSet | None = None
) -> SealedBlobs:
    """Copy the blob folder `source` to `folder`/blobs, list it in `folder`/blobs.jsonl, return the sum.

    None or a folder that was never made = nothing to copy; the list is then empty. `earlier` is a sealed
    set to link to where it has the same bytes under the same path. Raises
    PreconditionError or FailedError when the folder cannot be read, OSError when the copy cannot be
    written.
    """
    active = source is not None
    copied = folder / BLOBS
    copied.mkdir(mode=0o700)
    reporter.phase("copying blobs", unit="blobs")
    digest, count, size = hashlib.sha256(), 0, 0
    left_out: list[str] = []
    linked = _Linked(earlier)
    with open(folder / BLOB_LIST, "xb", opener=_private) as listing:
        for line in _copied(source, copied, left_out, linked) if source and source.exists() else ():
            text = msgspec.json.encode(line) + b"\n"
            listing.write(text)
            digest.update(text)
            count += 1
            size += line.size
            reporter.advance()
        listing.flush()
        os.fsync(listing.fileno())
    sync_folders(copied)
    return SealedBlobs(
        active=active,
        count=count,
        size=size,
        list_sha256=digest.hexdigest(),
        copied_at=datetime.now(UTC).isoformat(),
        left_out=tuple(left_out[:_NAMED]),
        left_out_count=len(left_out),
        linked=linked.count,
        linked_to=earlier.manifest.set_id if earlier and linked.count else "",
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _Linked:
    """Links to the blobs of an earlier set, as far as it and the file system go."""

    def __init__(self, earlier: BackupSet | None) -> None:
        self._earlier = earlier
        self.count = 0

    def link(self, source: int, path: str, destination: Path) -> tuple[int, str] | None:
        """Link `destination` to the earlier blob if its bytes are those of `source`: their count and SHA-256.

        None = there is none, it differs, or it cannot be linked: copy it; `source` stands at its beginning.
        """
        if self._earlier is None:
            return None
        try:
            there = open_blob(self._earlier.blobs, path)
        except OSError:
            return None
        try:
            same = _hash_if_same(source, there)
            if same is None or not _link(there, destination):
                os.lseek(source, 0, os.SEEK_SET)
                return None
        finally:
            os.close(there)
        self.count += 1
        return same


def _hash_if_same(one: int, other: int) -> tuple[int, str] | None:
    """Byte count and SHA-256 of two files that are the same to the last byte, else None."""
    state = os.fstat(other)
    if not stat.S_ISREG(state.st_mode) or state.st_size != os.fstat(one).st_size:
        return None
    digest, size = hashlib.sha256(), 0
    while block := os.read(one, BLOCK):
        if os.read(other, BLOCK) != block:
            return None
        digest.update(block)
        size += len(block)
    return (size, digest.hexdigest()) if not os.read(other, 1) else None


def _link(descriptor: int, destination: Path) -> bool:
    """Give an open file another name; False where the file system cannot, or will no more (EMLINK)."""
    folder = os.open(destination.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # By descriptor (linkat(2), AT_SYMLINK_FOLLOW): the very file that was compared.
        os.link(f"/proc/self/fd/{descriptor}", destination.name, dst_dir_fd=folder, follow_symlinks=True)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def _copied(source: Path, folder: Path, left_out: list[str], linked: _Linked) -> Iterator[BlobLine]:
    for found in scan(source):
        if not found.regular:
            left_out.append(cleaned_line(found.path.encode("utf-8", "backslashreplace").decode()))
            continue
        try:
            descriptor = open_blob(source, found.path)
        except FileNotFoundError:
            # Deleted since the folder was read; the database of a later moment does not refer to it.
            continue
        destination = folder / found.path
        destination.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(descriptor, "rb") as blob:
            done = linked.link(blob.fileno(), found.path, destination)
            size, sha256 = done or copy_hashed(blob.fileno(), destination)
        yield BlobLine(path=found.path, size=size, sha256=sha256)


def open_blob(folder: Path, path: str) -> int:
    """Open a blob for reading, no component of its path being a link. Raises OSError."""
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    *folders, name = path.split("/")
    try:
        for part in folders:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=inside)
            os.close(inside)
            inside = below
        # O_NONBLOCK: a pipe put there meanwhile must not hold us up.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)
    finally:
        os.close(inside)


def copy_hashed(
    source: int, destination: Path, *, each: Callable[[int], None] = lambda _: None
) -> tuple[int, str]:
    """Copy a descriptor's bytes to a new file, synced; return their count and SHA-256. Raises OSError.

    Where the file system can, the two share their blocks; what is hashed is then read from the copy.
    `each` is called with the size of every block.
    """
    digest, size = hashlib.sha256(), 0
    target = os.open(destination, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(target, "r+b") as file:
        shared = share_blocks(source, target)
        while block := os.read(target if shared else source, BLOCK):
            digest.update(block)
            if not shared:
                file.write(block)
            size += len(block)
            each(len(block))
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def share_blocks(source: int, target: int) -> bool:
    """Let `target` have the very blocks of `source`; False where the file system cannot."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def sync_folders(folder: Path) -> None:
    """Make the names in `folder` and in every folder below it durable. Raises OSError."""
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))
