"""Secrets that a command writes are not stored, and masking costs the command neither life nor output."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine import masked_output, supervisor
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Lost, Orphaned, Running
from aihummer_drtui.engine.clock import ProcessIdentity
from aihummer_drtui.engine.kernel_lock import try_lock
from aihummer_drtui.masking import MASK, Masker, forms, masker_of
from aihummer_drtui.run.events import EndKind
from tests.engine.engine_house import gone
from tests.engine.test_attempt import HOUR, PATH, attempt, ended, fifo, wait

__all__ = ["attempt"]
KEY = base64.b64encode(bytes(range(100, 132)))
PASSWORD = b"c4nary:p@ss/w0rd"
SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin:/bin")
SECRETS = masker_of([KEY, PASSWORD]).needles
PYTHON = f"'{sys.executable}'"


def python(code: str) -> str:
    """A script that runs that code."""
    return f"{PYTHON} -I -S - <<'CODE'\n{textwrap.dedent(code)}\nCODE\n"


def start(attempt: Attempt, script: str) -> None:
    """Start the script with the secrets known."""
    attempt.start(script, PATH, HOUR, secrets=SECRETS)


def stored(attempt: Attempt) -> bytes:
    """All that an attempt left on the disk but its script, which a test had to write the secrets into."""
    return b"".join(one.read_bytes() for one in attempt.folder.iterdir() if one.name != "script")


def children_of(process: ProcessIdentity) -> list[int]:
    """The numbers of its children (proc_pid_task_children(5))."""
    return [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def masking_process(seen: Running) -> ProcessIdentity:
    """The supervisor's child that is not the command."""
    (found,) = [one for one in children_of(seen.supervisor) if one != seen.child.pid]
    return ProcessIdentity.of(found)


def replaced(seen: Running, before: ProcessIdentity) -> bool:
    """Whether another masking process has come."""
    return len([one for one in children_of(seen.supervisor) if one != before.pid]) == 2


def running(attempt: Attempt) -> Running:
    """The attempt's processes; it must run."""
    seen = attempt.look()
    assert isinstance(seen, Running)
    return seen


def wait_until(true: Callable[[], object]) -> None:
    """Look until that is so."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_k03_k05_what_a_command_prints_on_purpose_is_not_stored(
    attempt: Attempt, record_property: Callable[[str, object], None]
) -> None:
    """Every form, on stdout, stderr and the progress descriptor, in writes that end in the middle of it."""
    told = sorted(forms(KEY) | forms(PASSWORD))
    script = python(f"""
        import os
        os.set_blocking(1, True)
        for form in {told!r}:
            for cut in (0, 1, len(form) // 2, len(form) - 1):
                for descriptor in (1, 2, 3):
                    os.write(descriptor, b"<" + form[:cut])
                    os.write(descriptor, form[cut:] + b">\\n")
    """)
    start(attempt, script)
    assert ended(attempt).code == 0
    found = [form for form in told if form in stored(attempt)]
    assert not found
    assert attempt.output.read_bytes().count(MASK) == len(told) * 8
    assert (attempt.folder / "progress").read_bytes().count(MASK) == len(told) * 4
    record_property("injections", len(told) * 12)


def test_all_of_the_output_is_there_when_the_end_is(attempt: Attempt) -> None:
    """The last line, which names the cause of a failure, is not missing while it is looked for."""
    start(attempt, f"seq 1 300000; printf '{PASSWORD.decode()}' >&2; printf 'last wor'; exit 3")
    assert ended(attempt).code == 3
    text = attempt.output.read_bytes()
    assert text.startswith(b"1\n2\n3\n")
    assert text.endswith(b"\n300000\n" + MASK + b"last wor")
    assert text.count(b"\n") == 300_000


def test_output_is_seen_while_the_command_runs(attempt: Attempt, tmp_path: Path) -> None:
    """A half line too: only what may be the beginning of a secret waits."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    line = json.dumps({"phase": "copy", "done": 5, "total": 9, "unit": "bytes", "elapsed": 1.5})
    start(attempt, f"printf 'half a line ... '; echo '{line}' >&3; echo > '{ready}'; cat '{go}'")
    ready.read_text()
    wait_until(lambda: attempt.output_tail(50) == b"half a line ... ")
    wait_until(lambda: attempt.progress() is not None)
    go.write_text("")
    ended(attempt)


@pytest.mark.parametrize("times", [1, 5])
def test_k05_another_takes_the_place_of_a_masking_process_that_is_killed(
    attempt: Attempt, tmp_path: Path, times: int
) -> None:
    """The command is neither ended nor blocked, and what it writes from then on is masked and stored."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    start(attempt, f"echo > '{ready}'; cat '{go}'; seq 1 300000; echo '{KEY.decode()}'; echo all; exit 5")
    ready.read_text()
    seen = running(attempt)
    for _ in range(times):
        before = masking_process(seen)
        os.kill(before.pid, signal.SIGKILL)
        gone(before)
        wait_until(partial(replaced, seen, before))
    go.write_text("")
    assert ended(attempt).code == 5
    text = attempt.output.read_bytes()
    assert text.endswith(b"\n300000\n" + MASK + b"\nall\n")
    assert text.count(b"\n") == 300_002


def test_k05_a_command_whose_supervisor_was_killed_is_masked_to_its_end(
    attempt: Attempt, tmp_path: Path
) -> None:
    """The command outlives its supervisor, and so does what masks it."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    start(attempt, f"echo > '{ready}'; cat '{go}'; echo '{PASSWORD.decode()}'; seq 1 100000; echo all")
    ready.read_text()
    seen = running(attempt)
    masking = masking_process(seen)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    assert attempt.look() == Orphaned(child=seen.child)
    go.write_text("")
    wait(attempt)
    gone(masking)
    assert attempt.output.read_bytes().startswith(MASK + b"\n1\n")
    assert attempt.output.read_bytes().endswith(b"\n100000\nall\n")
    assert isinstance(attempt.look(), Lost)


def test_what_a_command_left_behind_is_masked_too(attempt: Attempt, tmp_path: Path) -> None:
    """A daemon that a command started writes on after the end, which is told without waiting for it."""
    go = fifo(tmp_path, "go")
    start(attempt, f"printf '{KEY.decode()[:20]}'; (cat '{go}'; echo '{KEY.decode()[20:]}') & exit 0")
    before = time.monotonic()
    assert ended(attempt).kind is EndKind.EXITED
    assert time.monotonic() - before < 8
    assert attempt.output.read_bytes() == b""
    go.write_text("")
    wait_until(lambda: attempt.output.read_bytes() == MASK + b"\n")


def test_a_command_that_is_ended_is_masked_to_its_end(attempt: Attempt, tmp_path: Path) -> None:
    """What it says when it is told to stop is stored, and masked."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    background = f"sh -c 'echo > {ready}; exec cat {go}' & wait"
    start(attempt, f"trap 'echo stopped {KEY.decode()}; exit 1' TERM; {background}")
    ready.read_text()
    attempt.stop()
    assert ended(attempt).kind is EndKind.STOPPED
    assert attempt.output.read_bytes() == b"stopped " + MASK + b"\n"


def test_k03_no_process_of_a_masked_command_shows_the_secrets(attempt: Attempt, tmp_path: Path) -> None:
    """They come by a descriptor in memory: not by argument, environment, or a file that is left open."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    start(attempt, f"ls -l /proc/self/fd; echo > '{ready}'; cat '{go}'")
    ready.read_text()
    seen = running(attempt)
    masker = Masker(SECRETS)
    for process in (seen.supervisor.pid, seen.child.pid, masking_process(seen).pid):
        shown = Path(f"/proc/{process}")
        assert not masker.finds_in((shown / "cmdline").read_bytes() + (shown / "environ").read_bytes())
        assert not [one for one in (shown / "fd").iterdir() if "drtui-masked" in str(one.readlink())]
    go.write_text("")
    assert ended(attempt).code == 0
    assert b"memfd" not in attempt.output.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
@pytest.mark.skipif(SYSTEM_PYTHON is None, reason="no Python that another account may run")
def test_k06_what_holds_the_secrets_cannot_be_dumped(folder: Path) -> None:
    """Supervisor and masking process leave no core, and no other process of the account may look into them.

    The kernel gives the files in /proc of what is not dumpable to root (proc(5)); the command, another
    program, is its account's own.
    """
    made = Attempt(folder)
    order = {"environment": PATH, "time_out": HOUR, "grace": 1, "working_folder": "/"}
    (folder / "order.json").write_text(json.dumps({**order, "script": str(folder / "script")}))
    (folder / "script").write_text("exec sleep 60")
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    assert try_lock(lock)
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65_534, 65_534)
    ready, writer = os.pipe()
    words = [str(SYSTEM_PYTHON), "-I", "-S", supervisor.__file__, str(folder), *map(str, (lock, writer, 0))]
    told = json.dumps([one.hex() for one in SECRETS]).encode()
    subprocess.run(
        words, input=told, pass_fds=(lock, writer), user=65_534, group=65_534, extra_groups=[], check=True
    )
    for descriptor in (lock, writer):
        os.close(descriptor)
    with os.fdopen(ready, "rb") as said:
        assert said.read() == b"started"
    descriptor = os.open(folder / "started.json", os.O_RDONLY)
    seen = msgspec.json.decode(os.read(descriptor, 1_000), type=Running)
    os.close(descriptor)
    for process in (seen.supervisor.pid, masking_process(seen).pid):
        assert Path(f"/proc/{process}/environ").stat().st_uid == 0
        assert core_limit(process) == ["0", "0"]
    wait_until(lambda: Path(f"/proc/{seen.child.pid}/environ").stat().st_uid == 65_534)
    os.kill(seen.supervisor.pid, signal.SIGTERM)
    gone(seen.supervisor)
    assert b"stopped" in (made.folder / "ended.json").read_bytes()


def core_limit(process: int) -> list[str]:
    """Its soft and hard limit for cores."""
    limits = Path(f"/proc/{process}/limits").read_text().splitlines()
    return next(line for line in limits if "core file" in line).split()[4:6]


def test_j09_output_that_a_full_disk_does_not_take_is_counted() -> None:
    """It is lost, the command is not; and where there is room again, the file says how much is missing."""
    reader, writer = os.pipe()
    full = os.open("/dev/full", os.O_WRONLY)
    file = masked_output._File(full)
    file.store(b"x" * 100)
    file.store(b"y" * 23)
    os.dup2(writer, full)
    file.store(b"room again\n")
    file.store(b"more\n")
    for descriptor in (writer, full):
        os.close(descriptor)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"\n[123 bytes of output could not be stored]\nroom again\nmore\n"


def test_output_that_cannot_be_masked_is_withheld(capsys: pytest.CaptureFixture[str]) -> None:
    """A fault in the masking stores nothing rather than a secret, and stops nothing."""

    class Broken(Masker):
        def settled_until(self, data: bytes) -> int:
            raise RuntimeError(data.decode())

    reader, writer = os.pipe()
    out_reader, out_writer = os.pipe()
    until, stop = os.pipe()
    stored_reader, stored_writer = os.pipe()
    os.set_blocking(reader, False)
    os.write(writer, PASSWORD)
    os.close(writer)
    os.close(stop)
    masked_output._carry(Broken(SECRETS), {reader: out_writer}, until, stored_writer)
    assert os.read(out_reader, 1_000).startswith(b"[output withheld")
    assert os.read(stored_reader, 2) == b"."
    assert PASSWORD.decode() not in "".join(capsys.readouterr())
    for descriptor in (reader, out_reader, out_writer, until, stored_reader, stored_writer):
        os.close(descriptor)
