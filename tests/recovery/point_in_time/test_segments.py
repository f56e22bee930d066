"""Names, numbers and timelines of the write-ahead log, against PostgreSQL's own arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.recovery.point_in_time.segments import (
    MAX_LSN,
    MAX_TIMELINE,
    History,
    Segment,
    Switch,
    history_from,
    history_timeline,
    last_number_before,
    lsn_of,
    lsn_text,
    number_of,
    read_history,
    segment_named,
    valid_segment_size,
)
from tests.recovery.small_cluster import Cluster

SIZES = st.sampled_from([1 << power for power in range(20, 31)])
LSNS = st.integers(min_value=0, max_value=MAX_LSN)
TIMELINES = st.integers(min_value=1, max_value=MAX_TIMELINE)
MB16 = 16 << 20
TWO = History(timeline=2, switches=(Switch(timeline=1, lsn=MB16 * 5 + 100),))
THREE = History(
    timeline=3, switches=(Switch(timeline=1, lsn=MB16 * 5 + 100), Switch(timeline=2, lsn=MB16 * 7))
)


@given(LSNS)
def test_a_position_is_read_back_as_it_was_written(lsn: int) -> None:
    """Text and number are the same position."""
    assert lsn_of(lsn_text(lsn)) == lsn


@pytest.mark.parametrize("text", ["", "0", "0/", "/0", "0/123456789", "g/0", "0/0 ", "-1/0", "0/0\n"])
def test_what_is_no_position_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="no WAL position"):
        lsn_of(text)


@given(TIMELINES, LSNS, SIZES)
def test_a_segments_name_is_read_back_as_the_segment(timeline: int, lsn: int, size: int) -> None:
    """And it holds the byte that it was asked for."""
    segment = Segment(timeline=timeline, number=number_of(lsn, size))
    assert segment_named(segment.name(size), size) == segment
    assert segment.start(size) <= lsn < segment.end(size)


@given(st.text(alphabet="0123456789ABCDEFabcdef.", max_size=30), SIZES)
def test_any_text_is_a_segments_own_name_or_none(text: str, size: int) -> None:
    """Two names never mean one segment."""
    segment = segment_named(text, size)
    assert segment is None or segment.name(size) == text


@given(st.integers(min_value=1, max_value=MAX_LSN), SIZES)
def test_the_end_of_a_segment_belongs_to_it(lsn: int, size: int) -> None:
    """A position at a segment's border is the end of the one before."""
    assert last_number_before(lsn, size) == number_of(lsn - 1, size)


@pytest.mark.postgres
def test_names_are_those_that_postgresql_gives(cluster: Cluster) -> None:
    """pg_walfile_name() of the running server (which counts a border to the segment before)."""
    with cluster.admin() as connection:
        row = connection.execute("SELECT pg_size_bytes(current_setting('wal_segment_size'))").fetchone()
        assert row
        size = int(row[0])
        for lsn in (1, size, size + 1, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, 0x16B374D848, (1 << 60) + 77):
            told = connection.execute("SELECT pg_walfile_name(%s::pg_lsn)", (lsn_text(lsn),)).fetchone()
            assert told
            name = str(told[0])
            segment = segment_named(name, size)
            assert segment is not None
            assert segment.number in {number_of(lsn, size), last_number_before(lsn, size)}
            assert segment.name(size) == name


@pytest.mark.parametrize(
    ("size", "valid"),
    [(1 << 20, True), (MB16, True), (1 << 30, True), (1 << 19, False), (1 << 31, False), (MB16 + 1, False)],
)
def test_sizes_are_powers_of_two_within_initdbs_bounds(size: int, valid: bool) -> None:
    """1 MB to 1 GB."""
    assert valid_segment_size(size) is valid


def test_a_history_is_read_with_its_comments_and_reasons() -> None:
    """As the server writes it: parent, position, reason; empty lines and comments between."""
    text = "# comment\n1\t0/5000064\tno recovery target specified\n\n2\t0/7000000\tbefore 2026-01-01\n"
    assert read_history(3, text) == THREE
    assert read_history(2, "1\t0/5000064\n") == TWO


@pytest.mark.parametrize(
    "text",
    [
        "1 0/50 x\n1 0/60 x\n",
        "2 0/50\n1 0/60\n",
        "1 0/60\n2 0/50\n",
        "3 0/50\n",
        "0 0/50\n",
        "one 0/50\n",
        "1\n",
        "1 0/xyz\n",
    ],
)
def test_a_history_that_makes_no_sense_is_refused(text: str) -> None:
    """Timelines and positions ascend, and a timeline comes after its ancestors."""
    with pytest.raises(ValueError, match=r".+"):
        read_history(3, text)


@given(st.text(max_size=200))
def test_any_text_is_a_history_or_a_value_error(text: str) -> None:
    """A stranger's file breaks nothing."""
    try:
        read = read_history(9, text)
    except ValueError:
        return
    assert read.timeline == 9


@pytest.mark.parametrize(
    ("name", "timeline"),
    [
        ("00000002.history", 2),
        ("0000000A.history", 10),
        ("00000000.history", None),
        ("2.history", None),
        ("00000002.history.gz", None),
        ("0000000a.history", None),
    ],
)
def test_names_of_histories(name: str, timeline: int | None) -> None:
    """Eight capital digits."""
    assert history_timeline(name) == timeline


def test_each_segment_is_read_from_the_newest_timeline_that_has_it() -> None:
    """The segment in which a timeline was left is read from the next one."""
    assert [THREE.timeline_at(number, MB16) for number in range(4, 9)] == [1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("history", "timeline", "lsn", "held"),
    [
        (TWO, 1, MB16, True),
        (TWO, 1, MB16 * 5 + 100, True),
        (TWO, 1, MB16 * 5 + 101, False),
        (TWO, 2, MB16 * 5, False),
        (TWO, 2, MB16 * 50, True),
        (TWO, 3, MB16 * 50, False),
        (THREE, 2, MB16 * 7, True),
        (THREE, 2, MB16 * 7 + 1, False),
        (history_from({}, 4), 4, 1, True),
        (history_from({2: TWO}, 2), 1, 1, True),
    ],
)
def test_what_belongs_to_a_history(history: History, timeline: int, lsn: int, held: bool) -> None:
    """A base backup of a timeline that was left later than it ended leads onto the next one."""
    assert history.contains(timeline, lsn) is held


@given(st.lists(st.integers(min_value=1, max_value=10**6), min_size=1, max_size=6), SIZES)
def test_timelines_never_go_back(lengths: list[int], size: int) -> None:
    """Over any history, later segments are of the same or a later timeline."""
    lsn, switches = 0, []
    for number, length in enumerate(lengths):
        lsn += length * size // 3
        switches.append(Switch(timeline=number + 1, lsn=lsn))
    history = History(timeline=len(lengths) + 1, switches=tuple(switches))
    last = number_of(lsn, size)
    numbers = [0, last // 2, max(0, last - 1), last, last + 1]
    timelines = [history.timeline_at(number, size) for number in numbers]
    assert timelines == sorted(timelines)
    assert timelines[-1] == history.timeline
