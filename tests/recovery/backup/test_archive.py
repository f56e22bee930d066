"""The header of a dump is read for what it says, and for nothing more."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.archive import ArchiveHeader, read_header


def _number(value: int) -> bytes:
    return bytes([value < 0]) + abs(value).to_bytes(4, "little")


def _text(value: str) -> bytes:
    return _number(len(value)) + value.encode()


def header(server: str = "17.10 (Debian 17.10-1)", kind: int = 1, minor: int = 16) -> bytes:
    """A header as pg_dump writes it: 2026-11-23 01:25:43 by the host's clock, no summer time."""
    compression = b"\x01" if minor >= 15 else _number(-1)
    moment = b"".join(map(_number, (43, 25, 1, 23, 10, 126, 0)))
    return (
        b"PGDMP"
        + bytes([1, minor, 0, 4, 8, kind])
        + compression
        + moment
        + _text("aihummer")
        + _text(server)
        + _text("17.11")
    )


def _read(data: bytes) -> ArchiveHeader:
    descriptor = os.memfd_create("dump")
    try:
        os.write(descriptor, data)
        return read_header(descriptor, where="test.dump")
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("minor", [10, 14, 15, 16])
def test_time_database_and_versions_are_read(minor: int) -> None:
    """Whatever the release of pg_dump; its compression field changed with archive version 1.15."""
    found = _read(header(minor=minor))
    assert found.created == datetime(2026, 11, 23, 1, 25, 43).astimezone(UTC)
    assert (found.database, found.pg_dump_version) == ("aihummer", "17.11")
    assert found.server_version_num == 170_010


@pytest.mark.parametrize(
    ("version", "number"),
    [("16.4", 160_004), ("18beta1", 180_000), ("9.6.24", 90_600), ("EnterpriseDB", 0)],
)
def test_server_versions_become_numbers(version: str, number: int) -> None:
    """As PostgreSQL counts them."""
    assert _read(header(version)).server_version_num == number


@pytest.mark.parametrize(
    "data",
    [b"", b"--\n-- PostgreSQL database dump\n", b"PGDMP", header(kind=3), header(kind=5), header(minor=2)],
)
def test_d03_anything_else_is_refused(data: bytes) -> None:
    """Plain SQL, tar, a directory's table of contents, half a header."""
    with pytest.raises(PreconditionError):
        _read(data)


@given(position=st.integers(5, 60), value=st.integers(0, 255))
def test_d03_no_damage_does_more_than_refuse(position: int, value: int) -> None:
    """A header of garbage gives a message or a value, never another error, and no memory is taken for it."""
    data = bytearray(header())
    data[position] = value
    with suppress(PreconditionError):
        _read(bytes(data))


def test_the_fixture_is_what_pg_dump_writes(tmp_path: Path) -> None:
    """The length of a text stands before it, least byte first."""
    assert _text("ab") == b"\x00\x02\x00\x00\x00ab"
