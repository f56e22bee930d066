"""The folder that archive_command fills, read as a stranger's: by names, in bounded memory.

A million files are a list of numbers here, and one run of numbers once they are sorted: what follows
what without a gap is seen from the runs, and no file is opened for it.
"""

import os
from array import array
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.segment_file import history_in
from aihummer_drtui.recovery.point_in_time.segment_packing import PACKINGS
from aihummer_drtui.recovery.point_in_time.segments import (
    History,
    Segment,
    history_timeline,
    segment_named,
)

MOST_FILES: Final = 20_000_000
"""Each is eight bytes here; more than that is no archive of one server."""
_MOST_TIMELINES: Final = 1_000

Run = tuple[int, int]
"""First and last number of segments that follow each other."""


@dataclass(frozen=True, kw_only=True)
class WalFolder:
    """What lies in an archive, for segments of one size."""

    path: Path
    size: int
    runs: Mapping[int, tuple[Run, ...]]
    """By timeline, ascending."""
    histories: Mapping[int, History]

    def has(self, segment: Segment) -> bool:
        """Whether a file of that name is there."""
        run = self._run_of(segment)
        return run is not None

    def find(self, segment: Segment) -> tuple[Path, str] | None:
        """The file that holds a segment, and how it is packed; None = there is none."""
        name = segment.name(self.size)
        for packing in PACKINGS:
            path = self.path / f"{name}{packing}"
            if path.is_file() and not path.is_symlink():
                return path, packing
        return None

    def end_of(self, history: History, start: int) -> int:
        """The number after the last segment that follows `start` in this history without a gap.

        `start` itself where not even that one is there.
        """
        number = start
        while True:
            timeline = history.timeline_at(number, self.size)
            run = self._run_of(Segment(timeline=timeline, number=number))
            if run is None:
                return number
            # The run counts as far as its timeline does.
            left = next((one.lsn // self.size for one in history.switches if one.timeline == timeline), None)
            number = run[1] + 1 if left is None else min(run[1] + 1, left)

    def has_later(self, history: History, number: int) -> bool:
        """Whether any segment after `number` is there on a timeline that this history goes on with."""
        timelines = {one.timeline for one in history.switches if one.lsn // self.size > number}
        return any(
            runs[-1][1] > number
            for timeline, runs in self.runs.items()
            if runs and timeline in {*timelines, history.timeline}
        )

    def _run_of(self, segment: Segment) -> Run | None:
        runs = self.runs.get(segment.timeline, ())
        at = bisect_right(runs, (segment.number, 1 << 64)) - 1
        return runs[at] if at >= 0 and runs[at][1] >= segment.number else None


def read_folder(path: Path, size: int) -> WalFolder:
    """List an archive for segments of `size` bytes. Links, folders and strange names count for nothing.

    Raises PreconditionError when it cannot be listed, or holds more than one archive can.
    """
    numbers: dict[int, array[int]] = {}
    timelines: list[int] = []
    count = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                count += 1
                if count > MOST_FILES:
                    raise _too_many(path)
                if not entry.is_file(follow_symlinks=False):
                    continue
                name, _, end = entry.name.partition(".")
                if end == "history" and history_timeline(entry.name):
                    timelines.append(history_timeline(entry.name) or 0)
                elif (f".{end}" if end else "") in PACKINGS and (segment := segment_named(name, size)):
                    numbers.setdefault(segment.timeline, array("Q")).append(segment.number)
                    if len(numbers) > _MOST_TIMELINES:
                        raise _too_many(path)
    except OSError as error:
        raise PreconditionError(
            f"the WAL archive cannot be listed: {error.strerror}",
            where=str(path),
            hint="mount it, mend `archive` in [wal] of target.toml, or run this as root",
        ) from None
    histories = {
        one: found for one in sorted(timelines)[-_MOST_TIMELINES:] if (found := history_in(path, one))
    }
    return WalFolder(
        path=path,
        size=size,
        runs={timeline: _runs(numbers[timeline]) for timeline in sorted(numbers)},
        histories=histories,
    )


def _runs(numbers: "array[int]") -> tuple[Run, ...]:
    runs: list[Run] = []
    for number in sorted(numbers):
        if runs and number <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return tuple(runs)


def _too_many(path: Path) -> PreconditionError:
    return PreconditionError(
        "the WAL archive holds more files or timelines than the archive of one server can",
        where=str(path),
        hint="is it the right folder? remove old WAL by pg_archivecleanup (docs/wal.md)",
    )
