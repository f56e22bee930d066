"""Room kept beside the journal, so that on a full disk it can still be told how things ended."""

import os
from pathlib import Path
from typing import Final

from aihummer_drtui.engine.private_file import open_private

BALLAST: Final = "ballast"
BALLAST_BYTES: Final = 65_536
"""Room for some hundred outcomes."""


class Ballast:
    """A file of a run's folder that is filled while there is room and emptied when there is none."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / BALLAST

    def is_full(self) -> bool:
        """Say whether the room is there to be spent. Raises OSError."""
        try:
            return self._path.lstat().st_size >= BALLAST_BYTES
        except FileNotFoundError:
            return False

    def fill(self) -> None:
        """Take the room, durably. Raises OSError (ENOSPC where there is none to take)."""
        descriptor = open_private(self._path, os.O_RDWR | os.O_CREAT)
        try:
            os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def spend(self) -> None:
        """Give the room back to the file system. Raises OSError."""
        descriptor = open_private(self._path, os.O_RDWR | os.O_CREAT)
        try:
            os.ftruncate(descriptor, 0)
            # ext4 hands freed blocks out again only after its own journal has recorded the freeing.
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
