"""The first page of a WAL file: whose it is and how large; anything else is none."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.point_in_time.keeper_program import present_account
from aihummer_drtui.recovery.point_in_time.model import ByTime, Latest
from aihummer_drtui.recovery.point_in_time.recovery_settings import quoted, settle, target_lines
from aihummer_drtui.recovery.point_in_time.wal_archive_view import view_of
from aihummer_drtui.recovery.point_in_time.wal_reading import SegmentHeader, read_header
from aihummer_drtui.recovery.target import Target

SIXTEEN = 16 * 1024 * 1024


def header(
    *, info: int = 6, system: int = 7711838272062186692, size: int = SIXTEEN, block: int = 8192
) -> bytes:
    """The start of a WAL file of PostgreSQL 15."""
    return struct.pack("<HHIQIxxxxQII", 0xD110, info, 1, 0x3000000, 0, system, size, block)


def test_a_header_tells_cluster_and_size() -> None:
    """As the first page of every WAL file has it."""
    assert read_header(header()) == SegmentHeader(system_identifier=7711838272062186692, size=SIXTEEN)


@pytest.mark.parametrize(
    "data", [b"", header()[:39], header(info=0), header(size=SIXTEEN + 1), header(block=1000), header(size=0)]
)
def test_what_makes_no_sense_is_no_header(data: bytes) -> None:
    """A short page, a cut file, or sizes that initdb does not make."""
    assert read_header(data) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """It is the first thing that is looked at in a foreign file."""
    found = read_header(data)
    assert found is None or found.size >= 1024 * 1024


def test_a_damaged_sample_does_not_hide_the_other_files() -> None:
    """One of the files tells the size; only where none can be had is it a fault."""
    names = ["000000010000000000000001", "000000010000000000000002", "00000002.history"]

    def fetch(name: str, place: Path) -> bool:
        if name == names[0]:
            raise FailedError("damaged", hint="h")
        place.write_bytes(header(size=1 << 20) if name == names[1] else b"no history")
        return True

    account = present_account()
    view = view_of(names, sample=names[0], fetch=fetch, account=account, target=Target())
    assert (view.size, view.histories) == (1 << 20, {})
    with pytest.raises(FailedError, match="damaged"):
        view_of(names[:1], sample="", fetch=fetch, account=account, target=Target())
    gone = view_of(names, sample="", fetch=lambda _, __: False, account=account, target=Target())
    assert gone.header is None


def test_a_recovery_without_a_way_to_wal_is_refused(tmp_path: Path) -> None:
    """And so is a folder that cannot be written to."""
    (tmp_path / "postgresql.auto.conf").write_text("recovery_target_name = 'old'\n")
    with pytest.raises(FailedError, match="no restore_command"):
        settle(tmp_path, Latest(), timeline=2, account=present_account())
    with pytest.raises(FailedError, match="could not be written"):
        settle(tmp_path / "gone", Latest(), timeline=2, account=present_account())


def test_targets_are_written_as_postgresql_reads_them() -> None:
    """Times in UTC, with the zone; quotes and backslashes doubled."""
    from datetime import datetime

    moment = datetime.fromisoformat("2026-11-24 21:31:12.633314+01:00")
    assert target_lines(ByTime(moment=moment), timeline=3) == [
        "recovery_target_time = '2026-11-24 20:31:12.633314+00:00'",
        "recovery_target_action = 'promote'",
        "recovery_target_timeline = '3'",
    ]
    assert quoted("o'brien \\ x") == "'o''brien \\\\ x'"
