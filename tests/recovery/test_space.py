"""Parts of a recovery are measured where they will lie; what is not known is never called enough."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.space import Part, measured, refuse_too_little
from tests.recovery.small_disk import small_disk

MB = 1_000_000


def test_parts_of_one_file_system_are_added_up_and_others_are_not(tmp_path: Path) -> None:
    """Two that fit alone and not together are short; a third elsewhere is measured there."""
    with small_disk(tmp_path / "disk", "size=10m") as disk:
        for name in ("data", "blobs"):
            (disk / name).mkdir()
        data = Part(name="database", place=disk / "data" / "not" / "there" / "yet", size=6 * MB)
        blobs = Part(name="blobs", place=disk / "blobs", size=6 * MB)
        other = Part(name="gateway.env", place=tmp_path, size=1)
        assert not measured([data, other]).short
        space = measured([data, other, blobs])
        (short,) = space.short
        assert (short.needed, [part.name for part in short.parts]) == (12 * MB, ["database", "blobs"])
        assert len(space.file_systems) == 2
        with pytest.raises(
            PreconditionError, match=r"12 MB needed \(database 6 MB, blobs 6 MB\), 10\.5 MB free"
        ):
            refuse_too_little(space, where="here")


def test_inodes_run_out_before_bytes(tmp_path: Path) -> None:
    """A million small blobs."""
    with small_disk(tmp_path / "disk", "size=10m", "nr_inodes=20") as disk:
        space = measured([Part(name="blobs", place=disk, size=1, inodes=30)])
        assert "30 inodes needed, 19 free" in str(space.short[0])
        assert not measured([Part(name="blobs", place=disk, size=1, inodes=5)]).short


def test_a_link_leads_to_the_file_system_that_it_leads_to(tmp_path: Path) -> None:
    """As pg_wal often is one."""
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        (tmp_path / "link").symlink_to(disk)
        assert measured([Part(name="log", place=tmp_path / "link", size=2 * MB)]).short


@pytest.mark.parametrize(
    "part",
    [
        Part(name="database", place=None, size=5, unknown="the server is on another host"),
        Part(name="database", place=Path("/"), size=5, unknown="its size was not sealed"),
        Part(name="database", place=Path("/proc/self/cmdline/x"), size=5),
        Part(name="database", place=Path("/" + "x" * 300), size=5),
    ],
)
def test_what_cannot_be_known_is_said_and_not_counted(part: Part) -> None:
    """Neither short nor enough."""
    space = measured([part])
    assert (space.file_systems, space.short) == ((), ())
    (doubt,) = space.doubts
    assert doubt.startswith("space for database is unproven: ")
    refuse_too_little(space, where="here")


def test_free_is_what_an_ordinary_account_may_write(tmp_path: Path) -> None:
    """The reserve of the superuser does not help the server's account."""
    (found,) = measured([Part(name="x", place=tmp_path)]).file_systems
    seen = os.statvfs(tmp_path)
    assert abs(found.free - seen.f_bavail * seen.f_frsize) < 1_000_000_000
