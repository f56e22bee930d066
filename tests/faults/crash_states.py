"""What a folder may hold after a power cut: POSIX promises what was synced, and nothing of the rest.

Of what was not synced any part may be there: none, all, a beginning, one act without those before it, half of
the last write, or its length without its bytes (fsync(2); Pillai et al., "All File Systems Are Not Created
Equal", OSDI 2014).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from tests.faults.recorded_calls import Done, Made, Removed, Renamed, Sized, Synced, Written

Act: TypeAlias = Made | Renamed | Removed | Written | Sized


@dataclass
class Disk:
    """Files and folders by their paths: what is there if everything done so far is."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def copy(self) -> "Disk":
        """Another one that holds the same."""
        return Disk(files=dict(self.files), folders=set(self.folders))

    def apply(self, act: Act) -> None:
        """Do it; what has lost its ground (a write to a file that is not there) is lost with it."""
        match act:
            case Made(path=path, folder=True):
                self.folders.add(path)
            case Made(path=path, holds=holds):
                self.files.setdefault(path, holds)
            case Renamed(path=path, to=to):
                if path in self.files:
                    self.files[to] = self.files.pop(path)
            case Removed(path=path):
                self.files.pop(path, None)
            case Written(path=path) | Sized(path=path):
                if path in self.files:
                    self.files[path] = _changed(self.files[path], act)

    def lay_out(self, root: str, at: Path) -> None:
        """Make what lies below `root` below `at`; what lies in a folder that is not there is not there."""
        at.mkdir(mode=0o700)
        there = {root}
        for folder in sorted(self.folders):
            if folder.rpartition("/")[0] in there:
                there.add(folder)
                (at / folder.removeprefix(root).lstrip("/")).mkdir(mode=0o700)
        for path, data in self.files.items():
            if path.rpartition("/")[0] in there:
                made = at / path.removeprefix(root).lstrip("/")
                made.write_bytes(data)
                made.chmod(0o600)


def begun_with(root: Path) -> Disk:
    """What lies below a folder now."""
    disk = Disk()
    for path in sorted(root.rglob("*")):
        if path.is_dir():
            disk.folders.add(str(path))
        elif path.is_file():
            disk.files[str(path)] = path.read_bytes()
    return disk


@dataclass
class Durable:
    """What is on the disk for sure, and what was done since that may be."""

    disk: Disk
    since: list[Act] = field(default_factory=list)

    def take(self, done: Done) -> None:
        """One call more. A sync of a file is of its bytes, one of a folder is of the names in it."""
        match done:
            case Synced(path=path):
                synced = [act for act in self.since if _is_of(act, path)]
                self.since = [act for act in self.since if not _is_of(act, path)]
                self._keep(synced)
            case Made() | Renamed() | Removed() | Written() | Sized():
                self.since.append(done)
            case _:
                return

    def _keep(self, synced: list[Act]) -> None:
        """Bytes of a file whose name is not on the disk yet come with the name."""
        for act in synced:
            if isinstance(act, Written | Sized) and act.path not in self.disk.files:
                self.since = [_holding(one, act) for one in self.since]
            else:
                self.disk.apply(act)

    def after_a_cut(self) -> Iterator[Disk]:
        """Every state that is looked at: none, all, each beginning, each act alone, the last one in part."""
        for number in range(len(self.since) + 1):
            yield self._with(self.since[:number])
        for act in self.since[1:]:
            yield self._with([act])
        if self.since and isinstance(last := self.since[-1], Written):
            half = replace(last, data=last.data[: len(last.data) // 2])
            empty = replace(last, data=bytes(len(last.data)))
            for torn in (half, empty):
                yield self._with([*self.since[:-1], torn])

    def _with(self, acts: list[Act]) -> Disk:
        disk = self.disk.copy()
        for act in acts:
            disk.apply(act)
        return disk


def _is_of(act: Act, path: str) -> bool:
    """Whether a sync of that path is one of that act."""
    match act:
        case Written() | Sized():
            return act.path == path
        case Made() | Renamed() | Removed():
            return act.path.rpartition("/")[0] == path


def _holding(act: Act, synced: Written | Sized) -> Act:
    if isinstance(act, Made) and act.path == synced.path:
        return replace(act, holds=_changed(act.holds, synced))
    return act


def _changed(before: bytes, act: Written | Sized) -> bytes:
    if isinstance(act, Sized):
        return (before if act.grown else before[: act.size]).ljust(act.size, b"\0")
    begin = len(before) if act.at is None else act.at
    return before[:begin].ljust(begin, b"\0") + act.data + before[begin + len(act.data) :]
