"""Making sure again of a journal whose last sync failed.

After a failed fsync the kernel may count pages as written that are not (fsync(2), and PostgreSQL's
"fsyncgate" of 2018): reading them shows what is in memory, not what is on disk, and syncing again
proves nothing. So the bytes are written once more, to a new file, before the journal goes on.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.engine.private_file import open_private

_MARK: Final = "journal.unsure"
_RENEWED: Final = "journal.renewed"


def mark_unsure(folder: Path) -> None:
    """Leave word for the next engine, as well as a disk that fails lets us."""
    with contextlib.suppress(OSError):
        os.close(open_private(folder / _MARK, os.O_WRONLY | os.O_CREAT))
        sync_folder(folder)


def is_unsure(folder: Path) -> bool:
    """Say whether an engine left word that a sync failed."""
    return os.path.lexists(folder / _MARK)


def renew(journal: Path, data: bytes) -> int:
    """Put a new file with these bytes in the journal's place, durably; give its descriptor.

    Raises OSError; the old file is then still there, and so is the mark.
    """
    renewed = journal.with_name(_RENEWED)
    renewed.unlink(missing_ok=True)
    descriptor = open_private(renewed, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
        renewed.replace(journal)
        sync_folder(journal.parent)
        journal.with_name(_MARK).unlink()
        sync_folder(journal.parent)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
