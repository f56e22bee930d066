"""Opening many files below one folder, no component of their paths being a link."""

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from aihummer_drtui.recovery.blobs.scan import FOLDER


class Descent:
    """Goes down to files by their relative paths and keeps the folder of the last one open.

    Lists of blobs go folder by folder, so that a blob mostly costs one open. For one thread.
    """

    def __init__(self, root: Path, *, make: bool = False) -> None:
        """Below `root`; with `make`, folders that are missing are made (mode 0700). Raises OSError."""
        self._root = os.open(root, FOLDER)
        self._make = make
        self._path = ""
        self._folder = self._root

    def folder_of(self, path: str) -> tuple[int, str]:
        """The open folder that holds `path`, ours until the next call, and the name in it. Raises OSError."""
        above, _, name = path.rpartition("/")
        if above != self._path:
            self._go(above)
        return self._folder, name

    def open(self, path: str) -> int:
        """Open a file for reading; a pipe is not waited for. Raises OSError."""
        folder, name = self.folder_of(path)
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)

    def _go(self, above: str) -> None:
        self._back()
        inside = self._root
        try:
            for part in above.split("/") if above else ():
                below = self._opened(part, inside)
                if inside != self._root:
                    os.close(inside)
                inside = below
        except BaseException:
            if inside != self._root:
                os.close(inside)
            raise
        self._folder, self._path = inside, above

    def _opened(self, part: str, inside: int) -> int:
        try:
            return os.open(part, FOLDER, dir_fd=inside)
        except FileNotFoundError:
            if not self._make:
                raise
        # Another thread may be first.
        with suppress(FileExistsError):
            os.mkdir(part, 0o700, dir_fd=inside)
        return os.open(part, FOLDER, dir_fd=inside)

    def _back(self) -> None:
        if self._folder != self._root:
            os.close(self._folder)
        self._folder, self._path = self._root, ""

    def close(self) -> None:
        """Close what is open."""
        self._back()
        os.close(self._root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
