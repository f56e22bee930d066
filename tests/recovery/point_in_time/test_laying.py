"""What laying out has in common: empty folders only, no tablespaces, files that change hands safely."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.point_in_time.laying import (
    growth,
    hand_over,
    refuse_tablespaces,
    require_empty,
    require_handing_over,
)
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.progress import Progress

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
OTHER = ServerAccount(name="65534", uid=65_534, gid=65_534)


def test_only_an_empty_folder_is_filled(tmp_path: Path) -> None:
    """Not one with files, not a file, not a link to a folder that is empty."""
    require_empty(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "link", tmp_path / "file"):
        with pytest.raises(FailedError, match="must be an empty folder"):
            require_empty(path)


def test_a_base_backup_with_tablespaces_is_refused() -> None:
    """Laid out and put in place, its server could be neither undone nor finished: one folder is exchanged."""
    refuse_tablespaces([], "base")
    with pytest.raises(PreconditionError, match=r"tablespaces outside .* \(big, x.*y\)"):
        refuse_tablespaces(["big", "x\ny"], "base")


def test_growth_tells_the_bytes_that_are_there(tmp_path: Path) -> None:
    """Links are not followed; a folder that is gone counts for nothing."""

    class Heard:
        interval = 0.0
        done = 0

        def tell(self, progress: Progress, *, turn: bool) -> None:
            assert progress.phase or turn
            self.done = progress.done

        def close(self) -> None:
            """Nothing is held."""

    heard = Heard()
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x" * 1000)
    (tmp_path / "a" / "link").symlink_to("/")
    reporter = Reporter(heard)
    reporter.phase("laying out", total=2000, unit="bytes")
    growth((tmp_path / "a", tmp_path / "gone"), reporter)()
    assert heard.done == 1000


@as_root
def test_what_changes_hands_is_given_whole(tmp_path: Path) -> None:
    """A link itself is given, never what it leads to."""
    outside = tmp_path / "outside"
    outside.touch()
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "file").touch()
    (folder / "link").symlink_to(outside)
    hand_over(folder, OTHER)
    given = (folder, folder / "sub", folder / "sub" / "file", folder / "link")
    assert [path.lstat().st_uid for path in given] == [65_534] * 4
    assert outside.stat().st_uid == 0


@as_root
@pytest.mark.parametrize("kind", ["second name", "pipe"])
def test_a_second_name_of_a_file_elsewhere_is_not_given_away(tmp_path: Path, kind: str) -> None:
    """Otherwise whoever wrote the copy could have any file of root's."""
    secret = tmp_path / "secret"
    secret.touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    if kind == "pipe":
        os.mkfifo(folder / "pipe")
    else:
        os.link(secret, folder / "file")
    with pytest.raises(FailedError, match="no file, folder or link of its own"):
        hand_over(folder, OTHER)
    assert secret.stat().st_uid == 0


@as_root
def test_what_is_gone_cannot_change_hands(tmp_path: Path) -> None:
    """The system's word is told."""
    with pytest.raises(FailedError, match="could not be given to 65534: No such file"):
        hand_over(tmp_path / "gone", OTHER)


def test_files_of_another_account_need_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known before anything is laid out."""
    require_handing_over(OTHER, OTHER)
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    with pytest.raises(PreconditionError, match="which only root can do"):
        require_handing_over(OTHER, ServerAccount(name="x", uid=1, gid=1))
