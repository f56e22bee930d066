"""Copying blobs into a backup set: hashed while copied, listed a line each in blobs.jsonl."""

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BLOBS, BlobLine, SealedBlobs
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.reporting import Reporter

BLOCK: Final = 1 << 20
_NAMED: Final = 20
"""How many of the names left out are sealed; the rest is only counted."""


def copy_blobs(source: Path | None, folder: Path, reporter: Reporter) -> SealedBlobs:
    """Copy the blob folder `source` to `folder`/blobs, list it in `folder`/blobs.jsonl, return the sum.

    None or a folder that was never made = nothing to copy; the list is then empty. Raises
    PreconditionError or FailedError when the folder cannot be read, OSError when the copy cannot be
    written.
    """
    active = source is not None
    copied = folder / BLOBS
    copied.mkdir(mode=0o700)
    reporter.phase("copying blobs", unit="blobs")
    digest, count, size = hashlib.sha256(), 0, 0
    left_out: list[str] = []
    with open(folder / BLOB_LIST, "xb", opener=_private) as listing:
        for line in _copied(source, copied, left_out) if source and source.exists() else ():
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
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _copied(source: Path, folder: Path, left_out: list[str]) -> Iterator[BlobLine]:
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
            size, sha256 = copy_hashed(blob.fileno(), destination)
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
    source: int, destination: Path, *, mode: int = 0o600, each: Callable[[int], None] = lambda _: None
) -> tuple[int, str]:
    """Copy a descriptor's bytes to a new file, synced; return their count and SHA-256. Raises OSError.

    `each` is called with the size of every block.
    """
    digest, size = hashlib.sha256(), 0
    target = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(target, "wb") as file:
        while block := os.read(source, BLOCK):
            digest.update(block)
            file.write(block)
            size += len(block)
            each(len(block))
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def hash_of(descriptor: int) -> str:
    """SHA-256 of what a descriptor still gives, in hex. Raises OSError."""
    digest = hashlib.sha256()
    while block := os.read(descriptor, BLOCK):
        digest.update(block)
    return digest.hexdigest()


def sync_folders(folder: Path) -> None:
    """Make the names in `folder` and in every folder below it durable. Raises OSError."""
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))
