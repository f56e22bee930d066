"""Two names on one file system changing places in one step (renameat2, Linux 3.15 and newer)."""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError

_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
_RENAME_EXCHANGE: Final = 2
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def exchange(one: Path, other: Path) -> None:
    """Let two existing names change places, atomically.

    Raises FailedError where the file system cannot (some network ones), OSError for the rest; both
    names are then as they were.
    """
    _rename(one, other, _RENAME_EXCHANGE)


def move_without_replacing(source: Path, destination: Path) -> None:
    """Rename `source`, atomically, to a name that must be free. Raises as `exchange` does."""
    _rename(source, destination, _RENAME_NOREPLACE)


def _rename(source: Path, destination: Path, flags: int) -> None:
    done = _LIBC.renameat2(
        _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(destination), ctypes.c_uint(flags)
    )
    if done == 0:
        return
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL}:
        raise FailedError(
            "this file system cannot exchange two folders in one step",
            where=str(destination),
            hint="nothing was changed; put that folder on a local file system (ext4, xfs, btrfs)",
        )
    raise OSError(number, os.strerror(number), str(destination))
