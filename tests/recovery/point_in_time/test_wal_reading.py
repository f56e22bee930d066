"""Reading WAL for whichever keeper: each file is held against what it must be before it is decoded."""

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time.model import ByLsn, Latest
from aihummer_drtui.recovery.point_in_time.segment_header import Expected
from aihummer_drtui.recovery.point_in_time.segments import Segment
from aihummer_drtui.recovery.point_in_time.wal_reading import Fetch, WalReader
from aihummer_drtui.recovery.point_in_time.waldump import Waldump
from aihummer_drtui.recovery.reporting import Reporter

SIZE = 1 << 20
FIVE, SIX = Segment(timeline=1, number=5), Segment(timeline=1, number=6)
SILENT = Reporter.silent()


def page(segment: Segment, *, system: int = 77, rest: int = 0) -> bytes:
    """A WAL file that begins as this one must."""
    start = segment.start(SIZE)
    return struct.pack("=HHIQI4xQII", 0xD116, 2, 1, start, rest, system, SIZE, 8192).ljust(SIZE, b"\0")


def reader(
    files: Mapping[Segment, bytes], pg_waldump: str = "/bin/true", fetch: Fetch | None = None
) -> WalReader:
    """A reader of these files."""
    by_name = {segment.name(SIZE): content for segment, content in files.items()}

    def given(name: str, place: Path) -> bool:
        if name in by_name:
            place.write_bytes(by_name[name])
        return name in by_name

    return WalReader(
        waldump=Waldump(program=Path(pg_waldump), account=present_account(), size=SIZE),
        fetch=fetch or given,
        expected=Expected(system_identifier=77, server_major=17, size=SIZE),
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (page(SIX, system=78), "of another cluster"),
        (page(FIVE), "holds position 0/500000"),
        (page(SIX)[:-8192], "it has 1040384 bytes"),
        (b"\0" * SIZE, "no page of WAL"),
    ],
)
def test_a_file_of_another_place_is_of_no_use(content: bytes, told: str) -> None:
    """pg_waldump does not look whose a file is, and other keepers may hand out anything."""
    with pytest.raises(FailedError, match=f"WAL file {SIX.name(SIZE)} is of no use: .*{told}"):
        reader({FIVE: page(FIVE), SIX: content}).prove([FIVE, SIX], 0, Latest(), SILENT)


def test_a_file_that_is_gone_is_named() -> None:
    """It was listed, and somebody removed it."""
    with pytest.raises(PreconditionError, match=f"WAL file {SIX.name(SIZE)} is listed and not in"):
        reader({FIVE: page(FIVE)}).prove([FIVE, SIX], 0, Latest(), SILENT)


def test_a_file_in_the_middle_of_a_record_is_not_decoded_alone() -> None:
    """A record may be longer than a file: what is in it is decoded with the file that it begins in."""
    files = {FIVE: page(FIVE), SIX: page(SIX, rest=SIZE)}
    with pytest.raises(FailedError, match=f"{FIVE.name(SIZE)} is damaged"):
        reader(files, "/bin/false").prove([FIVE, SIX], 0, Latest(), SILENT)
    reader(files, "/bin/false").prove([SIX], 0, Latest(), SILENT)


def test_a_position_beyond_the_files_is_refused_unread() -> None:
    """Hours of reading would end in the same words."""
    with pytest.raises(PreconditionError, match="no position 0/700000"):
        reader({}).prove([FIVE, SIX], 0, ByLsn(lsn=7 * SIZE), SILENT)


def test_a_file_of_no_use_has_no_last_commit() -> None:
    """The window then ends earlier or its end is not known; it is never later than what was read."""
    assert reader({FIVE: page(FIVE), SIX: b""}).last_commit([FIVE, SIX]) is None


def test_what_the_archive_leads_to_and_is_gone_is_told(tmp_path: Path) -> None:
    """Between the look and the reading the medium went away."""

    def fetch(_: str, place: Path) -> bool:
        place.symlink_to(tmp_path / "gone")
        return True

    found = reader({}, fetch=fetch)
    with pytest.raises(FailedError, match="cannot be read"):
        found.prove([FIVE], 0, Latest(), SILENT)
