"""Reading blobs against what they should be: regular files of their size, with their SHA-256."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from aihummer_drtui.recovery.backup.set import BlobLine
from aihummer_drtui.recovery.blobs.crew import BLOCK, Crew, Stopped, in_batches
from aihummer_drtui.recovery.blobs.descent import Descent
from aihummer_drtui.recovery.reporting import Reporter

_LARGE: Final = 4 << 20


class BlobReader:
    """Opens and hashes the blobs of one folder; for one thread."""

    def __init__(self, root: Path) -> None:
        """Below `root`. Raises OSError."""
        self._descent = Descent(root)
        self._buffer = memoryview(bytearray(BLOCK))
        self._into = [self._buffer]
        self.done = 0
        self.stopped = False

    def open(self, path: str, size: int | None) -> int | str:
        """A descriptor of a regular file of that size (None = any), or what is wrong with it instead."""
        try:
            descriptor = self._descent.open(path)
        except FileNotFoundError:
            return MISSING
        except OSError as error:
            return f"cannot be opened: {error.strerror}"
        state = os.fstat(descriptor)
        found = state.st_size
        if not stat.S_ISREG(state.st_mode):
            os.close(descriptor)
            return "is no regular file"
        if size is not None and found != size:
            os.close(descriptor)
            return f"has {found} bytes instead of {size}"
        if found > _LARGE:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        return descriptor

    def blocks(self, descriptor: int) -> Iterator[memoryview]:
        """What a descriptor still gives, a block at a time, each only until the next. Raises OSError."""
        buffer, into = self._buffer, self._into
        while count := os.readv(descriptor, into):
            yield buffer[:count]
            self.done += count
            # A regular file gives whole blocks but at its end.
            if count < BLOCK:
                return
            if self.stopped:
                raise Stopped

    def sha256(self, descriptor: int) -> tuple[int, str]:
        """Count and SHA-256 of what a descriptor still gives. Raises OSError."""
        # Nearly all blobs end within the first block, which is then read and hashed in one step each.
        size = os.readv(descriptor, self._into)
        self.done += size
        digest = hashlib.sha256(self._buffer[:size])
        if size == BLOCK:
            for block in self.blocks(descriptor):
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()

    def problem(self, path: str, size: int | None, sha256: str | None) -> str:
        """What is wrong with a blob, in words that follow its name; empty = nothing."""
        descriptor = self.open(path, size)
        if isinstance(descriptor, str):
            return descriptor
        try:
            if sha256 is not None:
                read, found = self.sha256(descriptor)
                if (size is not None and read != size) or found != sha256:
                    return "has another content"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        finally:
            os.close(descriptor)
        return ""

    def close(self) -> None:
        """Close the folders."""
        self._descent.close()


MISSING: Final = "is missing"


class BadBlob(Exception):  # noqa: N818 - whoever knows whose blob it is makes it an error
    """A blob that is not what was sealed: its path, and what is wrong."""

    def __init__(self, path: str, how: str) -> None:
        super().__init__(path, how)
        self.path = path
        self.how = how


class _Verifier(BlobReader):
    """Reads lines of a list against a folder."""

    def work(self, batch: Sequence[BlobLine]) -> None:
        """Raises BadBlob at the first that is not as the list has it."""
        for line in batch:
            if how := self.problem(line.path, line.size, line.sha256):
                raise BadBlob(line.path, how)


def read_against(root: Path, lines: Iterator[BlobLine], reporter: Reporter) -> None:
    """Read every listed blob below `root`. Raises BadBlob at the first that differs, OSError for `root`."""
    Crew(in_batches(lines, lambda line: line.size), lambda: _Verifier(root), reporter).work()
