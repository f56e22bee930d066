"""A dump in pg_dump's directory format: a folder of files, each sealed, and no other file in it.

It is read by one descriptor of the folder, opened without following a link: what was hashed through it is
what pg_restore is given. A file is still found by its name a second time, by pg_restore; so it is looked
at again afterwards (`dump_state`), and a restore from files that changed meanwhile is not put in place.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import SealedFile
from aihummer_drtui.recovery.backup.set import (
    DUMP,
    DUMP_FOLDER,
    BackupSet,
    open_folder_in,
    reading,
    refuse_other_hash,
    refuse_other_size,
)
from aihummer_drtui.recovery.reporting import Reporter

_BLOCK: Final = 1 << 20
_READERS: Final = 8

DumpState = tuple[tuple[str, int, int, int, int], ...]
"""Name, inode, size, times of modification and of change of each file of a dump."""


def open_dump_folder(backup: BackupSet, reporter: Reporter) -> int:
    """Give a descriptor of the dump's folder, in which exactly the sealed files lie, each as sealed.

    Raises PreconditionError when one is missing, of another size or not sealed, FailedError when a hash
    differs.
    """
    files = backup.manifest.dump_files
    folder = open_folder_in(backup.path, DUMP_FOLDER)
    try:
        refuse_other_files(backup, folder)
        reporter.phase("hashing the dump", total=sum(file.size for file in files), unit="bytes")
        with ThreadPoolExecutor(max_workers=min(_READERS, os.cpu_count() or 1)) as workers:
            found = workers.map(lambda file: _hashed(backup, folder, file, reporter), files)
            for file, digest in zip(files, found, strict=True):
                refuse_other_hash(backup, file, digest)
    except BaseException:
        os.close(folder)
        raise
    return folder


def refuse_other_files(backup: BackupSet, folder: int) -> None:
    """Let pass a folder that holds the sealed files and nothing else. Raises PreconditionError."""
    sealed = {file.name.removeprefix(f"{DUMP_FOLDER}/") for file in backup.manifest.dump_files}
    there = set(os.listdir(folder))
    for names, what in ((sealed - there, "is missing"), (there - sealed, "was not sealed")):
        if names:
            raise PreconditionError(
                f"{DUMP_FOLDER}/{cleaned_line(min(names), 80)} {what}",
                where=str(backup.path),
                hint="copy the set again from where it is kept, or use another one",
            )


def dump_state(descriptor: int) -> DumpState:
    """What tells whether a dump (its file or its folder) was touched. Raises OSError."""
    return tuple(
        (name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for name, found in _stats(descriptor)
    )


def refuse_changed(backup: BackupSet, descriptor: int, before: DumpState) -> None:
    """Let pass a dump that is as it was when it was hashed. Raises FailedError."""
    if dump_state(descriptor) != before:
        raise FailedError(
            "the dump was changed while it was read",
            where=str(backup.path),
            hint="the live database was not touched; see who writes to the backups, then try again",
        )


def newest_file(path: Path) -> os.stat_result:
    """Of a set's dump: its file, or the file of its folder that was modified last. Raises OSError."""
    try:
        return (path / DUMP).lstat()
    except FileNotFoundError:
        found = (each.lstat() for each in (path / DUMP_FOLDER).iterdir())
        newest = max(found, key=lambda each: (each.st_mtime_ns, each.st_ino), default=None)
        if newest is None:
            raise
        return newest


def _stats(descriptor: int) -> Iterator[tuple[str, os.stat_result]]:
    own = os.fstat(descriptor)
    if not stat.S_ISDIR(own.st_mode):
        yield "", own
        return
    for name in sorted(os.listdir(descriptor)):
        yield name, os.stat(name, dir_fd=descriptor, follow_symlinks=False)


def _hashed(backup: BackupSet, folder: int, file: SealedFile, reporter: Reporter) -> str:
    name = file.name.removeprefix(f"{DUMP_FOLDER}/")
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        raise PreconditionError(
            f"{file.name} cannot be opened (no link is followed): {error.strerror}",
            where=str(backup.path),
            hint="copy the set again from where it is kept, or use another one",
        ) from None
    try:
        refuse_other_size(backup, file, os.fstat(descriptor))
        digest = hashlib.sha256()
        with reading(backup, file.name):
            while block := os.read(descriptor, _BLOCK):
                digest.update(block)
                reporter.advance(len(block))
    finally:
        os.close(descriptor)
    return digest.hexdigest()
