"""What is filled is compared, durable, and goes on where an earlier try was."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.recovery.backup.set import BlobLine
from aihummer_drtui.recovery.blobs import fill
from aihummer_drtui.recovery.blobs.comparing import BadBlob
from aihummer_drtui.recovery.blobs.fill import Filling, give_folders, settled
from aihummer_drtui.recovery.blobs.rights import Rights
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.progress import Parts

_RIGHTS = Rights(owner=(os.geteuid(), os.getegid()), folder_mode=0o750, file_mode=0o640)
_CONTENT = {"a": b"", "b/c": b"x" * 300_000, "b/d": b"y" * (1 << 17), "e/f/g": b"z" * 10}


@pytest.fixture
def lines(tmp_path: Path) -> list[BlobLine]:
    """Give the list of the blobs in `source`; `to` is there and empty."""
    (tmp_path / "to").mkdir()
    for path, content in _CONTENT.items():
        (tmp_path / "source" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / path).write_bytes(content)
    return [
        BlobLine(path=path, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for path, content in _CONTENT.items()
    ]


def _fill(folder: Path, lines: list[BlobLine], *, resumed: bool = False) -> int:
    filling = Filling(source=folder / "source", folder=folder / "to", rights=_RIGHTS, resumed=resumed)
    with settled(folder / "to", Reporter.silent()):
        return filling.fill(iter(lines), Reporter.silent())


def _filled(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder / "to")): path.read_bytes()
        for path in (folder / "to").rglob("*")
        if path.is_file()
    }


def test_all_is_there_with_its_mode(lines: list[BlobLine], tmp_path: Path) -> None:
    """Whatever the umask says; folders get theirs at the end."""
    before = os.umask(0o077)
    try:
        assert _fill(tmp_path, lines) == 0
    finally:
        os.umask(before)
    assert _filled(tmp_path) == _CONTENT
    assert (tmp_path / "to/e").stat().st_mode & 0o777 == 0o700
    give_folders(tmp_path / "to", _RIGHTS)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "to").rglob("*") if path.is_dir()} == {0o750}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "to").rglob("*") if path.is_file()} == {0o640}


def test_what_is_there_and_whole_is_kept_and_the_rest_brought_again(
    lines: list[BlobLine], tmp_path: Path
) -> None:
    """Cut, changed with the same size, or longer: brought again; its mode is put right either way."""
    _fill(tmp_path, lines)
    (tmp_path / "to/b/c").write_bytes(b"x" * 299_999 + b"!")
    (tmp_path / "to/b/d").write_bytes(b"y" * 5)
    (tmp_path / "to/e/f/g").chmod(0o777)
    kept = (tmp_path / "to/e/f/g").stat().st_ino
    assert _fill(tmp_path, lines, resumed=True) == 2
    assert _filled(tmp_path) == _CONTENT
    assert (tmp_path / "to/e/f/g").stat().st_ino == kept
    assert (tmp_path / "to/e/f/g").stat().st_mode & 0o777 == 0o640


def test_bytes_of_a_resumed_copy_without_a_list_count_once(lines: list[BlobLine], tmp_path: Path) -> None:
    """The source is read to compare, too; told is what is there in the end."""

    class Told(Reporter):
        last = 0

        def reached(self, done: int, *, total: int | None = None, parts: Parts | None = None) -> None:
            super().reached(done, total=total, parts=parts)
            self.last = done

    _fill(tmp_path, lines)
    (tmp_path / "to/b/c").write_bytes(b"x" * 299_999 + b"!")
    found = [BlobLine(path=line.path, size=line.size, sha256="") for line in lines]
    filling = Filling(source=tmp_path / "source", folder=tmp_path / "to", rights=_RIGHTS, resumed=True)
    told = Told(None)
    assert filling.fill(iter(found), told) == 3
    assert told.last == sum(line.size for line in lines)


@pytest.mark.parametrize("content", [b"x" * 300_000 + b"!", b"x" * 299_999, b"x" * 299_999 + b"!"])
def test_a_blob_that_is_not_the_listed_one_is_not_left_there(
    lines: list[BlobLine], tmp_path: Path, content: bytes
) -> None:
    """Longer, shorter, other bytes: named, and nothing of it stays."""
    (tmp_path / "source/b/c").write_bytes(content)
    with pytest.raises(BadBlob) as raised:
        _fill(tmp_path, lines)
    assert raised.value.path == "b/c"
    assert not (tmp_path / "to/b/c").exists()


def test_older_kernels_sync_each_file(
    lines: list[BlobLine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where syncfs would not tell of a lost write, the way round is taken and ends the same."""
    monkeypatch.setattr(fill, "tells_of_lost_writes", lambda: False)
    assert _fill(tmp_path, lines) == 0
    assert _filled(tmp_path) == _CONTENT


_LOSING = """
import sys
from pathlib import Path
from aihummer_drtui.recovery.blobs.fill import settled
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.progress import Parts
try:
    with settled(Path(sys.argv[1]), Reporter.silent()):
        (Path(sys.argv[1]) / "blob").write_bytes(b"x")
except OSError as error:
    print("told", error.errno)
"""


def test_a_sync_that_fails_is_told(tmp_path: Path) -> None:
    """EIO from the disk at the last moment: what was copied does not count as there."""
    command = [
        "strace",
        "-f",
        "-qq",
        "-o/dev/null",
        "--inject=syncfs:error=EIO",
        sys.executable,
        "-c",
        _LOSING,
    ]
    try:
        done = subprocess.run(
            [*command, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
        )
    except FileNotFoundError:
        pytest.skip("strace is not here to inject the fault")
    assert done.stdout == "told 5\n", done.stderr
