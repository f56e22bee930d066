"""A set while it is made: a `.partial-` folder that takes its name when all of it is on disk, or goes."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import FailedError, PreconditionError

PARTIAL: Final = ".partial-"


@contextmanager
def growing(place: Path, moment: datetime) -> Iterator[Path]:
    """Give a new folder in `place` to fill; whatever breaks within the block, it is removed.

    Raises PreconditionError when nothing can be made there, FailedError for an OSError within.
    """
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_abandoned(place)
        folder = place / f"{PARTIAL}{stamp(moment)}-{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise PreconditionError(
            f"no backup can be written here: {error.strerror}",
            where=str(place),
            hint="name a folder that this account can write, with room for dump and blobs",
        ) from None
    try:
        # Held until we end, however we end: what carries no lock was left by a killed backup.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    except OSError as error:
        _remove(folder)
        raise FailedError(
            f"the backup could not be written: {error.strerror}",
            where=str(error.filename or place),
            hint="nothing was kept; is there room, and are the disks well?",
        ) from None
    except BaseException:
        _remove(folder)
        raise
    finally:
        os.close(lock)


def _remove_abandoned(place: Path) -> None:
    for folder in place.glob(f"{PARTIAL}*"):
        # Held by somebody who is at work, another account's, or no folder: none of it stops a new backup.
        with suppress(OSError), held(folder, block=False):
            _remove(folder)


@contextmanager
def held(folder: Path, *, block: bool = True) -> Iterator[None]:
    """Hold the lock of a folder that is made or removed, whatever its name becomes. Raises OSError."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
        yield
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def named(folder: Path, place: Path, moment: datetime) -> Path:
    """Give the finished set its name: the stamp, with a number when two are of one second."""
    sync_folder(folder)
    for number in range(1, 1000):
        name = place / (stamp(moment) if number == 1 else f"{stamp(moment)}-{number}")
        if not name.exists():
            folder.rename(name)
            sync_folder(place)
            return name
    raise FailedError("a thousand backups in one second", where=str(place), hint="wait a second")


def stamp(moment: datetime) -> str:
    """The moment as it stands in names: `20260131T235959Z`."""
    return moment.strftime("%Y%m%dT%H%M%SZ")
