"""The first page of a WAL file: whose it is and how large; anything else is none."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.recovery.point_in_time.segment_header import read_header

SIXTEEN = 16 * 1024 * 1024


def header(
    *, magic: int = 0xD110, info: int = 6, rest: int = 0, size: int = SIXTEEN, block: int = 8192
) -> bytes:
    """The start of a WAL file of PostgreSQL 15."""
    return struct.pack("=HHIQI4xQII", magic, info, 1, 0x3000000, rest, 7711838272062186692, size, block)


def test_a_header_tells_cluster_and_size() -> None:
    """As the first page of every WAL file has it."""
    found = read_header(header())
    assert found is not None
    assert (found.system_identifier, found.size) == (7711838272062186692, SIXTEEN)
    assert (found.address, found.begins_no_record) == (0x3000000, False)


@pytest.mark.parametrize(("rest", "none"), [(0, False), (SIXTEEN - 100_000, False), (SIXTEEN, True)])
def test_a_record_may_fill_a_whole_file(rest: int, none: bool) -> None:
    """One that began earlier: then there is nothing in the file that could be decoded alone."""
    found = read_header(header(rest=rest))
    assert found is not None
    assert found.begins_no_record is none


@pytest.mark.parametrize(
    "data",
    [
        *(b"", header()[:39], header(info=0), header(magic=0xBEEF)),
        *(header(size=SIXTEEN + 1), header(block=1000), header(size=0)),
    ],
)
def test_what_makes_no_sense_is_no_header(data: bytes) -> None:
    """A short page, a cut file, or sizes that initdb does not make."""
    assert read_header(data) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """It is the first thing that is looked at in a foreign file."""
    found = read_header(data)
    assert found is None or found.size >= 1024 * 1024
