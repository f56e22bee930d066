"""Commands that outlive the engine, and the truth about them after any crash."""

import fcntl
import json
import os
import resource
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine import attempt as attempt_module
from aihummer_drtui.engine import supervisor
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Ended, Lost, NotStarted, Orphaned, Running, Starting
from aihummer_drtui.engine.clock import ProcessIdentity
from aihummer_drtui.engine.kernel_lock import try_lock
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run.events import EndKind
from aihummer_drtui.run.progress import Progress
from tests.engine.engine_house import gone

PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
HOUR = 3600.0


@pytest.fixture(params=["isolated", "ordinary"])
def attempt(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    """An attempt that has not begun.

    Its supervisor runs in the isolated interpreter of the product, and again in an ordinary one with
    our whole environment: it must be right in both, and only the ordinary one can be measured.
    """
    if request.param == "ordinary":
        monkeypatch.setattr(attempt_module, "INTERPRETER", (sys.executable,))
        monkeypatch.setattr(attempt_module, "SUPERVISOR_ENVIRONMENT", dict(os.environ))
    return Attempt(tmp_path / "attempts" / "key.restore-key.1")


def wait(attempt: Attempt) -> None:
    """Wait until the process that the attempt's end depends on is gone."""
    descriptor = attempt.wait_descriptor()
    if descriptor is not None:
        ready, _, _ = select.select([descriptor], [], [], 30)
        os.close(descriptor)
        assert ready


def ended(attempt: Attempt) -> Ended:
    """Wait until the end is stored and the supervisor, which holds the lock, is gone; give the end."""
    wait(attempt)
    with (attempt.folder / "lock").open("r+b") as lock:
        fcntl.fcntl(lock, fcntl.F_OFD_SETLKW, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))
    seen = attempt.look()
    assert isinstance(seen, Ended)
    return seen


def running(attempt: Attempt) -> Running:
    """The attempt's processes; it must run."""
    seen = attempt.look()
    assert isinstance(seen, Running)
    return seen


def fifo(folder: Path, name: str) -> Path:
    """A pipe with a name, by which a script and a test wait for each other."""
    path = folder / name
    os.mkfifo(path)
    return path


def test_kinds_are_those_of_the_events() -> None:
    """The supervisor, which imports nothing of this package, says the same words as the journal."""
    words = {
        supervisor.EXITED,
        supervisor.SIGNALLED,
        supervisor.TIMED_OUT,
        supervisor.STOPPED,
        supervisor.NOT_STARTED,
    }
    assert words == {kind.value for kind in EndKind}


@pytest.mark.parametrize(
    ("script", "kind", "code"),
    [
        ("true", EndKind.EXITED, 0),
        ("exit 7", EndKind.EXITED, 7),
        ("false\necho not reached", EndKind.EXITED, 1),
        ("echo $UNSET_NAME", EndKind.EXITED, 2),
        ("kill -SEGV $$", EndKind.SIGNALLED, signal.SIGSEGV),
        ("no-such-program", EndKind.EXITED, 127),
    ],
)
def test_true_end_is_stored(attempt: Attempt, script: str, kind: EndKind, code: int) -> None:
    """Every way to end is told as it was; an unset variable or a failed line ends the script."""
    assert attempt.look() == NotStarted()
    attempt.start(script, PATH, HOUR)
    end = ended(attempt)
    assert (end.kind, end.code) == (kind, code)
    assert 0 <= end.took < 30
    assert b"not reached" not in attempt.output_tail(100)
    assert attempt.wait_descriptor() is None
    assert not attempt.stop()


def test_x05_s05_command_gets_what_it_was_given_and_nothing_else(attempt: Attempt) -> None:
    """Environment, descriptors, umask, core limit and signals are exactly the promised ones."""
    os.environ["DRTUI_TEST_STRAY"] = "stray"
    stray = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(stray, True)
    script = r"""
        env | sort
        printf '%s\n' "$VALUE"
        umask; ulimit -c; pwd
        for fd in /proc/$$/fd/*; do readlink "$fd" || :; done
        grep -E 'Sig(Blk|Ign)' /proc/self/status
        cut -d' ' -f5,6 /proc/$$/stat; echo "$$"
        echo to-stderr >&2
        if read -r line; then echo "$line"; else echo nothing-on-stdin; fi
    """
    value = "a; rm -rf $(x) `y` -x 'q'\" *ä"
    attempt.start(script, {**PATH, "VALUE": value}, HOUR, working_folder=attempt.folder.parent.parent)
    assert ended(attempt).code == 0
    os.close(stray)
    del os.environ["DRTUI_TEST_STRAY"]
    told = attempt.output_tail(10_000).decode().splitlines()
    shell = told[-3]
    folder = attempt.folder
    names = [line.partition("=")[0] for line in told[: told.index(value)]]
    (ignored,) = (line for line in told if line.startswith("SigIgn:"))
    # Signals 32 and 33 are the C library's own (nptl(7)); its posix_spawn leaves them ignored.
    assert int(ignored.split()[1], 16) & ~(0b11 << 31) == 0
    assert sorted(names) == ["DRTUI_PROGRESS_FD", "PATH", "PWD", "VALUE"]
    assert told[told.index(value) + 1 :] == [
        "0077",
        "0",
        str(folder.parent.parent),
        "/dev/null",
        str(folder / "output"),
        str(folder / "script"),  # The shell's own: descriptor 10.
        str(folder / "output"),
        str(folder / "progress"),
        "SigBlk:\t0000000000000000",
        ignored,
        f"{shell} {shell}",
        shell,
        "to-stderr",
        "nothing-on-stdin",
    ]
    for name in ("output", "progress", "script", "order.json", "started.json", "ended.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_first_instruction_comes_after_started_is_durable(attempt: Attempt) -> None:
    """What the engine finds after a crash names every process that ever ran an instruction."""
    attempt.start(f"cat '{attempt.folder}/started.json'; echo; echo $$", PATH, HOUR)
    ended(attempt)
    text, pid = attempt.output_tail(1000).decode().splitlines()
    assert json.loads(text)["child"]["pid"] == int(pid)


def test_end_is_seen_by_an_engine_that_came_later(attempt: Attempt, tmp_path: Path) -> None:
    """The engine is killed, its session with it; the command goes on and its exit code is kept."""
    go = fifo(tmp_path, "go")
    engine = (
        "import sys; from pathlib import Path; from aihummer_drtui.engine.attempt import Attempt\n"
        f"Attempt(Path(sys.argv[1])).start('read x < {go}; exit 5', {PATH!r}, 3600)\n"
        "print('started', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", engine, str(attempt.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        os.killpg(process.pid, signal.SIGHUP)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    seen = running(attempt)
    os.kill(seen.supervisor.pid, signal.SIGHUP)
    os.kill(seen.supervisor.pid, signal.SIGINT)
    assert attempt.look() == seen
    go.write_text("go\n")
    assert ended(attempt).code == 5


def test_killed_supervisor_leaves_an_orphan_and_then_a_loss(attempt: Attempt, tmp_path: Path) -> None:
    """An outcome that nobody can see is never guessed, neither while the command runs nor after."""
    go = fifo(tmp_path, "go")
    attempt.start(f"read x < {go}", PATH, HOUR)
    seen = running(attempt)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    assert attempt.look() == Orphaned(child=seen.child)
    descriptor = attempt.wait_descriptor()
    assert descriptor is not None
    go.write_text("go\n")
    assert select.select([descriptor], [], [], 30)[0]
    os.close(descriptor)
    assert attempt.look() == Lost(why="it and its supervisor were killed")


def test_orphan_can_be_stopped(attempt: Attempt) -> None:
    """A command without a supervisor can still be asked to end."""
    attempt.start("sleep 300", PATH, HOUR)
    seen = running(attempt)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    assert attempt.stop()
    gone(seen.child)
    assert isinstance(attempt.look(), Lost)
    assert not attempt.stop()


def test_loss_names_what_still_runs(attempt: Attempt, tmp_path: Path) -> None:
    """Where a part of the command goes on, the operator is told before anything is run again."""
    ready = fifo(tmp_path, "ready")
    attempt.start(f"sleep 300 & echo $! > {ready}; wait", PATH, HOUR)
    sleeper = int(ready.read_text())
    seen = running(attempt)
    for process in (seen.supervisor, seen.child):
        os.kill(process.pid, signal.SIGKILL)
        gone(process)
    found = attempt.look()
    assert isinstance(found, Lost)
    assert found.why.endswith(f"still run: {sleeper}")
    os.kill(sleeper, signal.SIGKILL)


def test_s03_restart_of_the_machine_is_a_loss(attempt: Attempt) -> None:
    """After a reboot nobody is taken for the command, though its number is in use again."""
    attempt.start("true", PATH, HOUR)
    ended(attempt)
    path = attempt.folder / "started.json"
    path.write_bytes(path.read_bytes().replace(b'"boot_id": "', b'"boot_id": "0'))
    (attempt.folder / "ended.json").unlink()
    assert attempt.look() == Lost(why="the machine was restarted while it ran")


def test_background_work_is_let_be(attempt: Attempt, tmp_path: Path) -> None:
    """`aihummer up` leaves services that hold the output: its end is its own, and they live on."""
    ready = fifo(tmp_path, "ready")
    attempt.start(f"sleep 300 & echo $! > {ready}", PATH, HOUR)
    sleeper = ProcessIdentity.of(int(ready.read_text()))
    assert ended(attempt).code == 0
    assert sleeper.is_alive()
    os.kill(sleeper.pid, signal.SIGKILL)


def test_stop_ends_the_whole_group(attempt: Attempt, tmp_path: Path) -> None:
    """What the operator stops is over with all its parts, also those that the shell forgot."""
    ready = fifo(tmp_path, "ready")
    attempt.start(f"sleep 300 & echo $! > {ready}; wait", PATH, HOUR)
    sleeper = ProcessIdentity.of(int(ready.read_text()))
    assert attempt.stop()
    end = ended(attempt)
    assert (end.kind, end.code) == (EndKind.STOPPED, signal.SIGTERM)
    assert not sleeper.is_alive()


def test_stop_lets_a_command_clean_up(attempt: Attempt, tmp_path: Path) -> None:
    """A command that undoes its work on TERM has the grace to do so, and is reported as stopped."""
    ready, never = fifo(tmp_path, "ready"), fifo(tmp_path, "never")
    attempt.start(f"trap 'echo cleaned; exit 3' TERM; echo > {ready}; read x < {never}", PATH, HOUR)
    ready.read_text()
    attempt.stop()
    end = ended(attempt)
    assert (end.kind, end.code) == (EndKind.STOPPED, signal.SIGTERM)
    assert attempt.output_tail(8) == b"cleaned\n"


def test_command_that_ignores_the_stop_is_killed(attempt: Attempt, tmp_path: Path) -> None:
    """After the grace nothing of it is left."""
    ready = fifo(tmp_path, "ready")
    attempt.start(f"trap '' TERM; echo > {ready}; while :; do sleep 300; done", PATH, HOUR, grace=0.2)
    ready.read_text()
    attempt.stop()
    end = ended(attempt)
    assert (end.kind, end.code) == (EndKind.STOPPED, signal.SIGKILL)


def test_s08_stopped_group_is_woken_to_end(attempt: Attempt) -> None:
    """A command that was suspended can be ended too."""
    attempt.start("kill -STOP $$; exit 0", PATH, HOUR)
    attempt.stop()
    assert ended(attempt).kind in (EndKind.STOPPED, EndKind.EXITED)


def test_time_out_ends_the_command(attempt: Attempt) -> None:
    """A command that hangs becomes a failure with its own name, never a pass."""
    attempt.start("sleep 300", PATH, 0.2)
    end = ended(attempt)
    assert (end.kind, end.code) == (EndKind.TIMED_OUT, signal.SIGTERM)
    assert 0.2 <= end.took < 10


def test_command_that_cannot_be_executed_is_not_started(attempt: Attempt) -> None:
    """What the kernel refuses to run is told with its errno: nothing happened."""
    attempt.start("echo ran", {**PATH, "VALUE": "x" * 200_000}, HOUR)
    end = ended(attempt)
    assert (end.kind, end.code) == (EndKind.NOT_STARTED, 7)
    assert attempt.output_tail(10) == b""


@pytest.mark.parametrize("environment", [{"A": "a\0b"}, {"A=B": "x"}], ids=["nul", "equals"])
def test_impossible_environment_is_not_started(attempt: Attempt, environment: dict[str, str]) -> None:
    """A value that no process can be given is never cut short silently."""
    attempt.start("echo ran", environment, HOUR)
    end = ended(attempt)
    assert end.kind == EndKind.NOT_STARTED
    assert attempt.output_tail(10) == b""


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """This process can open so many more while the block lasts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
    for one in free:
        os.close(one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free) + 1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def open_descriptors() -> set[str]:
    """The numbers of those that this process has open."""
    return {one.name for one in Path("/proc/self/fd").iterdir()}


def test_j15_start_without_descriptors_leaves_none_open(tmp_path: Path) -> None:
    """However often it is tried: what a try that failed leaves open would be missing at the next one."""
    before = open_descriptors()
    for left in range(1, 8):
        one = Attempt(tmp_path / "attempts" / f"work.swap.{left}")
        with descriptors_left(left), pytest.raises(PreconditionError, match="Too many open files"):
            one.start("true", PATH, HOUR)
        assert one.look() == NotStarted()
        assert open_descriptors() == before


def test_attempt_is_started_once(attempt: Attempt) -> None:
    """The same attempt never runs twice, whatever the engine believes."""
    attempt.start("true", PATH, HOUR)
    with pytest.raises(PreconditionError, match="started before"):
        attempt.start("true", PATH, HOUR)
    ended(attempt)


def test_start_that_fails_ran_nothing(tmp_path: Path, attempt: Attempt) -> None:
    """Whatever keeps the supervisor from its work, the command has then not begun."""
    with pytest.raises(PreconditionError, match=r"not started: .*surrogates"):
        attempt.start("true", {"A": "\ud800"}, HOUR)
    with pytest.raises(PreconditionError, match="not started: No such file"):
        Attempt(tmp_path / "missing" / "attempts" / "x.1").start("true", PATH, HOUR)


def test_missing_working_folder_is_not_started(attempt: Attempt, tmp_path: Path) -> None:
    """A command never runs somewhere else than it was told to."""
    attempt.start("echo ran", PATH, HOUR, working_folder=tmp_path / "missing")
    end = ended(attempt)
    assert (end.kind, end.code) == (EndKind.NOT_STARTED, 2)
    assert attempt.output_tail(10) == b""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_j08_j09_full_disk_starts_nothing_but_keeps_the_end(tmp_path: Path) -> None:
    """Without room for `started` nothing runs; a command that fills the disk still has its end."""
    program = """
import os, select, sys
from pathlib import Path
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.errors import PreconditionError
root = Path(sys.argv[1])
first = Attempt(root / "attempts" / "x.1")
first.start("cat /dev/zero", {"PATH": "/usr/bin:/bin"}, 60)
descriptor = first.wait_descriptor()
if descriptor is not None:
    select.select([descriptor], [], [])
print(first.look())
second = Attempt(root / "attempts" / "x.2")
try:
    second.start("true", {}, 60)
except PreconditionError as error:
    print(error.what)
print(second.look())
"""
    script = 'mount -t tmpfs -o size=256k tmpfs "$0" && exec "$@"'
    call = ["unshare", "-rm", "sh", "-c", script, str(tmp_path), sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()[-200:]}")
    end, refused, state = done.stdout.splitlines()
    assert "EndKind.EXITED" in end
    assert "code=1" in end
    assert refused == "the command was not started: No space left on device"
    assert state == "NotStarted()"


def test_supervisor_that_dies_at_once_is_told(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An interpreter that does not work is no started command."""
    monkeypatch.setattr(attempt_module, "INTERPRETER", ("/bin/false",))
    with pytest.raises(PreconditionError, match="its supervisor died"):
        attempt.start("true", PATH, HOUR)
    assert attempt.look() == NotStarted()
    monkeypatch.setattr(attempt_module, "INTERPRETER", (str(tmp_path / "missing"),))
    with pytest.raises(PreconditionError, match="No such file"):
        Attempt(attempt.folder.with_name("x.2")).start("true", PATH, HOUR)


def test_engine_killed_between_order_and_start_is_told_apart(attempt: Attempt, tmp_path: Path) -> None:
    """An engine that dies while the supervisor starts up leaves a truth that is still to come."""
    attempt.folder.mkdir(parents=True)
    order = {
        "script": str(tmp_path / "script"),
        "environment": PATH,
        "time_out": HOUR,
        "grace": 1,
        "working_folder": "/",
    }
    (tmp_path / "script").write_text("exit 4")
    pipe = fifo(attempt.folder, "order.json")
    lock = os.open(attempt.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    assert try_lock(lock)
    reader, writer = os.pipe()
    os.close(reader)  # As when the engine is gone.
    call = [sys.executable, supervisor.__file__, str(attempt.folder), *map(str, (lock, writer, 0))]
    subprocess.run(call, pass_fds=(lock, writer), input=b"[]", check=True)
    os.close(lock)
    os.close(writer)
    assert attempt.look() == Starting()
    assert attempt.wait_descriptor() is None
    pipe.write_text(json.dumps(order))
    assert ended(attempt).code == 4


def test_order_that_is_no_order_is_told(attempt: Attempt) -> None:
    """A supervisor that cannot do its work says why, in its log too, and starts nothing."""
    attempt.folder.mkdir(parents=True)
    (attempt.folder / "order.json").write_text("{}")
    lock = os.open(attempt.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    reader, writer = os.pipe()
    call = [sys.executable, supervisor.__file__, str(attempt.folder), *map(str, (lock, writer, 0))]
    log = attempt.folder / "supervisor.log"
    with log.open("wb") as talk, os.fdopen(reader, "rb") as said:
        subprocess.run(call, pass_fds=(lock, writer), input=b"[]", stderr=talk, check=True)
        os.close(lock)
        os.close(writer)
        assert said.read() == b"KeyError: 'script'"
    assert log.read_text().rstrip().endswith("KeyError: 'script'")
    assert attempt.look() == NotStarted()


def test_s03_process_that_is_gone_is_not_signalled() -> None:
    """A number that was given again is never sent a signal meant for somebody else."""
    mine = ProcessIdentity.of(os.getpid())
    for other in (msgspec.structs.replace(mine, start_ticks=1), msgspec.structs.replace(mine, pid=0x3FFFFF)):
        assert not attempt_module._signalled(other)


def test_output_and_progress_are_read_while_it_runs(attempt: Attempt, tmp_path: Path) -> None:
    """Long work shows where it is; half lines, nonsense and terminal control do no harm."""
    assert attempt.output_tail(10) == b""
    assert attempt.progress() is None
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    line = json.dumps({"phase": "co\x1b]0;x\x07py", "done": 5, "total": 9, "unit": "by\ntes", "elapsed": 1.5})
    script = f"""
        echo one; echo two
        printf '%s\\n' '{line}' nonsense >&3
        printf '{{"phase": "half' >&3
        echo > {ready}; read x < {go}
    """
    attempt.start(script, PATH, HOUR)
    ready.read_text()
    assert attempt.output_tail(4) == b"two\n"
    assert attempt.output_tail(100) == b"one\ntwo\n"
    assert attempt.progress() == Progress(
        phase="co\\x1b]0;x\\x07py", done=5, total=9, unit="by\\ntes", elapsed=1.5
    )
    go.write_text("go\n")
    assert ended(attempt).code == 0


def test_nonsense_alone_is_no_progress(attempt: Attempt) -> None:
    """A command that says nothing understandable simply has no bar."""
    attempt.start("echo nonsense >&3", PATH, HOUR)
    ended(attempt)
    assert attempt.progress() is None


def test_supervisor_starts_without_this_package(attempt: Attempt) -> None:
    """An upgrade or a broken installation does not touch a supervisor; it needs only the interpreter."""
    attempt.start("exit 6", PATH, HOUR)
    assert ended(attempt).code == 6
    assert (attempt.folder / "supervisor.log").read_bytes() == b""
    imports = "import sys; exec(sys.stdin.read(), {'__name__': 'supervisor'}); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", imports],
        input=Path(supervisor.__file__).read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    for heavy in ("aihummer_drtui", "pathlib", "typing", "subprocess", "asyncio"):
        assert f"'{heavy}'" not in done.stdout
