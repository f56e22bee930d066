"""Filling the folder beside: blobs hashed while they are copied, what an earlier try brought kept.

Nothing in the folder is used before the exchange, so a copy is written under its own name and synced with
all others at once, by syncfs(2) before the exchange: then every byte and every name is on the disk, or the
call fails. It fails too where a write that the kernel had taken on was lost (Linux 5.8 and newer); an
older kernel would not say so, and there each file is synced by itself. What a killed try left half written
differs from the list in size or SHA-256, and is brought again.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aihummer_drtui.durable import sync_file_system, tells_of_lost_writes
from aihummer_drtui.recovery.backup.set import BlobLine
from aihummer_drtui.recovery.blobs.comparing import BadBlob, BlobReader
from aihummer_drtui.recovery.blobs.copy import share_blocks
from aihummer_drtui.recovery.blobs.crew import Crew, in_batches
from aihummer_drtui.recovery.blobs.descent import Descent
from aihummer_drtui.recovery.blobs.rights import Rights
from aihummer_drtui.recovery.blobs.scan import FOLDER
from aihummer_drtui.recovery.reporting import Reporter


@dataclass(frozen=True, kw_only=True)
class Filling:
    """One folder to fill from another."""

    source: Path
    folder: Path
    rights: Rights
    resumed: bool
    """Whether there may be something in it already."""

    def fill(self, lines: Iterator[BlobLine], reporter: Reporter) -> int:
        """Bring every listed blob; return how many were there already.

        A line with an empty SHA-256 takes what the source has.
        They are not durable before `settled` ends. Raises BadBlob when the source's is not the listed one,
        OSError when one cannot be written.
        """
        fillers: list[_Filler] = []

        def hire() -> _Filler:
            fillers.append(_Filler(self))
            return fillers[-1]

        Crew(in_batches(lines, lambda line: line.size), hire, reporter).work()
        return sum(filler.there for filler in fillers)


@contextmanager
def settled(folder: Path, reporter: Reporter) -> Iterator[None]:
    """All that is written below `folder` in the block is durable when it ends. Raises OSError otherwise."""
    # Opened before the first write: what fails from here on is reported to this descriptor.
    descriptor = os.open(folder, FOLDER)
    try:
        yield
        reporter.phase("syncing")
        sync_file_system(descriptor)
    finally:
        os.close(descriptor)


class _Filler(BlobReader):
    """Copies for one thread."""

    def __init__(self, filling: Filling) -> None:
        super().__init__(filling.source)
        self._rights = filling.rights
        self._resumed = filling.resumed
        self._there = BlobReader(filling.folder) if filling.resumed else None
        self._to = Descent(filling.folder, make=True)
        self._shares = True
        self._sync_each = not tells_of_lost_writes()
        self.there = 0

    def work(self, batch: Sequence[BlobLine]) -> None:
        """Bring each. Raises BadBlob and OSError."""
        for line in batch:
            if self._resumed and self._is_there(line):
                self.there += 1
                self.done += line.size
            else:
                self._bring(line)

    def _is_there(self, line: BlobLine) -> bool:
        assert self._there is not None  # noqa: S101 - resumed
        self._there.stopped = self.stopped
        if not self._there.problem(line.path, line.size, line.sha256 or self._source_sha256(line)):
            folder, name = self._to.folder_of(line.path)
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                self._rights.give_file(descriptor)
            finally:
                os.close(descriptor)
            return True
        folder, name = self._to.folder_of(line.path)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return False

    def _source_sha256(self, line: BlobLine) -> str:
        source, before = self._opened(line), self.done
        try:
            return self.sha256(source)[1]
        finally:
            # Read to compare; brought, or found to be there, it counts once.
            self.done = before
            os.close(source)

    def _opened(self, line: BlobLine) -> int:
        source = self.open(line.path, line.size)
        if isinstance(source, str):
            raise BadBlob(line.path, source)
        return source

    def _bring(self, line: BlobLine) -> None:
        source = self._opened(line)
        try:
            folder, name = self._to.folder_of(line.path)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            # Nobody else can enter the folder it is in; what the umask takes away is given afterwards.
            target = os.open(name, flags, self._rights.file_mode & 0o777, dir_fd=folder)
            try:
                self._copy(line, source, target)
                self._rights.give_file(target)
                if self._sync_each:
                    os.fsync(target)
            except BaseException:
                os.unlink(name, dir_fd=folder)
                raise
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _copy(self, line: BlobLine, source: int, target: int) -> None:
        digest, size = hashlib.sha256(), 0
        shared = self._shares and self._share(source, target)
        for block in self.blocks(target if shared else source):
            digest.update(block)
            if not shared:
                _write(target, block)
            size += len(block)
        if size != line.size or line.sha256 not in {"", digest.hexdigest()}:
            raise BadBlob(
                line.path, "is not what was sealed" if line.sha256 else "changed while it was copied"
            )

    def _share(self, source: int, target: int) -> bool:
        """Let the copy have the very blocks of its source; what is hashed is then read from the copy."""
        self._shares = share_blocks(source, target)
        return self._shares

    def close(self) -> None:
        """Close the folders of both sides."""
        super().close()
        self._to.close()
        if self._there is not None:
            self._there.close()


def _write(descriptor: int, block: memoryview) -> None:
    written = os.write(descriptor, block)
    while written < len(block):
        written += os.write(descriptor, block[written:])


def give_folders(root: Path, rights: Rights) -> None:
    """Give `root` and every folder below it their owner and mode. Raises OSError."""
    _give(root, rights, files=False)


def give_all(root: Path, rights: Rights) -> None:
    """Give `root` and all that is in it their owner and mode. Raises OSError."""
    _give(root, rights, files=True)


def _give(root: Path, rights: Rights, *, files: bool) -> None:
    descriptor = os.open(root, FOLDER)
    try:
        _give_below(descriptor, rights, files=files)
    finally:
        os.close(descriptor)


def _give_below(folder: int, rights: Rights, *, files: bool) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not (is_folder or files):
                continue
            flags = FOLDER if is_folder else os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(entry.name, flags, dir_fd=folder)
            try:
                if is_folder:
                    _give_below(descriptor, rights, files=files)
                else:
                    rights.give_file(descriptor)
            finally:
                os.close(descriptor)
    rights.give_folder(folder)
