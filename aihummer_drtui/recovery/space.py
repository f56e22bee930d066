"""Room on disk: what a recovery will write, by file system; parts that share one are added up."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.mounts import mounts

_POOLED: Final = frozenset({"btrfs", "zfs"})
"""File systems whose parts have devices of their own and share their room all the same."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that will be written beside what is there; the old things are kept, and count as used."""

    name: str
    place: Path | None
    """The folder it goes into, or will; None = not known here."""
    size: int = 0
    """Bytes."""
    inodes: int = 0
    unknown: str = ""
    """Why its place or its size is not known; empty = both are."""


@dataclass(frozen=True, kw_only=True)
class FileSystem:
    """One file system, and what will be written to it."""

    place: Path
    """A folder on it."""
    free: int
    """Bytes that an ordinary account may still write."""
    free_inodes: int | None
    """None = it makes them as needed."""
    parts: tuple[Part, ...]

    @property
    def needed(self) -> int:
        """Bytes."""
        return sum(part.size for part in self.parts)

    @property
    def needed_inodes(self) -> int:
        """Files and folders."""
        return sum(part.inodes for part in self.parts)

    @property
    def is_short(self) -> bool:
        """Whether it would run full."""
        few = self.free_inodes is not None and self.free_inodes < self.needed_inodes
        return self.free < self.needed or few

    def __str__(self) -> str:
        parts = ", ".join(f"{part.name} {bytes_text(part.size)}" for part in self.parts)
        inodes = (
            f"; {self.needed_inodes} inodes needed, {self.free_inodes} free"
            if self.free_inodes is not None and self.free_inodes < self.needed_inodes
            else ""
        )
        return cleaned_line(
            f"{self.place}: {bytes_text(self.needed)} needed ({parts}), {bytes_text(self.free)} free{inodes}",
            400,
        )


@dataclass(frozen=True, kw_only=True)
class Space:
    """What was measured."""

    file_systems: tuple[FileSystem, ...]
    unknown: tuple[Part, ...]
    """Parts of which nobody here can say whether they fit."""

    @property
    def short(self) -> tuple[FileSystem, ...]:
        """Those that would run full."""
        return tuple(each for each in self.file_systems if each.is_short)

    @property
    def doubts(self) -> tuple[str, ...]:
        """A sentence for each reason why something is not known."""
        parts: dict[str, list[Part]] = {}
        for part in self.unknown:
            parts.setdefault(part.unknown, []).append(part)
        return tuple(_doubt(why, each) for why, each in parts.items())


def _doubt(why: str, parts: list[Part]) -> str:
    size = sum(part.size for part in parts)
    needed = f"; {bytes_text(size)} needed" if size else ""
    names = ", ".join(part.name for part in parts)
    return cleaned_line(f"space for {names} is unproven: {why}{needed}", 300)


def measured(parts: Iterable[Part]) -> Space:
    """Measure the file system of every part; one that cannot be looked at is unknown. Raises nothing."""
    found: dict[object, FileSystem] = {}
    unknown: list[Part] = []
    for part in parts:
        if part.unknown or part.place is None:
            unknown.append(part)
            continue
        try:
            place = _nearest(part.place)
            device, room = _device(place), os.statvfs(place)
        except OSError as error:
            unknown.append(_because(part, f"{part.place}: {error.strerror}"))
            continue
        there = found.get(device)
        found[device] = FileSystem(
            place=there.place if there else place,
            free=room.f_bavail * room.f_frsize,
            # f_files is 0 where the file system makes inodes as needed (btrfs).
            free_inodes=room.f_favail if room.f_files else None,
            parts=(*there.parts, part) if there else (part,),
        )
    return Space(file_systems=tuple(found.values()), unknown=tuple(unknown))


def refuse_too_little(space: Space, *, where: str) -> None:
    """Let pass where all that is known fits. Raises PreconditionError that names each file system."""
    if space.short:
        raise PreconditionError(
            f"there is not enough room: {'; '.join(map(str, space.short))}",
            where=where,
            hint="make room there, or mount a larger disk; nothing was changed, and the old data is not the "
            "room to make",
        )


def _because(part: Part, why: str) -> Part:
    return Part(name=part.name, place=part.place, size=part.size, inodes=part.inodes, unknown=why)


def _nearest(place: Path) -> Path:
    """The folder itself, or the nearest above it that is there. Raises OSError where one may not look."""
    while True:
        try:
            place.stat()
        except FileNotFoundError:
            place = place.parent
        else:
            return place


def _device(place: Path) -> object:
    """What two folders have in common that share their room."""
    number = place.stat().st_dev
    real = place.resolve()
    best, found = -1, (number, "")
    for mount in mounts():
        if real.is_relative_to(mount.point) and len(mount.point.parts) >= best:
            best = len(mount.point.parts)
            pool = mount.source.partition("/")[0] if mount.kind == "zfs" else mount.source
            found = (0, pool) if mount.kind in _POOLED else (number, "")
    return found
