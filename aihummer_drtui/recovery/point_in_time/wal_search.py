"""Finding things in the WAL that follows a base backup: its last commit, and where a recovery would stop."""

import time
from datetime import datetime
from typing import Final, assert_never

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point
from aihummer_drtui.recovery.point_in_time.points import lsn_text
from aihummer_drtui.recovery.point_in_time.segments import number_of
from aihummer_drtui.recovery.point_in_time.span import Span
from aihummer_drtui.recovery.point_in_time.waldump import Waldump
from aihummer_drtui.recovery.reporting import Reporter

_COMMIT_SECONDS: Final = 20.0
_AT_ONCE: Final = 16
"""Segments that pg_waldump is given at a time."""


def end_for(waldump: Waldump, span: Span, point: Point, reporter: Reporter) -> int:
    """The number after the last segment that a recovery to the point reads.

    Raises PreconditionError where the WAL does not contain the point.
    """
    match point:
        case Latest():
            return span.end
        case ByTime(moment=moment):
            reporter.phase("looking for the moment in the WAL")
            found = _first_with_later_commit(waldump, span, moment)
            if found is None:
                raise _not_there(span, f"no commit after {moment.isoformat(sep=' ')}, where it would stop")
            return found + 1
        case ByLsn(lsn=lsn):
            return _end_for_lsn(waldump, span, lsn)
        case ByName(name=name):
            return _end_for_name(waldump, span, name, reporter)
    assert_never(point)


def _end_for_lsn(waldump: Waldump, span: Span, lsn: int) -> int:
    number = number_of(lsn, span.size)
    if not span.first <= number < span.end:
        raise _not_there(span, f"no position {lsn_text(lsn)}")
    # It stops behind the first record that starts there or later: that may be in a later segment.
    for at in range(number, min(span.end, number + 3)):
        said = waldump.records(span.segments(at, at + 1))
        if said.last_lsn is not None and said.last_lsn >= lsn:
            return at + 1
    raise _not_there(span, f"no record at or after {lsn_text(lsn)}")


def _end_for_name(waldump: Waldump, span: Span, name: str, reporter: Reporter) -> int:
    reporter.phase("looking for the restore point", total=span.end - span.first, unit="WAL files")
    for first in range(span.first, span.end, _AT_ONCE):
        end = min(span.end, first + _AT_ONCE)
        said = waldump.restore_points(span.segments(first, end))
        if name in said.restore_points:
            return end
        reporter.advance(end - first)
    raise _not_there(span, f"no restore point named {cleaned_line(name, 70)}")


def last_commit(waldump: Waldump, span: Span) -> datetime | None:
    """The time of a span's last commit, looked for from its end in growing strides; None = none was found."""
    until = time.monotonic() + _COMMIT_SECONDS
    end, stride = span.end, 1
    while end > span.first and time.monotonic() < until:
        first = max(span.first, end - stride)
        # With the one after it: a commit's record may go on there.
        segments = [
            segment for segment in span.segments(first, min(span.end, end + 1)) if span.folder.has(segment)
        ]
        if not segments:
            return None
        found = waldump.commits(segments).last_commit
        if found is not None:
            return found
        end, stride = first, min(stride * 2, _AT_ONCE)
    return None


def _first_with_later_commit(waldump: Waldump, span: Span, moment: datetime) -> int | None:
    """The number of the first segment with a commit after the moment, by bisection; None = there is none.

    Commits lie in the order of their times but for moments (their record is written just after the time
    is taken), and the neighbour is looked at together with each segment.
    """

    def is_later(number: int) -> bool | None:
        segments = [one for one in span.segments(number, min(span.end, number + 2)) if span.folder.has(one)]
        commit = waldump.commits(segments).last_commit if segments else None
        return None if commit is None else commit > moment

    low, high = span.first, span.end
    while low < high:
        middle = (low + high) // 2
        at, later = middle, is_later(middle)
        while later is None and at > low:
            at -= 1
            later = is_later(at)
        if later:
            high = at
        else:
            low = middle + 1
    if high >= span.end:
        return None
    return min(high + 1, span.end - 1)


def _not_there(span: Span, what: str) -> PreconditionError:
    gap = f"; WAL file {span.gap} is missing after it" if span.gap else ""
    return PreconditionError(
        f"the WAL that follows base backup {span.base.path.name} on timeline {span.timeline} has {what}{gap}",
        where=str(span.folder.path),
        hint="choose a point within the window (`aihummer-drtui wal status`), or `latest`",
    )
