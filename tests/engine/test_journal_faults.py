"""The journal on a disk that fails and in a process that is killed: real faults, injected."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.follower import JournalFollower
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import JOURNAL, inspect_journal, read_journal
from aihummer_drtui.engine.record import Clean, Corrupt
from tests.engine.makers import DECLARED, ENDED, INTENDED, journal_with

PROGRAM = (sys.executable, "-m", "tests.engine.journal_program")
EVENTS = [DECLARED, INTENDED, ENDED]
STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed: faults cannot be injected")


def traced(folder: Path, inject: str, *words: str, by_path: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the words with a fault in the system calls on the journal (or in all that are named)."""
    assert STRACE is not None
    only = ["-P", str(folder / JOURNAL)] if by_path else []
    trace = [STRACE, "-f", "-qq", "-o", "/dev/null", *only, f"--inject={inject}"]
    return subprocess.run(
        [*trace, *PROGRAM, str(folder), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=None if by_path else unmeasured(),
    )


def unmeasured() -> dict[str, str]:
    """Our environment, for a fault that would hit the file of who measures coverage as well."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def on_tmpfs(options: str, folder: Path, *words: str) -> list[str]:
    """Run the words on a file system of that size and give the answers, or skip where none can be made."""
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    call = ["unshare", "-rm", "sh", "-c", script, str(folder), *PROGRAM, str(folder), *words]
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: no file system of its own can be made")
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()[-200:]}")
    return done.stdout.splitlines()


@needs_strace
@pytest.mark.parametrize("call", ["write", "fdatasync"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_j01_j02_kill_at_any_call_leaves_a_prefix(tmp_path: Path, call: str, nth: int) -> None:
    """A killed engine leaves exactly the records it was told of, at most one more in doubt."""
    done = traced(tmp_path, f"{call}:signal=KILL:when={nth}", "create", "declare", "intend", "end")
    acknowledged = done.stdout.splitlines().count("ok") - 1
    assert acknowledged == nth - 1
    read = inspect_journal(tmp_path)
    assert read.tail == Clean()
    found = [one.what for one in read.records]
    assert found == EVENTS[: len(found)]
    assert acknowledged <= len(found) <= acknowledged + 1


@needs_strace
def test_j11_failed_sync_latches_and_is_not_tried_again(tmp_path: Path) -> None:
    """After a failed sync nobody trusts that descriptor; every later record is refused at once."""
    done = traced(
        tmp_path, "fdatasync:error=EIO:when=2", "create", "declare", "intend", "end", "intend"
    ).stdout.splitlines()
    assert done[:2] == ["ok", "ok"]
    assert [answer.partition(":")[0] for answer in done[2:]] == ["JournalUnhealthyError"] * 3
    assert all("Input/output error" in answer for answer in done[2:])
    # A new engine takes it up in a new file: the record whose sync failed is merely in doubt.
    before = (tmp_path / JOURNAL).stat()
    follower = JournalFollower(tmp_path)
    seen = follower.poll()
    journal = Journal.open(tmp_path, SystemClock())
    assert [one.what for one in journal.found] == EVENTS[:2]
    assert not os.path.samestat(before, (tmp_path / JOURNAL).stat())
    seen.append(journal.append(ENDED, "engine"))
    assert seen[2:] == follower.poll()
    journal.close()
    renewed = (tmp_path / JOURNAL).stat()
    Journal.open(tmp_path, SystemClock()).close()
    assert os.path.samestat(renewed, (tmp_path / JOURNAL).stat())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ballast", "journal"]


@needs_strace
def test_j11_journal_that_cannot_be_renewed_is_not_taken_up(tmp_path: Path) -> None:
    """On a disk that goes on failing nothing is begun, and what was there stays."""
    traced(tmp_path, "fdatasync:error=EIO:when=2", "create", "declare", "intend")
    before = (tmp_path / JOURNAL).read_bytes()
    done = traced(tmp_path, "fsync:error=EIO", "open", by_path=False)
    assert done.stdout.startswith("PreconditionError: the journal cannot be taken up: Input/output error")
    assert (tmp_path / JOURNAL).read_bytes() == before
    Journal.open(tmp_path, SystemClock()).close()


@needs_strace
@pytest.mark.parametrize("error", ["EIO", "EROFS"])
def test_j13_failed_write_latches(tmp_path: Path, error: str) -> None:
    """A file system that turned read-only stops the run with a clear word."""
    done = traced(tmp_path, f"write:error={error}:when=2+", "create", "declare", "intend", "end")
    answers = done.stdout.splitlines()
    assert answers[:2] == ["ok", "ok"]
    assert all(answer.startswith("JournalUnhealthyError") for answer in answers[2:])
    assert [one.what for one in read_journal(tmp_path)] == [DECLARED]


@needs_strace
def test_j08_full_disk_at_intent_records_nothing_and_stays_healthy(tmp_path: Path) -> None:
    """Without room for the intent the step is not begun; with room again it can be."""
    done = traced(tmp_path, "write:error=ENOSPC:when=2", "create", "declare", "intend", "intend", "end")
    answers = done.stdout.splitlines()
    assert answers[2].startswith("JournalFullError: no room for the record")
    assert answers[3:] == ["ok", "ok"]
    assert [one.what for one in read_journal(tmp_path)] == EVENTS


@needs_strace
def test_j09_ballast_that_cannot_help_leaves_the_journal_as_it_was(tmp_path: Path) -> None:
    """An outcome that does not fit even then is refused without half of it being left."""
    done = traced(tmp_path, "write:error=ENOSPC:when=3+", "create", "declare", "intend", "end")
    assert done.stdout.splitlines()[3].startswith("JournalFullError")
    assert inspect_journal(tmp_path).tail == Clean()
    assert [one.what for one in read_journal(tmp_path)] == EVENTS[:2]


@needs_strace
def test_j13_read_only_file_system_is_refused_at_open(tmp_path: Path) -> None:
    """A run is not taken up where it could not be recorded."""
    journal_with(tmp_path)
    done = traced(tmp_path, "openat:error=EROFS", "open")
    assert done.stdout.startswith("PreconditionError: the journal cannot be opened: Read-only file system")


@needs_strace
def test_unreadable_disk_is_told_at_open(tmp_path: Path) -> None:
    """A read error is an error with a place, never an empty journal."""
    journal_with(tmp_path)
    done = traced(tmp_path, "pread64:error=EIO", "open")
    assert done.stdout.startswith("PreconditionError: the journal cannot be taken up: Input/output error")


def test_j08_j09_really_full_disk_keeps_the_outcome_but_begins_nothing(tmp_path: Path) -> None:
    """On a full disk an outcome takes the ballast; then nothing begins until there is room."""
    words = ["create", "declare", "intend", "fill", "long-note", "long-end", "intend", "free", "intend"]
    answers = on_tmpfs("size=160k", tmp_path, *words)
    told = [answer.partition(":")[0] for answer in answers]
    assert told == ["ok", "ok", "ok", "ok", "JournalFullError", "ok", "JournalFullError", "ok", "ok"]


def test_full_disk_does_not_stop_the_taking_up(tmp_path: Path) -> None:
    """A resume on a full disk can still look and record endings."""
    answers = on_tmpfs(
        "size=160k", tmp_path, "create", "declare", "fill", "long-end", "open", "end", "intend"
    )
    assert [answer.partition(":")[0] for answer in answers] == ["ok"] * 6 + ["JournalFullError"]


def test_j10_no_room_and_no_inodes_refuse_the_start(tmp_path: Path) -> None:
    """A run that could not be recorded is not begun."""
    for options in ("size=16k", "size=1m,nr_inodes=2"):
        answers = on_tmpfs(options, tmp_path, "create")
        assert answers[0].startswith("PreconditionError: the journal cannot be made: No space left")


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not installed")
def test_j14_limit_on_file_size_begins_nothing(tmp_path: Path) -> None:
    """Where the journal may not grow, a record is refused whole."""
    call = ["prlimit", "--fsize=70000", *PROGRAM, str(tmp_path), "create", "declare"]
    answers = subprocess.run(
        [*call, *["long-note"] * 14, "end"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=unmeasured(),
    ).stdout.splitlines()
    assert answers[-2].startswith("JournalFullError: no room for the record (File too large)")
    assert answers[-1] == "ok"
    read = inspect_journal(tmp_path)
    assert read.tail == Clean()
    assert not isinstance(read.tail, Corrupt)
    assert len(read.records) == answers.count("ok") - 1
