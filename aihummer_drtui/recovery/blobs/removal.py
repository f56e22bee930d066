"""Removing a folder with all that is in it: no link followed, no list of its entries held."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aihummer_drtui.recovery.blobs.scan import FOLDER


def remove_tree(folder: Path, each: Callable[[], None] = lambda: None) -> None:
    """Remove `folder`, calling `each` a file. Raises OSError; what is left then may be removed again."""
    descriptor = os.open(folder, FOLDER)
    try:
        _empty(descriptor, each)
    finally:
        os.close(descriptor)
    folder.rmdir()


def _empty(folder: int, each: Callable[[], None]) -> None:
    # Read again until it is empty: a folder that shrinks while it is read may show only a part.
    inside = True
    while inside:
        inside = False
        with os.scandir(folder) as entries:
            for entry in entries:
                inside = True
                if entry.is_dir(follow_symlinks=False):
                    below = os.open(entry.name, FOLDER, dir_fd=folder)
                    try:
                        _empty(below, each)
                    finally:
                        os.close(below)
                    os.rmdir(entry.name, dir_fd=folder)
                else:
                    with suppress(FileNotFoundError):
                        os.unlink(entry.name, dir_fd=folder)
                    each()
