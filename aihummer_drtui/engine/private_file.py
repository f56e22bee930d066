"""Opening files of the state folder so that nobody else's file is taken for ours."""

import os
import stat
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import PreconditionError

_ALWAYS: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""O_NONBLOCK: opening a FIFO that somebody put there must not wait; regular files do not mind it."""


def open_private(path: Path, flags: int, *, read_only: bool = False) -> int:
    """Open a regular file of our own and give its descriptor, which no child inherits.

    With `read_only` the file may be another account's (a spectator reads what an engine writes).
    Raises PreconditionError for a link, a FIFO, a device, another owner, or a file that others may
    write; FileNotFoundError, FileExistsError and every other OSError as they come.
    """
    try:
        descriptor = os.open(path, flags | _ALWAYS, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise _refused(path, "a symbolic link") from error
        raise
    try:
        _judge(path, os.fstat(descriptor), read_only=read_only)
    except PreconditionError:
        os.close(descriptor)
        raise
    return descriptor


def _judge(path: Path, seen: os.stat_result, *, read_only: bool) -> None:
    if not stat.S_ISREG(seen.st_mode):
        raise _refused(path, "no regular file")
    if seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _refused(path, "a file that other accounts may write")
    if not read_only and seen.st_uid != os.geteuid():
        raise _refused(path, f"owned by user {seen.st_uid}, not by user {os.geteuid()} who runs this")


def _refused(path: Path, what: str) -> PreconditionError:
    return PreconditionError(
        f"refused: it is {what}",
        where=str(path),
        hint="find out who put it there; use --state-dir with a folder that only you can write",
    )
