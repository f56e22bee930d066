"""What is mounted where, as the kernel tells it (proc_pid_mountinfo(5))."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/self/mountinfo")
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
"""Blanks, newlines and backslashes of a path are written as three octal digits."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One line of the table."""

    point: Path
    kind: str
    """The file system's type, `ext4` for example."""
    source: str
    """The device, or what the file system calls itself."""


def mounts() -> Iterator[Mount]:
    """Every mount that this process sees, in the order in which they were made.

    Raises OSError where there is no such table.
    """
    for line in _TABLE.read_bytes().splitlines():
        # …, mount point (5th), …, "-", type, source.
        before, _, after = line.partition(b" - ")
        point = _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), before.split(b" ")[4])
        kind, source = after.split(b" ")[:2]
        yield Mount(point=Path(os.fsdecode(point)), kind=os.fsdecode(kind), source=os.fsdecode(source))


def is_mount_point(folder: Path) -> bool:
    """Whether something is mounted on the folder, which can then be neither renamed nor exchanged.

    A folder mounted elsewhere on its own file system (a bind mount, the volume of a container) has the
    device of its parent: only the table tells it. Raises nothing.
    """
    if folder.is_mount():
        return True
    try:
        real = folder.parent.resolve() / folder.name
        return any(mount.point == real for mount in mounts())
    except OSError:
        return False
