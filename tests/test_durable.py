"""Files that are whole or untouched, whatever happens."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.durable import (
    create_durably,
    make_open_folders,
    sync_file_system,
    sync_folder,
    tells_of_lost_writes,
    write_durably,
    written_durably,
)

WRITE = (
    "import sys; from pathlib import Path; from aihummer_drtui.durable import write_durably;"
    "write_durably(Path(sys.argv[1]), b'new' * 10_000)"
)


def test_what_was_written_is_there_for_the_owner_alone(tmp_path: Path) -> None:
    """Nothing beside the file remains, and nobody else can read it."""
    path = tmp_path / "gateway.env"
    write_durably(path, b"one")
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_durably(path, b"two", mode=0o640, owner=(os.getuid(), os.getgid()))
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
def test_a_file_keeps_the_owner_it_is_given(tmp_path: Path) -> None:
    """A gateway that runs under its own account can still read its environment."""
    write_durably(tmp_path / "f", b"x", owner=(12, 34))
    found = (tmp_path / "f").stat()
    assert (found.st_uid, found.st_gid) == (12, 34)


def test_a_file_that_cannot_take_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder in the way: the error is told, the folder is untouched, no litter remains."""
    in_the_way = tmp_path / "f"
    (in_the_way / "kept").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_durably(in_the_way, b"x")
    assert sorted(tmp_path.rglob("*")) == [in_the_way, in_the_way / "kept"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """No folder is made up, and a file is no folder."""
    with pytest.raises(FileNotFoundError):
        write_durably(tmp_path / "gone" / "f", b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "file")


def test_a_file_too_large_for_its_limit_leaves_the_old_one(tmp_path: Path) -> None:
    """EFBIG while writing (`prlimit --fsize`): the old text stays whole, nothing lies beside it."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("prlimit is not installed (Debian: util-linux)")
    path = tmp_path / "f"
    path.write_bytes(b"old")
    command = [prlimit, "--fsize=4096", sys.executable, "-B", "-c", WRITE, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "File too large" in ended.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def strace(*options: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Write with faults injected into system calls; skips where strace cannot be used."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed (Debian: strace)")
    probe = subprocess.run(
        [program, "-qq", "-o", "/dev/null", "true"], capture_output=True, timeout=60, check=False
    )
    if probe.returncode != 0:
        pytest.skip("strace may not trace here")
    command = [
        program,
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        *options,
        sys.executable,
        "-B",
        "-c",
        WRITE,
        str(path),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("fsync:error=EIO:when=1", "Input/output error"),
        ("rename,renameat,renameat2:error=EROFS", "Read-only file system"),
    ],
)
def test_a_failed_sync_or_rename_is_told_and_leaves_the_old_file(
    fault: str, message: str, tmp_path: Path
) -> None:
    """What did not reach the disk does not take the place of what is there."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    ended = strace(f"--inject={fault}", path=path)
    assert ended.returncode == 1
    assert message in ended.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        ("fsync:signal=KILL:when=1", b"old"),
        ("rename,renameat,renameat2:error=EINTR:signal=KILL:when=1", b"old"),
        ("fsync:signal=KILL:when=2", b"new" * 10_000),
    ],
)
def test_killed_at_any_point_the_file_is_the_old_or_the_new_whole(
    fault: str, left: bytes, tmp_path: Path
) -> None:
    """Before the rename it is the old one, after it the new one; there is no third."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    ended = strace(f"--inject={fault}", path=path)
    assert ended.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}
    assert path.read_bytes() == left


def test_what_is_created_is_private_and_never_over_something(tmp_path: Path) -> None:
    """A file, and a link that leads nowhere, keep their name."""
    path = tmp_path / "escrow"
    create_durably(path, b"one")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"one", 0o600)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for taken in (path, tmp_path / "link"):
        with pytest.raises(FileExistsError):
            create_durably(taken, b"two")
    assert path.read_bytes() == b"one"
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_leaves_nothing_of_what_was_created(tmp_path: Path) -> None:
    """Half an escrow would be taken for one."""
    code = (
        "import resource, signal, sys; from pathlib import Path;"
        "from aihummer_drtui.durable import create_durably;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100));"
        "create_durably(Path(sys.argv[1]), b'x' * 10_000)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "escrow"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "File too large" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_in_parts_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """While it grows, and when it breaks off, the old one stands; nothing is left beside."""
    path = tmp_path / "listing"
    path.write_bytes(b"old")
    with written_durably(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    with pytest.raises(TypeError), written_durably(path) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_is_synced_or_an_error_is_raised(tmp_path: Path) -> None:
    """By any descriptor on it; a closed one is no success."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    sync_file_system(descriptor)
    os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        sync_file_system(descriptor)


@pytest.mark.parametrize(
    ("release", "tells"),
    [("5.8.0", True), ("5.10.0-28-amd64", True), ("6.1", True), ("5.7.19", False), ("4.19.0", False)],
)
def test_whether_lost_writes_are_told_is_known_by_the_kernel(
    release: str, tells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux 5.8 was the first."""
    known = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*known[:2], release, *known[3:])))
    assert tells_of_lost_writes() is tells


def test_folders_are_open_to_pass_through_whatever_the_umask(tmp_path: Path) -> None:
    """A gateway or a server of another account gets to what is put there; what was there stays as it was."""
    (tmp_path / "there").mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        make_open_folders(tmp_path / "there" / "a" / "b")
        make_open_folders(tmp_path / "there" / "a" / "b")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / one).stat().st_mode) for one in ("there", "there/a", "there/a/b")]
    assert modes == [0o700, 0o755, 0o755]
