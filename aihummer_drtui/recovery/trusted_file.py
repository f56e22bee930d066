"""Files that decide what is done to a machine: read only where nobody else could have written them."""

import os
import stat
from pathlib import Path

from aihummer_drtui.errors import PreconditionError

LIMIT = 1_000_000
"""Bytes; a configuration that is longer is no configuration."""


def read_trusted(path: Path, *, what: str) -> bytes:
    """The content of a regular file that only its owner (root or this account) can change.

    `what` names it in messages. Raises PreconditionError when it is missing, unreadable, no regular
    file, too large, or when another account could have written it or put another in its place.
    """
    try:
        # O_NONBLOCK: a FIFO in this place must be refused, not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise PreconditionError(
            f"the {what} cannot be read: {error.strerror}",
            where=str(path),
            hint="give the path of a file that this account can read",
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise PreconditionError(
                f"the {what} is no regular file", where=str(path), hint="give the path of a regular file"
            )
        _refuse_foreign_writers(path, found, what)
        _refuse_foreign_writers(path.resolve().parent, path.resolve().parent.stat(), f"folder of the {what}")
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise PreconditionError(
            f"the {what} is larger than {LIMIT} bytes", where=str(path), hint="is it the right file?"
        )
    return data


def _refuse_foreign_writers(path: Path, found: os.stat_result, what: str) -> None:
    if found.st_uid not in {0, os.geteuid()}:
        raise PreconditionError(
            f"the {what} belongs to account {found.st_uid}, which could change it at any time",
            where=str(path),
            hint=f"look at its content, then: chown {os.geteuid()} '{path}'",
        )
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # A sticky folder (like /tmp) lets others add files, but not replace this one.
    if writable and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
        raise PreconditionError(
            f"the {what} can be written by other accounts (mode {stat.S_IMODE(found.st_mode):04o})",
            where=str(path),
            hint=f"look at its content, then: chmod go-w '{path}'",
        )
