"""A mount point is known for one, whatever it is called and wherever its files really lie."""

from pathlib import Path

import pytest

from aihummer_drtui.recovery.mounts import is_mount_point, mounts
from tests.recovery.small_disk import bind_mount, small_disk


def test_a_file_system_and_a_bind_mount_are_mount_points(tmp_path: Path) -> None:
    """The second has the device of its parent, as a container's volume on the host's disk has."""
    (tmp_path / "plain").mkdir()
    assert not is_mount_point(tmp_path / "plain")
    assert not is_mount_point(tmp_path / "missing")
    with small_disk(tmp_path / "disk", "size=1m") as disk:
        assert is_mount_point(disk)
    with bind_mount(tmp_path / "plain") as bound:
        assert bound.stat().st_dev == tmp_path.stat().st_dev
        assert is_mount_point(bound)
        (tmp_path / "link").symlink_to(tmp_path)
        assert is_mount_point(tmp_path / "link" / "plain")


@pytest.mark.parametrize("name", ["a b\\c", "Größe", "b\udcffd"])
def test_a_name_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    """Blanks and backslashes are escaped in the table, letters beyond ASCII and stray bytes are not."""
    (tmp_path / name).mkdir()
    with bind_mount(tmp_path / name) as bound:
        assert is_mount_point(bound)
        assert bound in [mount.point for mount in mounts()]
