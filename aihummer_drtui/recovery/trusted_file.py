"""Files that decide what is done to a machine: read only where nobody else could have written them."""

import os
import stat
from pathlib import Path

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.regular_file import read_regular

LIMIT = 1_000_000
"""Bytes; a configuration that is longer is no configuration."""
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def read_trusted(path: Path, *, what: str) -> bytes:
    """The content of a regular file that only its owner (root or this account) can change.

    `what` names it in messages. Raises PreconditionError when it is missing, unreadable, no regular
    file, too large, or when another account could have written it or put another in its place.
    """
    try:
        data, state = read_regular(path, limit=LIMIT)
    except OSError as error:
        raise PreconditionError(
            f"the {what} cannot be read: {error.strerror}",
            where=str(path),
            hint="give the path of a file that this account can read",
        ) from error
    _refuse_foreign_writers(path, state, what)
    folder = path.resolve().parent
    _refuse_foreign_writers(folder, folder.stat(), f"folder of the {what}")
    for above in folder.parents:
        _refuse_replaceable(above, above.stat(), f"a folder above the {what}")
    return data


def refuse_open_to_others(path: Path, found: os.stat_result) -> None:
    """Let pass a file of any account's that nobody else can write or replace. Raises PreconditionError."""
    if found.st_mode & _OTHERS:
        raise PreconditionError(
            f"can be written by other accounts (mode {stat.S_IMODE(found.st_mode):04o})",
            where=str(path),
            hint=f"look at its content, then: chmod go-w '{path}'",
        )
    folder = path.resolve().parent
    state = folder.stat()
    _refuse_world_writable(folder, state, "its folder")
    if state.st_mode & stat.S_IWGRP and not state.st_mode & stat.S_ISVTX and not _is_private_group(state):
        raise PreconditionError(
            f"its folder can be written by other accounts (mode {stat.S_IMODE(state.st_mode):04o})",
            where=str(folder),
            hint=f"look at what lies in it, then: chmod g-w '{folder}'",
        )


def _is_private_group(found: os.stat_result) -> bool:
    """Whether the group is the owner's alone, as Debian gives each account one (adduser(8), USERGROUPS)."""
    import grp
    import pwd

    try:
        owner, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    own = (group.gr_name, group.gr_gid) == (owner.pw_name, owner.pw_gid)
    return own and set(group.gr_mem) <= {owner.pw_name}


def _refuse_replaceable(path: Path, found: os.stat_result, what: str) -> None:
    """Who owns or can write a folder above can put another in the place of what is below."""
    if found.st_uid not in {0, os.geteuid()}:
        raise PreconditionError(
            f"{what} belongs to account {found.st_uid}, which could put another in its place",
            where=str(path),
            hint="move it to a folder below /etc, or one that is yours all the way down",
        )
    _refuse_world_writable(path, found, what)


def _refuse_world_writable(path: Path, found: os.stat_result, what: str) -> None:
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise PreconditionError(
            f"{what} can be written by other accounts (mode {stat.S_IMODE(found.st_mode):04o})",
            where=str(path),
            hint=f"look at what lies in it, then: chmod o-w '{path}'",
        )


def _refuse_foreign_writers(path: Path, found: os.stat_result, what: str) -> None:
    if found.st_uid not in {0, os.geteuid()}:
        raise PreconditionError(
            f"the {what} belongs to account {found.st_uid}, which could change it at any time",
            where=str(path),
            hint=f"look at its content, then: chown {os.geteuid()} '{path}'",
        )
    writable = found.st_mode & _OTHERS
    # A sticky folder (like /tmp) lets others add files, but not replace this one.
    if writable and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
        raise PreconditionError(
            f"the {what} can be written by other accounts (mode {stat.S_IMODE(found.st_mode):04o})",
            where=str(path),
            hint=f"look at its content, then: chmod go-w '{path}'",
        )
