"""Which WAL files follow a base backup: to the first that is missing, and onto the newest timeline."""

import pytest

from aihummer_drtui.recovery.point_in_time.segment_chain import USUAL_SIZE, follow
from aihummer_drtui.recovery.point_in_time.segments import History, Segment, Switch

START, END = 2 * USUAL_SIZE + 40, 3 * USUAL_SIZE
ONTO_TWO = History(timeline=2, switches=(Switch(timeline=1, lsn=5 * USUAL_SIZE + 99),))
BEFORE_IT = History(timeline=3, switches=(Switch(timeline=1, lsn=2 * USUAL_SIZE + 50),))


def files(timeline: int, *numbers: int) -> set[Segment]:
    """Segments of a timeline."""
    return {Segment(timeline=timeline, number=number) for number in numbers}


@pytest.mark.parametrize(
    ("present", "histories", "end", "timeline", "gap"),
    [
        (files(1, 1, 2, 3, 4), {}, 5, 1, ""),
        (files(1, 2, 3, 5), {}, 4, 1, "000000010000000000000004"),
        (files(1, 1), {}, None, 1, ""),
        (files(1, 3, 4), {}, None, 1, "000000010000000000000002"),
        (set(), {}, None, 1, ""),
        # The switch's own file is the later timeline's; what the old one wrote after it counts for nothing.
        (files(1, 2, 3, 4, 5, 6, 7) | files(2, 5, 6), {2: ONTO_TWO}, 7, 2, ""),
        (files(1, 2, 3, 4) | files(2, 5, 7), {2: ONTO_TWO}, 6, 2, "000000020000000000000006"),
        # Its first file is missing: the backup's own timeline is what there is.
        (files(1, 2, 3, 4, 5) | files(2, 6), {2: ONTO_TWO}, 6, 1, ""),
        # All of the old timeline is missing up to where the later one begins: that is a gap.
        (files(1, 2) | files(2, 5, 6), {2: ONTO_TWO}, 3, 1, "000000010000000000000003"),
        # A sibling's files, which left before, lead through none of ours.
        (files(1, 2, 3) | files(3, 2, 3, 4, 5, 6), {3: BEFORE_IT}, 4, 1, ""),
        # Left before the backup was whole: it does not lead there.
        (files(1, 2, 3) | files(3, 2, 3, 4), {3: BEFORE_IT}, 4, 1, ""),
    ],
)
def test_the_chain_ends_where_the_files_do(
    present: set[Segment], histories: dict[int, History], end: int | None, timeline: int, gap: str
) -> None:
    """Its end is a file's end, or the backup's start where there is none."""
    chain = follow(
        timeline=1, start_lsn=START, end_lsn=END, present=present, histories=histories, size=USUAL_SIZE
    )
    assert (chain.end_lsn, chain.timeline, chain.gap) == (
        START if end is None else end * USUAL_SIZE,
        timeline,
        gap,
    )
    assert len(chain.segments) == (0 if end is None else end - 2)
