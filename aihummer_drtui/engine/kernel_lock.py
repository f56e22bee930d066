"""Locks that end with their holder, whatever kills it, and that one can ask about without taking them.

Open file description locks (fcntl(2), F_OFD_SETLK): owned by what `open` made and all its copies,
gone when the last copy is closed. Unlike flock(2) they can be asked for (F_OFD_GETLK), so that a
look never stands in the way of somebody who takes the lock at that moment.
"""

import fcntl
import os
import struct
from typing import Final

_FLOCK: Final = struct.Struct("hhqqi")
"""struct flock: type, whence, start, length (0 = to the end, however far), process (0 for these locks)."""


def try_lock(descriptor: int) -> bool:
    """Take the lock on the file; False when another description holds it. Raises OSError."""
    wanted = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as the file system likes (fcntl(2)).
        return False
    return True


def is_locked(descriptor: int) -> bool:
    """Say whether another description holds the lock on the file. Raises OSError."""
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)
