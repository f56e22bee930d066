"""Files that are there after a power cut: written beside, synced, renamed, folder synced.

The order is that of fsync(2) and rename(2): data first, then the name, then the folder that
holds the name.
"""

import ctypes
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def write_durably(
    path: Path, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Put `data` at `path` so that a reader or a power cut sees the old or the new whole, never a part.

    `owner` is (user, group) by number; None = the account that writes.
    Raises OSError when the folder is not writable or full; `path` is then untouched.
    """
    with written_durably(path, mode=mode, owner=owner) as beside:
        beside.write(data)


@contextmanager
def written_durably(
    path: Path, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> Iterator[IO[bytes]]:
    """Give a file to write what `path` will hold; it is there, whole and on the disk, when the block ends.

    For what is too large for `write_durably`. Whatever breaks within, `path` is as it was. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as beside:
            if owner is not None:
                os.fchown(beside.fileno(), *owner)
            os.fchmod(beside.fileno(), mode)
            yield beside
            beside.flush()
            os.fsync(beside.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def create_durably(path: Path, data: bytes) -> None:
    """Put `data` at `path`, mode 0600, where nothing is yet; it is on the disk when this returns.

    Made in place, for media (FAT) that know no links: a power cut can leave a part of it, a failure
    leaves nothing. Raises FileExistsError when anything has that name, and OSError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(descriptor: int) -> None:
    """Make durable all that was written to the file system that `descriptor` is on (syncfs(2)).

    Raises OSError, where `tells_of_lost_writes` also for a write that failed since the descriptor was
    opened.
    """
    if _LIBC.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def tells_of_lost_writes() -> bool:
    """Whether this kernel's syncfs(2) reports writes that failed: Linux 5.8 and newer (syncfs(2), ERRORS)."""
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return found is not None and (int(found[1]), int(found[2])) >= (5, 8)


def make_open_folders(folder: Path) -> None:
    """Make a folder and those above it that are missing, durably, for all accounts to pass through.

    Whatever the umask, which is closed here: another account (a server's, the gateway's) has to get to what
    will lie in it. Raises OSError.
    """
    if folder.is_dir():
        return
    make_open_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    sync_folder(folder.parent)
