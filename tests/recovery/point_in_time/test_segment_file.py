"""One file of an archive: its first page, packed or not; laid open for the account that reads it."""

import gzip
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time.segment_file import first_page_damage, lay_open
from aihummer_drtui.recovery.point_in_time.segment_header import Expected
from aihummer_drtui.recovery.point_in_time.segments import Segment

SIZE = 1 << 20
SEGMENT = Segment(timeline=1, number=5)
EXPECTED = Expected(system_identifier=77, server_major=17, size=SIZE)


def page(
    *, magic: int = 0xD116, info: int = 2, address: int = 5 * SIZE, system: int = 77, size: int = SIZE
) -> bytes:
    """A segment whose first page says so."""
    return struct.pack("=HHIQI4xQII", magic, info, 1, address, 0, system, size, 8192).ljust(SIZE, b"\0")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (page(), ""),
        (page(info=7), ""),
        (page(magic=0xD110), "another major version than 17"),
        (page(magic=0xBEEF), "no page of WAL"),
        (page(info=1), "no page of WAL"),
        (page(system=78), "of another cluster (system identifier 78)"),
        (page(size=SIZE * 2), "segments have 2097152 bytes"),
        (page(address=6 * SIZE), "holds position 0/600000"),
        (page()[:-1], "it has 1048575 bytes"),
        (page() + b"x", "it has 1048577 bytes"),
        (b"", "it has 0 bytes"),
    ],
)
@pytest.mark.parametrize("packing", ["", ".gz"])
def test_a_header_is_held_against_what_the_file_must_be(
    tmp_path: Path, content: bytes, told: str, packing: str
) -> None:
    """Each way to be of no use in its own words, plain or packed."""
    path = tmp_path / "segment"
    path.write_bytes(gzip.compress(content, 1) if packing else content)
    found = first_page_damage(path, packing, SEGMENT, EXPECTED)
    if packing and len(content) not in {0, SIZE}:
        # Its size is seen once it is unpacked to its end.
        assert not found
    elif packing and not content:
        assert "too short" in found
    else:
        assert told in found
        assert bool(found) is bool(told)


def test_a_version_that_is_not_known_is_not_refused(tmp_path: Path) -> None:
    """A later PostgreSQL has another magic number; cluster, size and position still tell."""
    (tmp_path / "segment").write_bytes(page(magic=0xD1FF))
    later = Expected(system_identifier=77, server_major=29, size=SIZE)
    assert first_page_damage(tmp_path / "segment", "", SEGMENT, later) == ""


@pytest.mark.parametrize("packing", [".gz", ".zst", ".lz4"])
def test_packed_segments(tmp_path: Path, packing: str) -> None:
    """Whole, only its header, no such packing at all, and far too long."""
    program = {".gz": "gzip", ".zst": "zstd", ".lz4": "lz4"}[packing]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    packed = tmp_path / f"segment{packing}"
    packed.write_bytes(subprocess.run([program, "-c"], input=page(), stdout=-1, check=True).stdout)
    assert first_page_damage(packed, packing, SEGMENT, EXPECTED) == ""
    lay_open(packed, packing, tmp_path / "plain", SIZE, present_account())
    assert (tmp_path / "plain").read_bytes() == page()
    with pytest.raises(FailedError, match="longer than a WAL file"):
        lay_open(packed, packing, tmp_path / "short", SIZE // 2, present_account())
    packed.write_bytes(b"noise")
    assert first_page_damage(packed, packing, SEGMENT, EXPECTED)


def test_a_plain_segment_is_read_where_it_lies(tmp_path: Path) -> None:
    """A copy of each of a thousand files would cost more than reading them."""
    (tmp_path / "segment").write_bytes(page())
    lay_open(tmp_path / "segment", "", tmp_path / "plain", SIZE, present_account())
    assert (tmp_path / "plain").resolve() == tmp_path / "segment"


def test_no_room_to_unpack_is_told(tmp_path: Path) -> None:
    """The temporary folder may be small."""
    (tmp_path / "segment.gz").write_bytes(gzip.compress(page(), 1))
    with pytest.raises(FailedError, match="could not be unpacked"):
        lay_open(tmp_path / "segment.gz", ".gz", tmp_path / "none" / "plain", SIZE, present_account())


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """Links, pipes and what is not there."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name, told in (("pipe", "no regular file"), ("link", "no link is followed"), ("none", "opened")):
        with pytest.raises(PreconditionError, match=told):
            first_page_damage(tmp_path / name, "", SEGMENT, EXPECTED)
        with pytest.raises(PreconditionError, match=told):
            lay_open(tmp_path / name, "", tmp_path / "plain", SIZE, present_account())
