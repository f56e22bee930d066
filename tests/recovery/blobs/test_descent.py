"""Files are reached folder by folder, and no link on the way is followed."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.recovery.blobs.descent import Descent


def _read(descent: Descent, path: str) -> bytes:
    descriptor = descent.open(path)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def test_files_of_any_folder_are_reached_in_any_order(tmp_path: Path) -> None:
    """To and fro, deeper and back; every descriptor is given back."""
    for path in ("top", "a/one", "a/b/two", "c/three"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Descent(tmp_path) as descent:
        for path in ("a/b/two", "a/one", "top", "a/one", "c/three", "a/b/two"):
            assert _read(descent, path) == path.encode()
        for missing in ("a/none", "no/such/folder", "top/below"):
            with pytest.raises(OSError, match=r"No such|Not a dir"):
                descent.open(missing)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("path", ["link/secret", "file"])
def test_no_link_is_followed(tmp_path: Path, path: str) -> None:
    """Neither a folder's nor the file's own; nor the root's."""
    (tmp_path / "away").mkdir()
    (tmp_path / "away/secret").write_text("secret")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "away")
    (tmp_path / "root/file").symlink_to(tmp_path / "away/secret")
    with (
        Descent(tmp_path / "root", make=True) as descent,
        pytest.raises(OSError, match=r"loop|symbolic|Not a"),
    ):
        descent.open(path)
    with pytest.raises(OSError, match=r"Not a dir|symbolic"):
        Descent(tmp_path / "root/link")


def test_folders_are_made_for_their_owner_only(tmp_path: Path) -> None:
    """Where that was asked for; a second thread finds them made."""
    with Descent(tmp_path, make=True) as one, Descent(tmp_path, make=True) as other:
        for descent in (one, other):
            folder, name = descent.folder_of("a/b/file")
            assert os.fstat(folder).st_ino == (tmp_path / "a/b").stat().st_ino
            assert name == "file"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
