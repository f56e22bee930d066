"""A sealed set of many blobs, made fast, for measuring."""

import hashlib
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from aihummer_drtui.recovery.backup.manifest import SealedBlobs, SealedFile
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BLOBS, BlobLine, open_set
from tests.recovery.sealing import sealed_set


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many blobs of which sizes (bytes)."""

    small: int
    least: int
    most: int
    large: int = 0
    large_size: int = 0
    a_folder: int = 400
    """Blobs in one folder."""


ISSUE = Shape(small=100_000, least=4_000, most=64_000, large=2, large_size=1_000_000_000)
QUICK = Shape(small=2_000, least=4_000, most=64_000, large=2, large_size=20_000_000)
MANY = Shape(small=1_000_000, least=0, most=7, a_folder=5_000)
MANY_QUICK = Shape(small=10_000, least=0, most=7, a_folder=5_000)


def make_set(folder: Path, shape: Shape) -> Path:
    """Make a set of that shape in `folder`; its content is the same every time."""
    blobs = folder / BLOBS
    blobs.mkdir(parents=True, mode=0o700)
    count = size = 0
    digest = hashlib.sha256()
    with (folder / BLOB_LIST).open("wb", buffering=1 << 20) as listing:
        for line in _blobs(blobs, shape):
            text = msgspec.json.encode(line) + b"\n"
            listing.write(text)
            digest.update(text)
            count, size = count + 1, size + line.size
    sealed = SealedBlobs(
        active=True,
        count=count,
        size=size,
        list_sha256=digest.hexdigest(),
        copied_at="2024-01-01T00:00:02+00:00",
    )
    part = SealedFile(name=BLOB_LIST, size=(folder / BLOB_LIST).stat().st_size, sha256=digest.hexdigest())
    os.sync()
    return open_set(sealed_set(folder, blobs=sealed, files=(part,))).path


def _blobs(blobs: Path, shape: Shape) -> Iterator[BlobLine]:
    chance = random.Random(1)
    pool = chance.randbytes(4_000_000)
    for number in range(shape.small):
        if number % shape.a_folder == 0:
            folder = f"{number // shape.a_folder:05d}"
            (blobs / folder).mkdir(mode=0o700)
        start, size = chance.randrange(3_000_000), chance.randint(shape.least, shape.most)
        content = number.to_bytes(8) + pool[start : start + size - 8] if size >= 8 else b""
        yield _written(blobs, f"{folder}/{number:08d}.bin", [content])
    for number in range(shape.large):
        blocks = shape.large_size // len(pool)
        yield _written(blobs, f"large-{number}.bin", (number.to_bytes(8) + pool[8:] for _ in range(blocks)))


def _written(blobs: Path, path: str, content: "Iterator[bytes] | list[bytes]") -> BlobLine:
    digest, size = hashlib.sha256(), 0
    with (blobs / path).open("xb", buffering=0) as file:
        for block in content:
            file.write(block)
            digest.update(block)
            size += len(block)
    return BlobLine(path=path, size=size, sha256=digest.hexdigest())
