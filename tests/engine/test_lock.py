"""Locks: held by the living, never by age, never twice."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aihummer_drtui.engine import kernel_lock
from aihummer_drtui.engine import lock as lock_module
from aihummer_drtui.engine.clock import ProcessIdentity, SystemClock
from aihummer_drtui.engine.lock import (
    Holder,
    holder_of,
    take_lock,
    take_target_lock,
    target_lock_path,
)
from aihummer_drtui.errors import ExitCode, LockedError, PreconditionError

CLOCK = SystemClock()
HOLD = """
import sys
from pathlib import Path
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.lock import Holder, take_lock
holder = Holder.this_process(run="run-of-child", operator="bert", clock=SystemClock())
lock = take_lock(Path(sys.argv[1]), holder)
print("held", flush=True)
sys.stdin.read()
"""


def me(run: str = "run-1") -> Holder:
    """This process as a holder."""
    return Holder.this_process(run=run, operator="anna", clock=CLOCK)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """A lock that another process holds."""
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        yield path, child
        child.kill()


def test_held_lock_is_refused_with_its_holder(held: tuple[Path, "subprocess.Popen[bytes]"]) -> None:
    """The second operator learns who holds the run, since when, and how to attach."""
    path, child = held
    before = path.read_bytes()
    with pytest.raises(LockedError) as caught:
        take_lock(path, me())
    told = str(caught.value)
    assert caught.value.exit_code == ExitCode.LOCKED
    for word in ("bert", f"process {child.pid}", "run-of-child", "Z", "resume run-of-child", str(path)):
        assert word in told
    assert path.read_bytes() == before
    holder = holder_of(path)
    assert holder is not None
    assert holder.process == ProcessIdentity.of(child.pid)
    assert holder.lock


def test_s03_s08_lock_ends_with_its_holder_and_not_by_age(
    held: tuple[Path, "subprocess.Popen[bytes]"],
) -> None:
    """A stopped or old holder keeps its lock; a killed one has none, whatever its text says."""
    path, child = held
    os.utime(path, (0, 0))
    child.send_signal(signal.SIGSTOP)
    with pytest.raises(LockedError):
        take_lock(path, me())
    child.kill()
    child.wait()
    assert holder_of(path) is None
    with take_lock(path, me()) as lock:
        assert holder_of(path) == lock.holder
    assert holder_of(path) is None


def test_s05_children_do_not_keep_the_lock(tmp_path: Path) -> None:
    """A command that outlives the engine does not hold its lock."""
    lock = take_lock(tmp_path / "lock", me())
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lock.release()
        lock.release()
        take_lock(tmp_path / "lock", me()).release()
        child.kill()


def test_looking_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """Asking who holds a lock neither takes it nor makes a file."""
    assert holder_of(tmp_path / "lock") is None
    assert not (tmp_path / "lock").exists()
    with take_lock(tmp_path / "lock", me("run-2")) as lock:
        assert holder_of(tmp_path / "lock") == lock.holder


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b'{"pid": 1}'])
def test_unreadable_text_does_not_matter(tmp_path: Path, text: bytes) -> None:
    """The kernel says who holds a lock; a damaged text neither frees nor blocks it."""
    path = tmp_path / "lock"
    path.write_bytes(text)
    path.chmod(0o600)
    with take_lock(path, me()):
        path.write_bytes(text)
        with pytest.raises(LockedError, match="just starting") as refused:
            take_lock(path, me())
        assert f"`fuser {path}` names the process" in refused.value.hint
        assert "resume" not in refused.value.hint
        holder = holder_of(path)
        assert holder is not None
        assert holder.process.pid == 0


def test_file_that_was_removed_under_the_lock_is_not_trusted(tmp_path: Path) -> None:
    """Two processes never hold two files of the same name: the one that bears the name counts."""
    path = tmp_path / "lock"
    first = take_lock(path, me())
    path.unlink()
    second = take_lock(path, me())
    assert holder_of(path) == second.holder
    first.release()
    with pytest.raises(LockedError):
        take_lock(path, me())
    second.release()


def test_file_removed_while_it_is_taken_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on a file that lost its name in that moment excludes nobody and is not kept."""
    path = tmp_path / "lock"

    def removed_before(descriptor: int) -> bool:
        monkeypatch.undo()
        path.unlink()
        return kernel_lock.try_lock(descriptor)

    monkeypatch.setattr(lock_module, "try_lock", removed_before)
    with take_lock(path, me()) as lock:
        assert holder_of(path) == lock.holder


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: no fault is injected")
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("fcntl:error=ENOLCK", "No locks available\nHINT: this file system keeps no locks"),
        ("fcntl:error=EOPNOTSUPP", "Operation not supported\nHINT: this file system keeps no locks"),
        ("pwrite64:error=ENOSPC", "No space left on device\nHINT: the state folder must be"),
        ("openat:error=EROFS", "Read-only file system\nHINT: the state folder must be"),
    ],
)
def test_s10_file_system_that_cannot_lock_is_refused(tmp_path: Path, fault: str, told: str) -> None:
    """Where the kernel cannot promise the lock nothing is begun, and it is said why."""
    path = tmp_path / "lock"
    call = ["strace", "-qq", "-o", "/dev/null", "-P", str(path), f"--inject={fault}"]
    done = subprocess.run(
        [*call, sys.executable, "-c", HOLD, str(path)], capture_output=True, text=True, check=False
    )
    assert f"{path}: the lock cannot be used: {told}" in done.stderr
    if path.exists():
        assert holder_of(path) is None


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: no fault is injected")
def test_question_that_cannot_be_answered_is_an_error(tmp_path: Path) -> None:
    """Not knowing who holds a lock is not the same as nobody holding it."""
    path = tmp_path / "lock"
    take_lock(path, me()).release()
    ask = "import sys; from pathlib import Path; from aihummer_drtui.engine.lock import holder_of\n"
    call = ["strace", "-qq", "-o", "/dev/null", "-P", str(path), "--inject=fcntl:error=ENOLCK"]
    done = subprocess.run(
        [*call, sys.executable, "-c", ask + "holder_of(Path(sys.argv[1]))", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PreconditionError" in done.stderr


def test_targets_are_locked_apart(tmp_path: Path) -> None:
    """One live run per target: the same target is refused, another is not."""
    one = take_target_lock(tmp_path, "sandbox-1", me("run-1"))
    other = take_target_lock(tmp_path, "host/db name", me("run-2"))
    with pytest.raises(LockedError, match="run-1"):
        take_target_lock(tmp_path, "sandbox-1", me("run-3"))
    one.release()
    again = take_target_lock(tmp_path, "sandbox-1", me("run-3"))
    again.release()
    other.release()


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", "", ".", "x" * 300, "ä"])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    """A target's key is foreign text: it names a file and never a path."""
    path = target_lock_path(tmp_path, key)
    assert path.parent == tmp_path / "targets"
    assert len(path.name) == 64 + len(".lock")
    assert target_lock_path(tmp_path, "sandbox-1").name == "sandbox-1.lock"


def test_unusable_places_are_told(tmp_path: Path) -> None:
    """No lock is no permission: what cannot be locked is refused with its place."""
    with pytest.raises(PreconditionError, match="No such file"):
        take_lock(tmp_path / "missing" / "lock", me())
    (tmp_path / "targets").write_bytes(b"")
    with pytest.raises(PreconditionError):
        take_target_lock(tmp_path, "sandbox-1", me())
    (tmp_path / "link").symlink_to(tmp_path / "targets")
    with pytest.raises(PreconditionError, match="symbolic link"):
        take_lock(tmp_path / "link", me())
    with pytest.raises(PreconditionError):
        holder_of(tmp_path / "targets" / "below-a-file")
    with pytest.raises(PreconditionError, match="state folder"):
        take_target_lock(tmp_path / "missing", "sandbox-1", me())
