"""Laying a base backup out: every file of its list copied and hashed at once, nothing else taken along."""

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import tells_of_lost_writes
from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.copy import share_blocks
from aihummer_drtui.recovery.blobs.fill import settled
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.point_in_time.base import MANIFEST, Base
from aihummer_drtui.recovery.point_in_time.base_verify import ManifestFile, read_sealed_manifest
from aihummer_drtui.recovery.reporting import Reporter

_BLOCK: Final = 1 << 20
_WAL: Final = "pg_wal/"
"""Its files are in no list: each of their records has a checksum of its own (PostgreSQL 17, 70)."""
_CHANGED_LATER: Final = frozenset({"postgresql.auto.conf"})
"""May differ without a doubt about the rest, as pg_verifybackup sees it too."""
_QUEUED: Final = 256


def copy_base(base: Base, folder: Path, account: ServerAccount, reporter: Reporter) -> None:
    """Copy a base backup into the empty `folder`, which the account owns; durable when this returns.

    Each file is held against the sealed list while it is copied. Raises FailedError when one is missing,
    differs, or is no regular file, or the copy cannot be written; what was copied then stays behind.
    """
    manifest = read_sealed_manifest(base)
    listed = {file.path: file for file in manifest.files}
    reporter.phase("laying out the base backup", total=base.seal.size, unit="bytes")
    try:
        folders, files = _tree(base.data)
        _refuse_missing(base, listed, files)
        with settled(folder, reporter):
            for path in sorted(folders):
                (folder / path).mkdir(mode=0o700)
                account.own(folder / path)
            _copy_all(base, listed, files, folder, account, reporter)
            for path in (*folders, ""):
                source = (base.data / path).lstat()
                (folder / path).chmod(stat.S_IMODE(source.st_mode) & 0o750 | 0o700)
    except OSError as error:
        raise FailedError(
            f"the base backup could not be laid out: {error.strerror}",
            where=cleaned_line(str(error.filename or folder)),
            hint="is there room, and are the disks well? remove the folder, then try again",
        ) from None


def _tree(data: Path) -> tuple[list[str], list[str]]:
    """Folders and files below a base backup's data, relative. Raises FailedError at anything else."""
    folders: list[str] = []
    files: list[str] = []
    for place, entry in _entries(data):
        path = f"{place}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            folders.append(path)
        elif entry.is_file(follow_symlinks=False):
            files.append(path)
        else:
            raise FailedError(
                "the base backup holds a link or a device where none belongs"
                + (": tablespaces elsewhere are not laid out" if place == "pg_tblspc/" else ""),
                where=cleaned_line(str(data / path)),
                hint="use another base backup: one with tablespaces is not brought back by this program",
            )
    return folders, files


def _entries(data: Path) -> "Iterator[tuple[str, os.DirEntry[str]]]":
    waiting = [""]
    while waiting:
        place = waiting.pop()
        with os.scandir(data / place) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{place}{entry.name}/")
                yield place, entry


def _refuse_missing(base: Base, listed: dict[str, ManifestFile], files: list[str]) -> None:
    there = set(files)
    missing = next((path for path in listed if path not in there), None)
    known = {*listed, *_CHANGED_LATER, MANIFEST}
    strange = next((path for path in files if path not in known and not path.startswith(_WAL)), None)
    if missing is not None or strange is not None:
        what = f"{missing} is missing" if missing is not None else f"{strange} is not listed"
        raise FailedError(
            f"the base backup is not what was sealed: {cleaned_line(what)}",
            where=str(base.data),
            hint="copy the base backup again from where it is kept, or use another one",
        )


def _copy_all(
    base: Base,
    listed: dict[str, ManifestFile],
    files: list[str],
    folder: Path,
    account: ServerAccount,
    reporter: Reporter,
) -> None:
    def copy(path: str) -> None:
        _copy(base, listed.get(path), path, folder, account, reporter)

    with ThreadPoolExecutor(max_workers=min(8, (os.cpu_count() or 1) + 1)) as pool:
        running: set[Future[None]] = set()
        try:
            for path in files:
                if len(running) >= _QUEUED:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for one in done:
                        one.result()
                running.add(pool.submit(copy, path))
            for one in running:
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _copy(
    base: Base,
    listed: ManifestFile | None,
    path: str,
    folder: Path,
    account: ServerAccount,
    reporter: Reporter,
) -> None:
    source = os.open(base.data / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(source, "rb", buffering=0) as opened:
        state = os.fstat(source)
        mode = stat.S_IMODE(state.st_mode) & 0o640 | 0o600
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(folder / path, flags, 0o600), "r+b", buffering=0) as made:
            size, sha256 = _hashed_copy(opened.fileno(), made.fileno(), reporter)
            os.fchmod(made.fileno(), mode)
            if not account.is_present:
                os.fchown(made.fileno(), account.uid, account.gid)
            if not tells_of_lost_writes():
                os.fsync(made.fileno())
    if listed is None or path in _CHANGED_LATER:
        return
    if listed.checksum_algorithm != "SHA256" or (size, sha256) != (listed.size, listed.checksum):
        raise FailedError(
            f"{cleaned_line(path)} is not what was sealed in the base backup",
            where=str(base.data),
            hint="copy the base backup again from where it is kept, or use another one",
        )


def _hashed_copy(source: int, target: int, reporter: Reporter) -> tuple[int, str]:
    """Copy one descriptor to another, sharing blocks where the file system can; its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    shared = share_blocks(source, target)
    while block := os.read(target if shared else source, _BLOCK):
        digest.update(block)
        rest = memoryview(block)
        while not shared and rest:
            rest = rest[os.write(target, rest) :]
        size += len(block)
        reporter.advance(len(block))
    return size, digest.hexdigest()
