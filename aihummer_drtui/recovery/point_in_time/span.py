"""The WAL that follows a base backup, on each timeline that goes on from it, and where it ends."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, overload

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.base import Base
from aihummer_drtui.recovery.point_in_time.segment_file import first_page_damage
from aihummer_drtui.recovery.point_in_time.segment_header import Expected
from aihummer_drtui.recovery.point_in_time.segments import (
    History,
    Segment,
    history_from,
    last_number_before,
    lsn_of,
    number_of,
)
from aihummer_drtui.recovery.point_in_time.wal_folder import WalFolder

_HEADERS_SECONDS: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Span:
    """Segments of one history from a base backup on: those with numbers from `first` to before `end`."""

    base: Base
    folder: WalFolder
    history: History
    first: int
    end: int
    own: int
    """The number of the last segment that the base backup brings along itself."""
    wrong: str = ""
    """What is wrong with segment `end`, where it is there and of no use."""

    @property
    def size(self) -> int:
        """Bytes of a segment."""
        return self.base.seal.segment_size

    def segment(self, number: int) -> Segment:
        """The segment of that number."""
        return Segment(timeline=self.history.timeline_at(number, self.size), number=number)

    @property
    def archived(self) -> Sequence[Segment]:
        """Those that the archive is to hold: all but the first, where only the base backup brings them."""
        first = self.first
        for number in range(self.first, min(self.end, self.own + 1)):
            if not self.folder.has(self.segment(number)):
                first = number + 1
        return _Segments(self, range(first, self.end))

    @property
    def timeline(self) -> int:
        """That of the last segment."""
        return self.segment(max(self.first, self.end - 1)).timeline

    @property
    def end_lsn(self) -> int:
        """The position after it; a segment that only the base backup has counts as far as that goes."""
        if self.end <= self.own + 1 and not self.folder.has(self.segment(self.own)):
            return min(self.end * self.size, lsn_of(self.base.seal.end_lsn))
        return self.end * self.size

    @property
    def gap(self) -> str:
        """The first file that is missing, or wrong, though later ones are there."""
        short = self.end <= self.own
        if short or self.wrong or self.folder.has_later(self.history, self.end):
            return self.segment(self.end).name(self.size)
        return ""


@dataclass(frozen=True)
class _Segments(Sequence[Segment]):
    """Of a million files none is kept in memory."""

    span: Span
    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Segment: ...

    @overload
    def __getitem__(self, place: slice) -> "_Segments": ...

    def __getitem__(self, place: int | slice) -> "Segment | _Segments":
        if isinstance(place, slice):
            return _Segments(self.span, self.numbers[place])
        return self.span.segment(self.numbers[place])


def expected_of(base: Base) -> Expected:
    """What WAL for this base backup must be."""
    return Expected(
        system_identifier=base.seal.system_identifier,
        server_major=base.server_major,
        size=base.seal.segment_size,
    )


def spans_of(base: Base, folder: WalFolder) -> Iterator[Span]:
    """A base backup's spans: on each later timeline that left its own after its end, the newest first.

    A timeline of which no WAL is there yet is none.
    """
    end_lsn = lsn_of(base.seal.end_lsn)
    for timeline in sorted(folder.histories, reverse=True):
        history = folder.histories[timeline]
        if timeline > base.seal.timeline and history.contains(base.seal.timeline, end_lsn):
            span = _span(base, folder, history)
            if span.timeline == timeline:
                yield span
    yield _span(base, folder, history_from(folder.histories, base.seal.timeline))


def span_on(base: Base, folder: WalFolder, timeline: int) -> Span:
    """The span of a base backup that ends on that timeline. Raises PreconditionError where none does."""
    for span in spans_of(base, folder):
        if span.timeline == timeline:
            return span
    raise PreconditionError(
        f"the archive no longer holds WAL of timeline {timeline}",
        where=str(folder.path),
        hint="look again with `aihummer-drtui wal status`",
    )


def _span(base: Base, folder: WalFolder, history: History) -> Span:
    seal = base.seal
    first = number_of(lsn_of(seal.start_lsn), seal.segment_size)
    own = last_number_before(lsn_of(seal.end_lsn), seal.segment_size)
    end = folder.end_of(history, first)
    while end <= own:
        # The base backup brings the WAL of its own making along; the archive may begin after it.
        segment = Segment(timeline=history.timeline_at(end, seal.segment_size), number=end)
        if not (base.data / "pg_wal" / segment.name(seal.segment_size)).is_file():
            break
        end = folder.end_of(history, end + 1)
    return Span(base=base, folder=folder, history=history, first=first, end=end, own=own)


def sound(span: Span) -> Span:
    """The span up to the first segment that is seen to be of no use.

    Looked at are headers, the oldest first, for a few seconds, and that of the last segment in any case;
    `prove` looks at each.
    """
    until = time.monotonic() + _HEADERS_SECONDS
    for number in range(span.first, span.end):
        if time.monotonic() > until and number != span.end - 1:
            continue
        if wrong := _wrong_at(span, number):
            return replace(span, end=number, wrong=wrong)
    return span


def _wrong_at(span: Span, number: int) -> str:
    """What is wrong with a segment of a span; one that only the base backup has is verified with that."""
    segment = span.segment(number)
    found = span.folder.find(segment)
    if found is None:
        return "" if number <= span.own else "it is missing, or a link, which is not followed"
    return first_page_damage(*found, segment, expected_of(span.base))
