"""Bringing the blobs back: into a folder beside the live one, every byte compared, then exchanged.

Read as a procedure: refuse, prove the list, fill the folder beside (what an earlier try left there
complete is kept), sync, exchange in one step, mark. Until the exchange the live folder is not touched.
"""

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BackupSet, BlobLine
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.blobs.copy import copy_hashed, hash_of, open_blob, sync_folders
from aihummer_drtui.recovery.blobs.exchange import exchange, move_without_replacing
from aihummer_drtui.recovery.blobs.listing import each_line, open_blob_list
from aihummer_drtui.recovery.blobs.place import (
    BlobPlace,
    Stage,
    refuse_bad_place,
    refuse_lost_setting,
)
from aihummer_drtui.recovery.blobs.room import blob_part
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.space import measured, refuse_too_little
from aihummer_drtui.recovery.target import Target

_UNFINISHED: Final = ".drtui-unfinished"
_AHEAD: Final = 64
"""Blobs handed to the workers at a time; the list itself may be of any length."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done."""

    folder: Path | None
    """None = the media service is inactive: there was nothing to do."""
    kept_as: Path | None
    """Where the old folder is; None = there was none."""
    blobs: int
    already_there: int
    """Of the blobs: those that an earlier try had brought."""


def restore_blobs(
    target: Target,
    backup: BackupSet,
    *,
    confirm: str,
    mode: str,
    reporter: Reporter,
    again: bool = False,
) -> Restored:
    """Replace the target's blob folder by the one in `backup`; the old one is kept under another name.

    `confirm` is the identity `host/database`; `mode` the run's, empty by hand. Raises PreconditionError
    before anything is made, LockedError when another restore is at work, FailedError when the work
    breaks; the live folder is then as it was, and what was copied is used by the next try.
    """
    refuse_wrong_mode(target, mode)
    refuse_other_identity(owner_of(target), confirm)
    refuse_untrusted(target, backup)
    _refuse_dump_only(backup)
    env = read_gateway_env(target.gateway_env)
    folder = env.blob_folder
    if folder is None:
        refuse_lost_setting(env.path, backup.manifest)
        return Restored(folder=None, kept_as=None, blobs=0, already_there=0)
    place = BlobPlace(live=folder, set_id=backup.manifest.set_id)
    refuse_bad_place(place)
    try:
        with ended_in_order(), _locked(place):
            return _restored(place, backup, reporter, again=again)
    except OSError as error:
        raise FailedError(
            f"the blobs could not be restored: {error.strerror}",
            where=cleaned_line(str(error.filename or folder)),
            hint="make room or mend the disk, then run the same command again: it goes on where it was",
        ) from None


def _refuse_dump_only(backup: BackupSet) -> None:
    if not backup.manifest.knows(Fact.BLOBS):
        raise PreconditionError(
            "the set holds no blobs: it was sealed around a dump that was there already",
            where=cleaned_line(str(backup.path)),
            hint="bring the blob folder back from where it is kept, then skip this command with that reason",
        )


def _restored(place: BlobPlace, backup: BackupSet, reporter: Reporter, *, again: bool) -> Restored:
    count = backup.manifest.blobs.count
    marker = place.read_mark()
    if marker and marker.stage is Stage.EXCHANGING:
        # Killed between exchange and mark: what stands beside now is the old folder, not ours to fill.
        kept_as = _finish(replace(place, set_id=marker.set_id))
        if marker.set_id == place.set_id and not again:
            return Restored(folder=place.live, kept_as=kept_as, blobs=count, already_there=count)
    _refuse_second(place, again=again)
    refuse_too_little(measured([blob_part(place, backup.manifest)]), where=str(place.live))
    _make_beside(place)
    there = _fill(place, backup, reporter)
    kept_as = _put_in_place(place, reporter)
    return Restored(folder=place.live, kept_as=kept_as, blobs=count, already_there=there)


def _refuse_second(place: BlobPlace, *, again: bool) -> None:
    marker = place.read_mark()
    if marker and marker.set_id == place.set_id and place.live.is_dir() and not again:
        raise PreconditionError(
            f"the blobs of this very backup set were already restored here at {cleaned_line(marker.at)}",
            where=str(place.live),
            hint="what was written since would be moved away; if that is meant, say --again",
        )


@contextmanager
def _locked(place: BlobPlace) -> Iterator[None]:
    """Hold the lock of the folder above: it is the same one for every set, and no exchange moves it."""
    place.live.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.live.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise LockedError(
            "another `restore blobs` is at work here",
            where=str(place.live.parent),
            hint="wait for it, or end it",
        ) from None
    finally:
        os.close(lock)


def _make_beside(place: BlobPlace) -> None:
    try:
        place.beside.mkdir(mode=0o700)
    except FileExistsError:
        # An earlier try for this set: what is complete in it is kept.
        if not stat.S_ISDIR(place.beside.lstat().st_mode):
            raise PreconditionError(
                "something else has the name of the folder to fill",
                where=str(place.beside),
                hint="move it away",
            ) from None


def _fill(place: BlobPlace, backup: BackupSet, reporter: Reporter) -> int:
    """Bring every listed blob into the folder beside; return how many were there already."""
    listing = open_blob_list(backup, reporter)
    with os.fdopen(listing, "rb") as file:
        lines = each_line(file, str(backup.path / BLOB_LIST))
        _remove_foreign(place)
        reporter.phase("restoring blobs", total=backup.manifest.blobs.size, unit="bytes")
        copier = _Copier(place=place, source=backup.blobs, reporter=reporter)
        there = _each_with_workers(copier, lines)
    _refuse_extra(place, backup)
    reporter.phase("syncing folders")
    sync_folders(place.beside)
    return there


def _remove_foreign(place: BlobPlace) -> None:
    """Remove from the folder beside what an earlier try did not finish, and what never belonged there."""
    for found in list(scan(place.beside)):
        if not found.regular or found.path.endswith(_UNFINISHED):
            (place.beside / found.path).unlink()


def _refuse_extra(place: BlobPlace, backup: BackupSet) -> None:
    count = sum(1 for _ in scan(place.beside))
    if count != backup.manifest.blobs.count:
        raise FailedError(
            f"{count} files stand where {backup.manifest.blobs.count} were sealed",
            where=str(place.beside),
            hint="remove this folder (it is not the live one), then run the same command again",
        )


@dataclass(frozen=True, kw_only=True)
class _Copier:
    place: BlobPlace
    source: Path
    reporter: Reporter

    def bring(self, line: BlobLine) -> bool:
        """Copy one blob, compared while copied; return whether it was there already."""
        destination = self.place.beside / line.path
        if self._is_there(line):
            self.reporter.advance(line.size)
            return True
        destination.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = destination.with_name(f".{line.sha256[:16]}-{threading.get_ident():x}{_UNFINISHED}")
        try:
            with os.fdopen(self._opened(line), "rb") as blob:
                copied = copy_hashed(blob.fileno(), unfinished, mode=0o600, each=self.reporter.advance)
            self._compare(line, copied)
            self._give(unfinished)
            unfinished.replace(destination)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        return False

    def _compare(self, line: BlobLine, copied: tuple[int, str]) -> None:
        if copied != (line.size, line.sha256):
            raise self._bad(line, "is not what was sealed")

    def _is_there(self, line: BlobLine) -> bool:
        try:
            descriptor = open_blob(self.place.beside, line.path)
        except FileNotFoundError:
            return False
        with os.fdopen(descriptor, "rb") as file:
            same = os.fstat(file.fileno()).st_size == line.size
            return same and hash_of(file.fileno()) == line.sha256

    def _opened(self, line: BlobLine) -> int:
        try:
            descriptor = open_blob(self.source, line.path)
        except OSError as error:
            raise self._bad(line, f"cannot be opened: {error.strerror}") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._bad(line, "is no regular file")
        return descriptor

    def _give(self, path: Path) -> None:
        path.chmod(self.place.file_mode)
        if os.geteuid() == 0:
            os.chown(path, *self.place.owner, follow_symlinks=False)

    def _bad(self, line: BlobLine, how: str) -> FailedError:
        return FailedError(
            f"the blob {cleaned_line(line.path)} {how}",
            where=str(self.source),
            hint="the live blobs were not touched; copy the set again from where it is kept, or use another",
        )


def _each_with_workers(copier: _Copier, lines: Iterator[BlobLine]) -> int:
    there = 0
    running: set[Future[bool]] = set()
    with ThreadPoolExecutor(max_workers=max(2, min(8, os.cpu_count() or 2))) as workers:
        try:
            for line in lines:
                running.add(workers.submit(copier.bring, line))
                if len(running) >= _AHEAD:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    there += sum(each.result() for each in done)
            there += sum(each.result() for each in running)
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise
    return there


def _put_in_place(place: BlobPlace, reporter: Reporter) -> Path | None:
    reporter.phase("exchanging the folders")
    _own_folders(place)
    place.write_mark(Stage.EXCHANGING, place.beside)
    if place.live.exists():
        exchange(place.beside, place.live)
    else:
        move_without_replacing(place.beside, place.live)
    sync_folder(place.live.parent)
    return _finish(place)


def _finish(place: BlobPlace) -> Path | None:
    """After the exchange: keep the old folder under its own name, and mark the new one."""
    kept_as = None
    if place.beside.exists():
        kept_as = place.kept_as(datetime.now(UTC))
        move_without_replacing(place.beside, kept_as)
        sync_folder(place.live.parent)
    place.write_mark(Stage.RESTORED, place.live)
    return kept_as


def _own_folders(place: BlobPlace) -> None:
    for path, _, _ in os.walk(place.beside):
        Path(path).chmod(place.folder_mode)
        if os.geteuid() == 0:
            os.chown(path, *place.owner, follow_symlinks=False)
