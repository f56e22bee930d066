"""A tar unpacked into the folder beside, streamed once; what is there already and the same is kept."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aihummer_drtui.durable import tells_of_lost_writes
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.blobs.crew import BLOCK
from aihummer_drtui.recovery.blobs.descent import Descent
from aihummer_drtui.recovery.blobs.remembered import RememberedPaths
from aihummer_drtui.recovery.blobs.tar import BadArchive, Member, TarReader
from aihummer_drtui.recovery.reporting import Reporter


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """What came out of an archive."""

    paths: RememberedPaths
    there: int
    """Of them: those that an earlier try had brought."""
    left_out: int
    """Files that the backup set does not list: they were not unpacked."""


class Unpacking:
    """One archive, one folder."""

    def __init__(
        self,
        reader: TarReader,
        folder: Path,
        *,
        wanted: RememberedPaths | None,
        limit: int,
        reporter: Reporter,
    ) -> None:
        """Unpack into `folder` what is `wanted` (None = all), `limit` bytes at most."""
        self._reader = reader
        self._folder = folder
        self._wanted = wanted
        self._left = limit
        self._reporter = reporter
        self._files = RememberedPaths()
        self._folders = RememberedPaths()
        self._there = 0
        self._left_out = 0
        self._sync_each = not tells_of_lost_writes()

    def unpack(self) -> Unpacked:
        """Go through the archive. Raises BadArchive when it must not be used, OSError for the disk."""
        with Descent(self._folder, make=True) as to:
            for member in self._reader.members():
                if member.folder:
                    self._folders.add(member.path)
                elif self._wanted is not None and member.path not in self._wanted:
                    self._left_out += 1
                else:
                    self._file(to, member)
        if self._files.twice(self._folders):
            raise BadArchive("a name stands in it twice, or is both file and folder")
        return Unpacked(paths=self._files, there=self._there, left_out=self._left_out)

    def _file(self, to: Descent, member: Member) -> None:
        if not member.path:
            raise BadArchive("what was asked for in it is a file, no folder")
        self._left -= member.size
        if self._left < 0:
            raise BadArchive(
                f"with {cleaned_line(member.path)} ({bytes_text(member.size)}) it grows larger than it may"
            )
        self._files.add(member.path)
        try:
            folder, name = to.folder_of(member.path)
        except NotADirectoryError:
            raise BadArchive(f"{cleaned_line(member.path)} lies below a file") from None
        self._there += self._kept_or_written(folder, name, member)

    def _kept_or_written(self, folder: int, name: str, member: Member) -> bool:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            same = False
        except FileExistsError:
            descriptor, same = self._reopened(folder, name, flags)
        try:
            written = self._written(descriptor, member.size, same=same)
            if self._sync_each:
                os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(descriptor)
        return not written

    def _reopened(self, folder: int, name: str, flags: int) -> tuple[int, bool]:
        try:
            descriptor = os.open(name, flags, dir_fd=folder)
        except IsADirectoryError:
            raise BadArchive(f"{cleaned_line(name)} is both file and folder") from None
        state = os.fstat(descriptor)
        if stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
            return descriptor, True
        os.close(descriptor)
        os.unlink(name, dir_fd=folder)
        return os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), False

    def _written(self, descriptor: int, size: int, *, same: bool) -> bool:
        """Bring the member's bytes into the file; while it has the same already, nothing is written."""
        written, at = False, 0
        while block := self._reader.block(BLOCK):
            if not (same and os.pread(descriptor, len(block), at) == block):
                same, written = False, True
                _write_at(descriptor, block, at)
            at += len(block)
            self._reporter.advance(len(block))
        if os.fstat(descriptor).st_size != size:
            os.ftruncate(descriptor, size)
            written = True
        return written or not same


def _write_at(descriptor: int, block: bytes, at: int) -> None:
    done = 0
    while done < len(block):
        done += os.pwrite(descriptor, block[done:], at + done)
