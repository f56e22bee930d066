"""What a WAL file's first page must say: whose it is, how large, and which position it really holds.

XLogLongPageHeaderData (src/include/access/xlog_internal.h): a file of another place is damage. Pure.
"""

import struct
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.recovery.point_in_time.segments import Segment, lsn_text, valid_segment_size

HEADER: Final = struct.Struct("=HHIQI4xQII")
_MAGICS: Final = {13: 0xD106, 14: 0xD10D, 15: 0xD110, 16: 0xD113, 17: 0xD116, 18: 0xD118}
"""XLOG_PAGE_MAGIC by major version; of another version only its first byte is known."""
_FIRST_BYTES: Final = frozenset({0xD0, 0xD1})
_LONG_HEADER: Final = 0x0002
_SHORT_SIZE: Final = 24
"""Bytes of the header of every later page."""
_BLOCKS: Final = frozenset(1024 << n for n in range(7))


@dataclass(frozen=True, kw_only=True)
class SegmentHeader:
    """What a WAL file's first page tells."""

    magic: int
    address: int
    """The position of its first byte."""
    system_identifier: int
    size: int
    """Bytes of each WAL file of this server."""
    begins_no_record: bool
    """Whether all of it belongs to a record that began in an earlier file."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a segment must be to be of use."""

    system_identifier: int
    server_major: int
    size: int


def read_header(data: bytes) -> SegmentHeader | None:
    """The header at the start of a WAL file, or None where there is none that makes sense."""
    if len(data) < HEADER.size:
        return None
    magic, info, _, address, remaining, system, size, block = HEADER.unpack(data[: HEADER.size])
    if magic >> 8 not in _FIRST_BYTES or not info & _LONG_HEADER:
        return None
    if block not in _BLOCKS or not valid_segment_size(size):
        return None
    room = size - HEADER.size - (size // block - 1) * _SHORT_SIZE
    return SegmentHeader(
        magic=magic,
        address=address,
        system_identifier=system,
        size=size,
        begins_no_record=remaining >= room,
    )


def header_damage(data: bytes, segment: Segment, expected: Expected) -> str:
    """What is wrong with the start of the file that should hold `segment`; empty = nothing."""
    if len(data) < HEADER.size:
        return "it is too short to be a WAL file"
    header = read_header(data)
    if header is None:
        return "its first page is no page of WAL"
    if header.magic != _MAGICS.get(expected.server_major, header.magic):
        return f"it is WAL of another major version than {expected.server_major}"
    if header.system_identifier != expected.system_identifier:
        return f"it is of another cluster (system identifier {header.system_identifier})"
    if header.size != expected.size:
        return f"it says that segments have {header.size} bytes instead of {expected.size}"
    if header.address != segment.start(expected.size):
        return f"it holds position {lsn_text(header.address)}, and not what its name says"
    return ""
