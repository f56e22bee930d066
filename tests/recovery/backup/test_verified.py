"""A set counts as verified only while it is what was read."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aihummer_drtui.recovery.backup.set import MANIFEST, open_set
from aihummer_drtui.recovery.backup.verified import (
    VERIFIED,
    forget_verified,
    read_verified,
    record_verified,
)
from tests.recovery.sealing import sealed_set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a set that was verified."""
    made = sealed_set(tmp_path / "set")
    (made / "database.dump").write_bytes(b"dump")
    assert not record_verified(open_set(made), (made / "database.dump").stat(), datetime.now(UTC))
    assert read_verified(open_set(made)) is not None
    return made


def test_a_changed_dump_is_verified_no_more(folder: Path) -> None:
    """Written again, even with the same bytes: nobody has read it since."""
    (folder / "database.dump").write_bytes(b"dump")
    os.utime(folder / "database.dump", ns=(0, 0))
    assert read_verified(open_set(folder)) is None


def test_a_set_sealed_anew_is_verified_no_more(folder: Path) -> None:
    """The record names the very manifest."""
    sealed_set(folder, set_id="another")
    assert read_verified(open_set(folder)) is None


def test_a_copy_is_not_verified(folder: Path) -> None:
    """What was copied was not read where it lies now."""
    copied = folder.with_name("copied")
    shutil.copytree(folder, copied)
    assert (copied / MANIFEST).read_bytes() == (folder / MANIFEST).read_bytes()
    assert read_verified(open_set(copied)) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000, b"x" * 200_000])
def test_a_record_that_cannot_be_read_proves_nothing(folder: Path, content: bytes) -> None:
    """Damage means unverified, and stops nothing."""
    (folder / VERIFIED).write_bytes(content)
    assert read_verified(open_set(folder)) is None


def test_a_record_can_be_taken_back(folder: Path) -> None:
    """A set that is found bad must not go on to look verified."""
    forget_verified(open_set(folder))
    forget_verified(open_set(folder))
    assert read_verified(open_set(folder)) is None


def test_a_place_that_takes_no_writes_is_told(folder: Path) -> None:
    """The verification itself holds; only its record is missing."""
    (folder / VERIFIED).unlink()
    (folder / VERIFIED).mkdir()
    (folder / VERIFIED / "x").touch()
    why = record_verified(open_set(folder), (folder / "database.dump").stat(), datetime.now(UTC))
    assert why
    assert read_verified(open_set(folder)) is None
