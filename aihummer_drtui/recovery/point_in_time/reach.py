"""Which base backup brings a point back, and why none does: known before anything is stopped. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.points import LATEST, Clock, echo, from_now, in_both_zones, spelled
from aihummer_drtui.recovery.point_in_time.segments import lsn_text

_FAR: Final = timedelta(days=180)
"""A point further than this from every window looks like a year typed wrong."""


def window_for(point: Point, windows: Sequence[Window], clock: Clock, *, base: str = "") -> Window:
    """The window to recover the point from: that of the newest base backup before it, or of `base`.

    `base` is a label, or `LABEL@TIMELINE` for the window that ends on that timeline. `windows` have the
    newest base backup first. Raises PreconditionError with the windows that there are and the nearest point
    that one of them holds.
    """
    candidates = _of_base(windows, base)
    for window in candidates:
        if _holds(window, point, clock):
            return window
    raise PreconditionError(
        f"no base backup and its WAL bring back {echo(point, clock)}{_why(point, candidates, clock)}",
        hint="\n  ".join([*window_lines(candidates, clock), _nearest(point, candidates, clock)]),
    )


def not_reached(point: Point, gap: str) -> PreconditionError:
    """The error that tells that the WAL does not contain the point; `gap` names the file missing after it."""
    match point:
        case Latest():
            what = "no end that is known"
        case ByTime(moment=moment):
            stop = moment.astimezone(UTC).isoformat(sep=" ")
            what = f"no commit after {stop}, and without one PostgreSQL takes a time for not reached"
        case ByName(name=name):
            what = f"no restore point named {cleaned_line(name, 70)}"
        case ByLsn(lsn=lsn):
            what = f"no position {lsn_text(lsn)}, or no record at or after it"
        case _:
            assert_never(point)
    missing = f"; WAL file {cleaned_line(gap, 60)} is missing after it" if gap else ""
    return PreconditionError(
        f"the WAL that follows the base backup has {what}{missing}",
        hint="choose a point within the window (`aihummer-drtui wal status`), or `latest`: as far as it goes",
    )


def require_reach(window: Window, point: Point, *, end_lsn: int, missing: str) -> None:
    """Let pass WAL that still reaches the copy's own end and the point: looked at again, before it is read.

    `end_lsn` is where it ends now, `missing` the first file that is not there. Raises PreconditionError.
    """
    too_late = isinstance(point, ByTime) and window.latest is not None and point.moment >= window.latest
    if too_late or (isinstance(point, ByLsn) and point.lsn >= window.latest_lsn):
        raise not_reached(point, window.gap)
    needed = max(window.base.end_lsn, point.lsn if isinstance(point, ByLsn) else window.latest_lsn)
    if end_lsn < needed:
        raise PreconditionError(
            f"WAL file {cleaned_line(missing, 60)} is missing: the WAL after base backup "
            f"{cleaned_line(window.base.label, 60)} ends at {lsn_text(end_lsn)}, and {lsn_text(needed)} is "
            "needed",
            hint="find that file on the lost host's pg_wal or another copy, or choose an earlier point",
        )


def left_aside(point: Point, window: Window, windows: Sequence[Window], clock: Clock) -> str:
    """What of another timeline does not come back with this window, in words; empty = there is no other.

    An earlier recovery left a timeline behind, which goes on past the point where the new one began. A time
    or position is taken from the newer; where both hold it, only the operator knows which is meant.
    """
    if not isinstance(point, ByTime | ByLsn):
        return ""
    for other in windows:
        if other.timeline != window.timeline and _holds(other, point, clock):
            label = cleaned_line(other.base.label, 60)
            return (
                f"timeline {other.timeline} holds this point too, and may have commits that timeline "
                f"{window.timeline}, which is taken, has not; to have those: --base {label}@{other.timeline}"
            )
    return ""


def window_lines(windows: Sequence[Window], clock: Clock) -> list[str]:
    """What can be brought back, a line for each end of each window."""
    lines = []
    for window in windows:
        # After a recovery one base backup leads to two ends: of the timeline that was left, and of the new.
        timeline = f" of timeline {window.timeline}" if _is_forked(window, windows) else ""
        label = cleaned_line(window.base.label, 60)
        if not window.is_whole:
            lines.append(f"base backup {label} brings nothing back: its WAL is not archived to its own end")
            continue
        lines.append(f"base backup {label} and its WAL{timeline} bring back")
        lines.append(
            f"  from {in_both_zones(_earliest(window), clock)}, {from_now(_earliest(window), clock)}"
        )
        if window.latest is None:
            lines.append(
                f"  to position {lsn_text(window.latest_lsn)}; the time of its last commit is not known"
            )
        else:
            lines.append(f"  to   {in_both_zones(window.latest, clock)}, {from_now(window.latest, clock)}")
        if window.gap:
            lines.append(f"  WAL file {cleaned_line(window.gap, 60)} is missing after that")
    return lines


def _of_base(windows: Sequence[Window], base: str) -> Sequence[Window]:
    if not windows:
        raise PreconditionError(
            "there is no base backup, so there is no point to recover to",
            hint="take the other route, the dump of a backup set: `--to dump`",
        )
    if not base:
        return windows
    named = [
        window for window in windows if base in {window.base.label, f"{window.base.label}@{window.timeline}"}
    ]
    if not named:
        labels = ", ".join(dict.fromkeys(_named(window, windows) for window in windows))
        raise PreconditionError(
            f"there is no base backup {cleaned_line(base, 60)!r}", hint=f"these are there: {labels}"
        )
    return named


def _is_forked(window: Window, windows: Sequence[Window]) -> bool:
    return sum(each.base.label == window.base.label for each in windows) > 1


def _named(window: Window, windows: Sequence[Window]) -> str:
    label = cleaned_line(window.base.label, 60)
    return f"{label}@{window.timeline}" if _is_forked(window, windows) else label


def _holds(window: Window, point: Point, clock: Clock) -> bool:
    if not window.is_whole:
        return False
    match point:
        case Latest() | ByName():
            # Where in the WAL a name is, only reading it tells: its keeper proves it, or the recovery does.
            return True
        case ByLsn(lsn=lsn):
            # The server stops at a record that begins there or later: one must still follow.
            return window.base.end_lsn <= lsn < window.latest_lsn
        case ByTime(moment=moment):
            # It stops before the first commit that is later (PostgreSQL 17, 19.5.6): one must follow.
            last = clock.now if window.latest is None else min(window.latest, clock.now)
            return window.earliest <= moment < last
    assert_never(point)


def _earliest(window: Window) -> datetime:
    """Where the window begins as an operator can type it: the next whole second, if it holds that."""
    exact = window.earliest.astimezone(UTC)
    whole = exact.replace(microsecond=0) + timedelta(seconds=1)
    if exact.microsecond == 0 or (window.latest is not None and whole >= window.latest):
        return exact
    return whole


def _why(point: Point, windows: Sequence[Window], clock: Clock) -> str:
    if not any(window.is_whole for window in windows):
        return ": the WAL is not archived to the base backup's own end"
    match point:
        case ByTime(moment=moment):
            if moment > clock.now:
                return ": it lies in the future"
            if moment < min(window.earliest for window in windows):
                return ": it lies before the first base backup was complete"
            if all(window.latest is not None and moment >= window.latest for window in windows):
                return ": the archived WAL ends before it"
            return ": it lies between a gap in the WAL and the next base backup"
        case ByLsn(lsn=lsn):
            if lsn < min(window.base.end_lsn for window in windows):
                return ": it lies before the first base backup was complete"
            return f": the WAL without a gap ends at {lsn_text(max(each.latest_lsn for each in windows))}"
        case ByName() | Latest():
            return ""
    assert_never(point)


def _nearest(point: Point, windows: Sequence[Window], clock: Clock) -> str:
    if not any(window.is_whole for window in windows):
        return "see whether it is archived still: `aihummer-drtui wal status`; or take the dump: --to dump"
    if isinstance(point, ByTime) and (other := _other_year(point.moment, windows, clock)):
        return f"is the year right? --to '{spelled(ByTime(moment=other))}' is {from_now(other, clock)}"
    return f"the nearest that can be brought back: --to '{_nearest_words(point, windows, clock)}'"


def _nearest_words(point: Point, windows: Sequence[Window], clock: Clock) -> str:
    """The nearest end of a window, in words that are read as a point."""
    ends: list[tuple[int, Point]] = []
    for window in windows:
        match point:
            case ByTime(moment=moment):
                ends += [(_microseconds(end.moment - moment), end) for end in _ends(window)]
            case ByLsn(lsn=lsn):
                for end_lsn in (window.base.end_lsn, window.latest_lsn - 1):
                    ends.append((abs(end_lsn - lsn), ByLsn(lsn=end_lsn)))
            case ByName() | Latest():
                pass
            case _:
                assert_never(point)
    held = [
        (distance, end) for distance, end in ends if any(_holds(window, end, clock) for window in windows)
    ]
    if not held or _is_after(point, windows[0]):
        return LATEST
    return spelled(min(held, key=lambda each: each[0])[1])


def _ends(window: Window) -> list[ByTime]:
    first = ByTime(moment=_earliest(window))
    if window.latest is None:
        return [first]
    return [first, ByTime(moment=window.latest.astimezone(UTC) - timedelta(microseconds=1))]


def _is_after(point: Point, newest: Window) -> bool:
    """Whether the point lies after all that the newest base backup brings back."""
    match point:
        case ByTime(moment=moment):
            return moment >= (newest.latest or _earliest(newest))
        case ByLsn(lsn=lsn):
            return lsn >= newest.latest_lsn
        case ByName() | Latest():
            return True
    assert_never(point)


def _microseconds(span: timedelta) -> int:
    return abs(span // timedelta(microseconds=1))


def _other_year(moment: datetime, windows: Sequence[Window], clock: Clock) -> datetime | None:
    """The same day and time of another year, where only that one lies in a window."""
    if any(abs(end - moment) < _FAR for each in windows for end in (each.earliest, each.latest) if end):
        return None
    for year in range(clock.now.year, clock.now.year - 3, -1):
        try:
            other = moment.replace(year=year)
        except ValueError:
            # 29 February.
            continue
        if any(_holds(window, ByTime(moment=other), clock) for window in windows):
            return other
    return None
