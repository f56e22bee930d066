"""A point is held against the windows before anything stops: taken, or refused with what would be taken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.model import (
    BaseBackup,
    ByLsn,
    ByName,
    ByTime,
    Keeper,
    Latest,
    Point,
    Window,
)
from aihummer_drtui.recovery.point_in_time.points import Clock, parse_point
from aihummer_drtui.recovery.point_in_time.reach import left_aside, window_for, window_lines

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLOCK = Clock(now=NOW, zone=UTC, zone_name="UTC")


def a_window(
    label: str, first: datetime, last: datetime | None, *, lsns: tuple[int, int] = (100, 200), gap: str = ""
) -> Window:
    """A window between two moments and two positions."""
    base = BaseBackup(
        label=label,
        keeper=Keeper.ARCHIVE,
        system_identifier=1,
        server_major=17,
        timeline=1,
        start_lsn=lsns[0] - 10,
        end_lsn=lsns[0],
        started=first - timedelta(minutes=1),
        ended=first,
        size=1,
        verified=None,
    )
    return Window(base=base, earliest=first, latest=last, latest_lsn=lsns[1], timeline=1, gap=gap)


NEW = a_window("new", NOW - timedelta(hours=2), NOW - timedelta(minutes=1), lsns=(300, 400))
OLD = a_window(
    "old",
    NOW - timedelta(hours=10),
    NOW - timedelta(hours=4),
    lsns=(100, 200),
    gap="000000010000000000000009",
)
BOTH = (NEW, OLD)


def at(**back: float) -> ByTime:
    """A moment so long before now."""
    return ByTime(moment=NOW - timedelta(**back))


@pytest.mark.parametrize(
    ("point", "label"),
    [
        (at(hours=1), "new"),
        (at(hours=2), "new"),
        (at(hours=5), "old"),
        (Latest(), "new"),
        (ByName(name="x"), "new"),
        (ByLsn(lsn=300), "new"),
        (ByLsn(lsn=399), "new"),
        (ByLsn(lsn=150), "old"),
    ],
)
def test_the_newest_base_backup_before_a_point_is_taken(point: Point, label: str) -> None:
    """The least WAL to replay."""
    assert window_for(point, BOTH, CLOCK).base.label == label


@pytest.mark.parametrize(
    ("point", "why", "proposed"),
    [
        (at(hours=-1), "lies in the future", "'latest'"),
        (at(seconds=10), "the archived WAL ends before it", "'latest'"),
        (ByTime(moment=NEW.latest or NOW), "the archived WAL ends before it", "'latest'"),
        (at(hours=11), "before the first base backup was complete", "'2026-11-24 02:00:00Z'"),
        (at(hours=3.9), "between a gap in the WAL and the next base", "'2026-11-24 07:59:59.999999Z'"),
        (at(hours=2.1), "between a gap in the WAL and the next base", "'2026-11-24 10:00:00Z'"),
        (ByLsn(lsn=50), "before the first base backup was complete", "'lsn:0/64'"),
        (ByLsn(lsn=250), "the WAL without a gap ends at 0/190", None),
        (ByLsn(lsn=400), "the WAL without a gap ends at 0/190", "'latest'"),
    ],
)
def test_a_point_outside_is_refused_with_the_nearest(point: Point, why: str, proposed: str | None) -> None:
    """Said before anything stops, with the windows; what is proposed is taken when it is typed."""
    with pytest.raises(PreconditionError) as refused:
        window_for(point, BOTH, CLOCK)
    assert why in refused.value.what
    assert "base backup old" in refused.value.hint
    last = refused.value.hint.splitlines()[-1]
    if proposed:
        assert proposed in last
    window_for(parse_point(last.split("'")[1], CLOCK), BOTH, CLOCK)


def test_a_year_typed_wrong_is_recognised() -> None:
    """The same day of this year is proposed; in a window that knows no such day it is not."""
    wrong = ByTime(moment=(NOW - timedelta(hours=1)).replace(year=2025))
    with pytest.raises(PreconditionError) as refused:
        window_for(wrong, BOTH, CLOCK)
    assert "is the year right? --to '2026-11-24 11:00:00Z' is 1 h before now" in refused.value.hint
    leap = ByTime(moment=datetime(2024, 2, 29, tzinfo=UTC))
    with pytest.raises(PreconditionError) as refused:
        window_for(leap, BOTH, CLOCK)
    assert "the nearest that can be brought back: --to '2026-11-24 02:00:00Z'" in refused.value.hint


def test_a_base_backup_whose_own_wal_is_not_archived_yet_holds_nothing() -> None:
    """Before its end the copy is no database: the one before it is taken, or it is said."""
    young = a_window("young", NOW - timedelta(minutes=9), None, lsns=(500, 450))
    for point in (Latest(), ByName(name="x"), at(minutes=5), ByLsn(lsn=440)):
        with pytest.raises(PreconditionError, match="not archived to the base backup's own end") as refused:
            window_for(point, (young,), CLOCK)
        assert "brings nothing back" in refused.value.hint
        assert "--to dump" in refused.value.hint
    assert window_for(Latest(), (young, *BOTH), CLOCK) is NEW
    with pytest.raises(PreconditionError):
        window_for(Latest(), (young, *BOTH), CLOCK, base="young")


def test_a_base_backup_can_be_named() -> None:
    """Then no other is taken, and a wrong label is answered with the right ones."""
    assert window_for(Latest(), BOTH, CLOCK, base="old") is OLD
    with pytest.raises(PreconditionError, match="no base backup 'x'") as refused:
        window_for(Latest(), BOTH, CLOCK, base="x")
    assert "new, old" in refused.value.hint
    with pytest.raises(PreconditionError):
        window_for(at(hours=5), BOTH, CLOCK, base="new")


def test_without_a_base_backup_the_other_route_is_named() -> None:
    """WAL alone brings nothing back."""
    with pytest.raises(PreconditionError, match="no base backup") as refused:
        window_for(Latest(), (), CLOCK)
    assert "--to dump" in refused.value.hint


def test_where_the_last_commit_is_not_known_now_is_the_end() -> None:
    """A keeper may not tell it: then the recovery itself has to find out."""
    window = a_window("new", NOW - timedelta(hours=2), None)
    assert window_for(at(seconds=5), (window,), CLOCK) is window
    with pytest.raises(PreconditionError, match="future") as refused:
        window_for(at(seconds=-5), (window,), CLOCK)
    assert "'latest'" in refused.value.hint.splitlines()[-1]
    assert "to position 0/C8; the time of its last commit is not known" in "\n".join(
        window_lines((window,), CLOCK)
    )


def test_the_first_moment_told_is_a_whole_second_that_is_taken() -> None:
    """What is shown can be typed."""
    window = a_window("new", NOW - timedelta(hours=2) + timedelta(microseconds=1), NOW)
    shown = window_lines((window,), CLOCK)[1]
    assert "2026-11-24 10:00:01 UTC" in shown
    assert window_for(parse_point("2026-11-24 10:00:01Z", CLOCK), (window,), CLOCK) is window


def test_a_gap_is_told() -> None:
    """What lies after it cannot be brought back from this base backup."""
    assert "WAL file 000000010000000000000009 is missing" in "\n".join(window_lines(BOTH, CLOCK))


def test_of_two_timelines_of_one_base_backup_the_newest_is_taken_and_both_are_told() -> None:
    """After a recovery the WAL goes on in two directions."""
    newer = replace(NEW, timeline=2)
    assert window_for(Latest(), (newer, NEW), CLOCK) is newer
    told = "\n".join(window_lines((newer, NEW), CLOCK))
    assert "WAL of timeline 2 bring back" in told
    assert "WAL of timeline 1 bring back" in told


@given(
    back=st.integers(-5_000_000, 5_000_000),
    spans=st.lists(st.tuples(st.integers(1, 90_000), st.integers(1, 90_000)), min_size=1, max_size=4),
)
def test_what_is_proposed_for_a_refused_time_is_taken(back: int, spans: list[tuple[int, int]]) -> None:
    """For any windows and any moment."""
    windows: list[Window] = []
    end = NOW
    for length, gap in spans:
        first = end - timedelta(seconds=length)
        windows.append(a_window(f"b{len(windows)}", first, end))
        end = first - timedelta(seconds=gap)
    point = ByTime(moment=NOW - timedelta(seconds=back))
    try:
        found = window_for(point, windows, CLOCK)
    except PreconditionError as refused:
        window_for(parse_point(refused.hint.splitlines()[-1].split("'")[1], CLOCK), windows, CLOCK)
    else:
        assert found.latest is not None
        assert found.earliest <= point.moment < found.latest


def test_a_timeline_that_was_left_behind_is_told_and_can_be_named() -> None:
    """After a recovery that stopped too early the newer timeline holds the moment, but not its rows."""
    left = replace(NEW, timeline=2, latest=NOW - timedelta(minutes=30), latest_lsn=350)
    came = replace(NEW, timeline=3)
    windows = (came, left, OLD)
    point = at(minutes=40)
    assert window_for(point, windows, CLOCK) == came
    assert left_aside(point, came, windows, CLOCK) == (
        "timeline 2 holds this point too, and may have commits that timeline 3, which is taken, has not; "
        "to have those: --base new@2"
    )
    assert "new@2" in left_aside(ByLsn(lsn=340), came, windows, CLOCK)
    assert window_for(point, windows, CLOCK, base="new@2") == left
    assert window_for(point, windows, CLOCK, base="new") == came
    for other in (at(minutes=20), ByLsn(lsn=360), Latest(), ByName(name="x")):
        assert left_aside(other, came, windows, CLOCK) == ""
    with pytest.raises(PreconditionError, match="no base backup 'new@4'") as refused:
        window_for(point, windows, CLOCK, base="new@4")
    assert "new@3, new@2, old" in refused.value.hint
