"""Which WAL files follow each other from a base backup on, over timelines, and where one is missing. Pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.recovery.point_in_time.segments import History, Segment, history_from, number_of

USUAL_SIZE: Final = 16 * 1024 * 1024
"""Bytes of a WAL file unless initdb was told otherwise (PostgreSQL 17, 28.6)."""
SMALLEST_SIZE: Final = 1024 * 1024
"""The least that initdb takes: with it, every possible name is one."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The WAL files that follow a base backup's start without a gap."""

    segments: tuple[Segment, ...]
    timeline: int
    """That of the last segment; without any, the base backup's."""
    end_lsn: int
    """The end of the last segment; without any, where the base backup starts."""
    gap: str
    """The first file that is missing though later ones are there; empty = none."""
    following: str
    """The name of the file that would come next."""


def follow(
    *,
    timeline: int,
    start_lsn: int,
    end_lsn: int,
    present: Set[Segment],
    histories: Mapping[int, History],
    size: int,
) -> Chain:
    """The chain from a base backup with these positions, onto the newest timeline that there is.

    A later timeline counts when it left the base backup's after the backup's end, and the files lead onto
    it; else the base backup's own does.
    """
    for newest in sorted(histories, reverse=True):
        history = histories[newest]
        if newest > timeline and history.contains(timeline, end_lsn):
            chain = _walked(history, start_lsn, present, histories, size)
            if chain.timeline == newest:
                return chain
    return _walked(history_from(histories, timeline), start_lsn, present, histories, size, own=timeline)


def _walked(
    history: History,
    start_lsn: int,
    present: Set[Segment],
    histories: Mapping[int, History],
    size: int,
    *,
    own: int = 0,
) -> Chain:
    found: list[Segment] = []
    number = number_of(start_lsn, size)
    while (segment := Segment(timeline=own or history.timeline_at(number, size), number=number)) in present:
        found.append(segment)
        number += 1
    # What leads on through the missing file: files of an abandoned timeline or of a sibling do not.
    onward = {one for one, told in histories.items() if told.timeline_at(number, size) == segment.timeline}
    onward |= {segment.timeline}
    later = any(
        other.number > number and other.timeline in onward and other.timeline >= segment.timeline
        for other in present
    )
    return Chain(
        segments=tuple(found),
        timeline=found[-1].timeline if found else segment.timeline,
        end_lsn=found[-1].end(size) if found else start_lsn,
        gap=segment.name(size) if later else "",
        following=segment.name(size),
    )
