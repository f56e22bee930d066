"""Walking a blob folder: regular files only, no link followed, bounded memory."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a folder is opened: itself or not at all."""
_USUAL: Final = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.ASCII).fullmatch
"""Names of which one look is enough; there may be millions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One thing in a blob folder."""

    path: str
    """Relative to the folder, with `/`."""
    size: int
    regular: bool
    """False for a link, device, pipe or socket, and for a name that no list can hold."""


def scan(folder: Path) -> Iterator[Found]:
    """Give every file below `folder`, a folder at a time, without following a link.

    Raises PreconditionError when `folder` is missing or a link, FailedError when a part of it cannot be
    read. What vanishes while we walk is left out.
    """
    try:
        root = os.open(folder, FOLDER)
    except OSError as error:
        raise PreconditionError(
            f"no folder that can be read (no link is followed): {error.strerror}",
            where=cleaned_line(str(folder)),
            hint="AIHUMMER_BLOB_DIR in gateway.env must name the blob folder itself",
        ) from None
    try:
        yield from _below(root, "")
    except OSError as error:
        raise FailedError(
            f"the blob folder cannot be read: {error.strerror}",
            where=cleaned_line(str(error.filename or folder)),
            hint="run this as the account that owns the blobs, or as root",
        ) from None
    finally:
        os.close(root)


def _below(folder: int, prefix: str) -> Iterator[Found]:
    # Read twice, files first, and no list of either: one folder may hold a million of both.
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                continue
            try:
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = prefix + entry.name
            plain = stat.S_ISREG(state.st_mode) and is_plain_path(path)
            yield Found(path=path, size=state.st_size, regular=plain)
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                continue
            try:
                below = os.open(entry.name, FOLDER, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            try:
                yield from _below(below, f"{prefix}{entry.name}/")
            finally:
                os.close(below)


def is_plain_path(path: str) -> bool:
    """Whether `path` names a file below a folder and nothing else: no `..`, not absolute, no control."""
    if len(path) <= 255 and _USUAL(path):
        return True
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    parts = path.split("/")
    return (
        0 < len(path) <= 4000
        and all(part not in {"", ".", ".."} and len(part.encode()) <= 255 for part in parts)
        and cleaned_line(path, 4000) == path
        and "\\" not in path
    )
