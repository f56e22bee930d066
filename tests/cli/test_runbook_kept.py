"""What was read of a run's runbook is kept, and never trusted more than the text."""

from pathlib import Path

import pytest

from aihummer_drtui.cli.runbook_file import followed_runbook
from aihummer_drtui.cli.runbook_kept import kept_runbook
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.errors import PreconditionError
from tests.cli.desk import BOOK

TEXT = BOOK.replace("@PREPARE@", "echo prepared").replace("@PROBE@", "exit 1")


def kept(folder: RunFolder) -> Path:
    """The one file that was kept."""
    (path,) = folder.path.iterdir()
    return path


def test_it_is_read_once(tmp_path: Path) -> None:
    """The second time gives the same from the file."""
    folder = RunFolder(path=tmp_path)
    first = kept_runbook(folder, TEXT)
    assert first == followed_runbook(TEXT)
    before = kept(folder).stat()
    assert before.st_mode & 0o777 == 0o600
    assert kept_runbook(folder, TEXT) == first
    assert kept(folder).stat().st_ino == before.st_ino


@pytest.mark.parametrize("harm", ["changed", "cut", "empty", "other text", "others may write", "a link"])
def test_what_is_not_whole_is_read_anew(tmp_path: Path, harm: str) -> None:
    """A bit that flipped, a torn end, a copy of another text, a file that is not ours to trust."""
    folder = RunFolder(path=tmp_path / "run")
    folder.path.mkdir()
    kept_runbook(folder, TEXT)
    path = kept(folder)
    data = path.read_bytes()
    match harm:
        case "changed":
            path.write_bytes(data.replace(b"echo prepared", b"echo PREPARED"))
        case "cut":
            path.write_bytes(data[:-20])
        case "empty":
            path.write_bytes(b"")
        case "other text":
            other = RunFolder(path=tmp_path / "other")
            other.path.mkdir()
            kept_runbook(other, TEXT.replace("echo prepared", "rm -r it"))
            path.write_bytes(kept(other).read_bytes())
        case "others may write":
            path.write_bytes(data.replace(b"echo prepared", b"echo PREPARED"))
            path.chmod(0o666)
        case _:
            path.rename(tmp_path / "elsewhere")
            path.symlink_to(tmp_path / "elsewhere")
    assert kept_runbook(folder, TEXT) == followed_runbook(TEXT)


def test_a_folder_that_takes_nothing_is_read_all_the_same(tmp_path: Path) -> None:
    """A full disk is no reason to see nothing."""
    folder = RunFolder(path=tmp_path / "gone")
    assert kept_runbook(folder, TEXT) == followed_runbook(TEXT)


def test_a_text_that_cannot_be_read_says_where(tmp_path: Path) -> None:
    """Every problem with its line."""
    with pytest.raises(PreconditionError, match=r"runbook\.md:1"):
        kept_runbook(RunFolder(path=tmp_path), "no runbook")
    assert not [*tmp_path.iterdir()]
