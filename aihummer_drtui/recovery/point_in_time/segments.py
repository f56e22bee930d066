"""Names and numbers of the write-ahead log: segments, timelines, history files. No file is touched.

PostgreSQL 17, 28.6 (WAL Internals) and 25.3.5 (Timelines); src/include/access/xlog_internal.h.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_LSN: Final = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})", re.ASCII)
_SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
_HISTORY: Final = re.compile(r"([0-9A-F]{8})\.history")
_HISTORY_LINE: Final = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)(?:\s.*)?")
_SMALLEST, _LARGEST = 1 << 20, 1 << 30
"""Of a segment: 1 MB to 1 GB, a power of two (initdb(1), --wal-segsize)."""
_SPAN: Final = 1 << 32
MAX_LSN: Final = (1 << 64) - 1
MAX_TIMELINE: Final = (1 << 32) - 1


def lsn_of(text: str) -> int:
    """A position written as PostgreSQL writes it, `16/B374D848`. Raises ValueError for anything else."""
    found = parse_lsn(text)
    if found is None:
        raise ValueError(f"no WAL position: {text[:40]!r}")
    return found


def parse_lsn(text: str) -> int | None:
    """A position as PostgreSQL writes it (pg_lsn, PostgreSQL 17, 8.20), or None."""
    found = _LSN.fullmatch(text)
    return int(found[1], 16) << 32 | int(found[2], 16) if found else None


def lsn_text(lsn: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def valid_segment_size(size: int) -> bool:
    """Whether a segment can have that many bytes."""
    return _SMALLEST <= size <= _LARGEST and size & (size - 1) == 0


@dataclass(frozen=True, kw_only=True, order=True)
class Segment:
    """One WAL segment: a timeline, and the number of the segment since the log's beginning."""

    timeline: int
    number: int

    def name(self, size: int) -> str:
        """Its file's name, for segments of `size` bytes."""
        per_span = _SPAN // size
        return f"{self.timeline:08X}{self.number // per_span:08X}{self.number % per_span:08X}"

    def start(self, size: int) -> int:
        """The position of its first byte."""
        return self.number * size

    def end(self, size: int) -> int:
        """The position after its last byte."""
        return (self.number + 1) * size


def segment_named(name: str, size: int) -> Segment | None:
    """The segment that a file of this name holds, or None: no name of a segment of `size` bytes."""
    if not _SEGMENT.fullmatch(name):
        return None
    timeline, high, low = (int(name[at : at + 8], 16) for at in (0, 8, 16))
    per_span = _SPAN // size
    if timeline == 0 or low >= per_span:
        return None
    return Segment(timeline=timeline, number=high * per_span + low)


def number_of(lsn: int, size: int) -> int:
    """The number of the segment that holds the byte at `lsn`."""
    return lsn // size


def last_number_before(lsn: int, size: int) -> int:
    """The number of the segment that holds the byte before `lsn` (XLByteToPrevSeg)."""
    return max(0, lsn - 1) // size


@dataclass(frozen=True, kw_only=True)
class Switch:
    """Where a timeline was left for the next one."""

    timeline: int
    lsn: int


@dataclass(frozen=True, kw_only=True)
class History:
    """How a timeline came to be: its ancestors, the oldest first, each with where it was left."""

    timeline: int
    switches: tuple[Switch, ...] = ()

    def timeline_at(self, number: int, size: int) -> int:
        """Whose file holds segment `number`: PostgreSQL reads a switch's segment from the later timeline.

        The new timeline's first segment begins as a copy of the old one's (PostgreSQL 17, 25.3.5; the
        startup process looks for the newest timeline first: XLogFileReadAnyTLI).
        """
        starts = [switch.lsn // size for switch in self.switches]
        at = bisect_right(starts, number)
        timelines = [switch.timeline for switch in self.switches] + [self.timeline]
        return timelines[at]

    def begin(self, timeline: int) -> int | None:
        """Where `timeline` begins in this history; None = it is not in it."""
        names = [*(switch.timeline for switch in self.switches), self.timeline]
        begins = {later: switch.lsn for switch, later in zip(self.switches, names[1:], strict=True)}
        first = self.switches[0].timeline if self.switches else self.timeline
        return 0 if timeline == first else begins.get(timeline)

    def contains(self, timeline: int, lsn: int) -> bool:
        """Whether what `timeline` wrote up to `lsn` is part of this history."""
        begin = self.begin(timeline)
        if begin is None or lsn < begin:
            return False
        left = next((switch.lsn for switch in self.switches if switch.timeline == timeline), MAX_LSN)
        return lsn <= left


def history_timeline(name: str) -> int | None:
    """The timeline that a file of this name is the history of, or None."""
    found = _HISTORY.fullmatch(name)
    return int(found[1], 16) or None if found else None


def read_history(timeline: int, text: str) -> History:
    """The history that a file of `timeline` tells. Raises ValueError when it is none.

    Lines are `parent timeline, switch position, reason`; empty ones and comments count for nothing
    (src/backend/access/transam/timeline.c).
    """
    switches: list[Switch] = []
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        found = _HISTORY_LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"no line of a timeline's history: {bare[:60]!r}")
        switch = Switch(timeline=int(found[1]), lsn=lsn_of(found[2]))
        if switches and (switch.timeline <= switches[-1].timeline or switch.lsn < switches[-1].lsn):
            raise ValueError("timelines or positions do not ascend")
        switches.append(switch)
    if switches and switches[-1].timeline >= timeline:
        raise ValueError(f"timeline {timeline} cannot come after timeline {switches[-1].timeline}")
    if any(not 0 < switch.timeline <= MAX_TIMELINE for switch in switches):
        raise ValueError("no timeline has such a number")
    return History(timeline=timeline, switches=tuple(switches))


def history_from(histories: Mapping[int, History], timeline: int) -> History:
    """The history of `timeline`; timeline 1 has no file, and another without one is taken to be the first."""
    return histories.get(timeline, History(timeline=timeline))
