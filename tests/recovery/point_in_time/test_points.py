"""An operator's words for a point: read as one moment or refused, and told back so that a slip is seen."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import UsageError
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point
from aihummer_drtui.recovery.point_in_time.points import Clock, echo, parse_point, spelled
from aihummer_drtui.recovery.point_in_time.segments import parse_lsn

BERLIN = Clock(
    now=datetime(2026, 11, 24, 6, 24, 45, tzinfo=UTC),
    zone=ZoneInfo("Europe/Berlin"),
    zone_name="Europe/Berlin",
)
UNIVERSAL = Clock(now=BERLIN.now, zone=UTC, zone_name="UTC")
MOMENT = datetime(2026, 11, 24, 3, 12, 45, tzinfo=UTC)
MOMENTS = st.datetimes(min_value=datetime(1972, 1, 1), max_value=datetime(9000, 1, 1))  # noqa: DTZ001
POINTS: st.SearchStrategy[Point] = st.one_of(
    st.just(Latest()),
    st.builds(ByLsn, lsn=st.integers(0, 2**64 - 1)),
    st.builds(
        ByName,
        name=st.text(
            st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=15
        ).filter(lambda name: name.isprintable()),
    ),
    st.builds(ByTime, moment=MOMENTS.map(lambda bare: bare.replace(tzinfo=UTC))),
)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24 03:12:45Z",
        "2026-11-24T03:12:45Z",
        "2026-11-24 03:12:45 UTC",
        "2026-11-24 03:12:45 GMT",
        "2026-11-24 04:12:45+01",
        "2026-11-24T04:12:45+01:00",
        "2026-11-24 04:12:45 +0100",
        "2026-11-23 22:42:45-04:30",
        "2026-11-24 04:12:45 Europe/Berlin",
        "  2026-11-24 03:12:45.000Z ",
        "2026-11-24 03:12:45,0Z",
    ],
)
def test_one_moment_in_many_spellings(text: str) -> None:
    """ISO 8601 and what PostgreSQL's log shows, with offset, Z or region."""
    assert parse_point(text, UNIVERSAL) == ByTime(moment=MOMENT)


def test_seconds_may_be_left_out_and_broken() -> None:
    """A minute is its first instant; a fraction is kept to the microsecond."""
    assert parse_point("2026-11-24 03:12Z", BERLIN) == ByTime(moment=MOMENT.replace(second=0))
    assert parse_point("2026-11-24 03:12:45.25Z", BERLIN) == ByTime(
        moment=MOMENT.replace(microsecond=250_000)
    )


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("latest", Latest()),
        ("lsn:0/3000060", ByLsn(lsn=0x3000060)),
        ("lsn:1A/ff", ByLsn(lsn=0x1A000000FF)),
        ("name:before-upgrade", ByName(name="before-upgrade")),
        ("name:vor dem Umzug: Stufe 2", ByName(name="vor dem Umzug: Stufe 2")),
    ],
)
def test_points_that_are_no_time(text: str, point: Point) -> None:
    """Latest, positions of the log, named restore points."""
    assert parse_point(text, BERLIN) == point


@given(point=POINTS)
def test_what_is_spelled_is_read_as_the_same(point: Point) -> None:
    """A proposal can be pasted back."""
    assert parse_point(spelled(point), BERLIN) == point


@given(
    bare=MOMENTS,
    offset=st.integers(-12 * 60, 14 * 60),
)
def test_any_offset_names_the_same_moment(bare: datetime, offset: int) -> None:
    """What isoformat writes, in any zone, is read as that instant."""
    moment = bare.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert parse_point(moment.isoformat(), BERLIN) == ByTime(moment=moment)


@given(bare=MOMENTS)
def test_no_time_without_its_zone_is_taken(bare: datetime) -> None:
    """Whatever the time: it is refused, and each reading proposed is one that is then taken."""
    with pytest.raises(UsageError, match="names no time zone") as refused:
        parse_point(bare.isoformat(sep=" "), BERLIN)
    proposed = refused.value.hint.split("'")[1::2]
    assert 1 <= len(proposed) <= 3
    read = [parse_point(each, BERLIN) for each in proposed]
    assert len(set(read)) == len(read)
    assert read[-1] == ByTime(moment=bare.replace(tzinfo=UTC))


def test_a_time_without_zone_is_told_in_both_readings() -> None:
    """This host's zone and UTC, each relative to now: the one that was meant is recognised."""
    with pytest.raises(UsageError) as refused:
        parse_point("2026-11-24 04:12:45", BERLIN)
    assert refused.value.hint.splitlines() == [
        "say which is meant:",
        "  '2026-11-24 04:12:45+01:00'",
        "    = 2026-11-24 03:12:45 UTC (04:12:45 Europe/Berlin), 3 h 12 min before now",
        "  '2026-11-24 04:12:45Z'",
        "    = 2026-11-24 04:12:45 UTC (05:12:45 Europe/Berlin), 2 h 12 min before now",
    ]
    with pytest.raises(UsageError) as refused:
        parse_point("2026-11-24 04:12:45", UNIVERSAL)
    assert refused.value.hint.count("'") == 2


def test_the_hour_that_happened_twice_is_asked_for() -> None:
    """In October a region's clock shows an hour twice, in March one never."""
    with pytest.raises(UsageError, match="twice") as refused:
        parse_point("2026-10-25 02:30:00 Europe/Berlin", BERLIN)
    assert "+02:00" in refused.value.hint
    assert "+01:00" in refused.value.hint
    with pytest.raises(UsageError, match="never showed"):
        parse_point("2026-03-29 02:30:00 Europe/Berlin", BERLIN)
    with pytest.raises(UsageError) as zoneless:
        parse_point("2026-10-25 02:30:00", BERLIN)
    assert zoneless.value.hint.count("'") == 6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dump",
        "now",
        "yesterday",
        "2026-11-24",
        "24.11.2026 03:12Z",
        "03:12:45Z",
        "2026-13-24 03:12:45Z",
        "2026-11-31 03:12:45Z",
        "2026-11-24 24:12:45Z",
        "2026-11-24 03:12:45 CET",
        "2026-11-24 03:12:45 Europe/Atlantis",
        "2026-11-24 03:12:45 ../../etc/passwd",
        "2026-11-24 03:12:45+25",
        "2026-11-24 03:12:45+01:75",
        "0026-11-24 03:12:45Z",
        "9999-12-31 23:59:59-12",
        "lsn:",
        "lsn:0x3000060",
        "lsn:1/2/3",
        "lsn:123456789/0",
        "name:",
        "name:\x1b[2J",
        "name:" + "ä" * 32,
        "LATEST!",
        "\uff12026-11-24 03:12:45Z",
    ],
)
def test_what_is_no_point_is_refused(text: str) -> None:
    """With how it is written, and never with control characters of the input."""
    with pytest.raises(UsageError) as refused:
        parse_point(text, BERLIN)
    assert refused.value.hint
    assert "\x1b" not in str(refused.value)


@given(text=st.text(max_size=40))
def test_nothing_but_a_usage_error_comes_of_any_text(text: str) -> None:
    """Whatever is typed: a point, or a refusal in words."""
    try:
        point = parse_point(text, BERLIN)
    except UsageError:
        return
    assert parse_point(spelled(point), BERLIN) == point


@pytest.mark.parametrize(
    ("point", "clock", "told"),
    [
        (
            ByTime(moment=MOMENT),
            BERLIN,
            "2026-11-24 03:12:45 UTC (04:12:45 Europe/Berlin), 3 h 12 min before now",
        ),
        (ByTime(moment=MOMENT), UNIVERSAL, "2026-11-24 03:12:45 UTC, 3 h 12 min before now"),
        (
            ByTime(moment=MOMENT.replace(day=23, hour=23)),
            BERLIN,
            "2026-11-23 23:12:45 UTC (2026-11-24 00:12:45 Europe/Berlin), 7 h 12 min before now",
        ),
        (ByTime(moment=BERLIN.now), UNIVERSAL, "2026-11-24 06:24:45 UTC, now"),
        (
            ByTime(moment=BERLIN.now + timedelta(hours=2)),
            UNIVERSAL,
            "2026-11-24 08:24:45 UTC, 2 h after now",
        ),
        (Latest(), BERLIN, "as far as the archived WAL goes"),
        (ByLsn(lsn=0x3000060), BERLIN, "up to and with position 0/3000060 of the write-ahead log"),
        (ByName(name="x\x1b"), BERLIN, "the restore point named x\\x1b"),
    ],
)
def test_a_point_is_told_as_a_person_checks_it(point: Point, clock: Clock, told: str) -> None:
    """In both zones and relative to now."""
    assert echo(point, clock) == told


def test_positions_are_read_as_postgresql_writes_them() -> None:
    """Two hexadecimal numbers; anything else is none."""
    assert parse_lsn("0/0") == 0
    assert parse_lsn("FFFFFFFF/FFFFFFFF") == 2**64 - 1
    assert parse_lsn("0/3000060 ") is None
