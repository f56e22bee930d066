# ruff: noqa: PTH104, PTH123, PTH208 - pathlib would take as long to import as all the rest of this program
"""Starts one command and stores durably how it ended, whatever becomes of the engine.

A program of its own (`python -I -S supervisor.py ATTEMPT_FOLDER LOCK_FD READY_FD SECRETS_FD`) that
imports nothing of this package, so that it starts fast and an upgrade of the package under a running
command cannot hurt it; so it is one module, however long. Where there are secrets to mask, three small
modules of this package come in before the command's start.
What it leaves in the attempt's folder is read by `attempt_seen`, but for what the command wrote:

order.json     read: what to start and how (written by the engine, 0600)
started.json   which process the command is: durable *before* the script's first instruction
ended.json     how it ended: durable, in room that was taken before the start
output         what the command wrote to stdout and stderr, the secrets of SECRETS_FD masked
progress       JSON lines that it wrote to the descriptor DRTUI_PROGRESS_FD, likewise

It lets go of the engine (session, terminal, parent), ignores a hang-up, and ends the command's
process group on SIGTERM or after the time-out: TERM, a time of grace, KILL. What the command left
running in the background when it ended by itself is let be.
"""

import contextlib
import errno
import fcntl
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aihummer_drtui.engine.masked_output import Masked

# Repeats run.events.EndKind; a test holds the two together.
EXITED = "exited"
SIGNALLED = "signalled"
TIMED_OUT = "timed out"
STOPPED = "stopped"
NOT_STARTED = "not started"

PROGRESS_FD = 3
_ABOVE_CHILD = 10
"""Own descriptors lie from here on, out of the way of the four that the command gets."""
_ENDED_ROOM = 4096
_LOOK_AGAIN = 0.05
"""Seconds between looks at a process group that is ending: its members are not our children."""
_WATCHED = {signal.SIGCHLD, signal.SIGTERM}


class Straight:
    """A command that writes into its files: where no secret is known, nothing stands between."""

    def __init__(self, *files: int) -> None:
        self.writers = files

    def given(self) -> None:
        """The command has its ends; let go of ours."""
        for descriptor in self.writers:
            os.close(descriptor)

    def tend(self) -> None:
        """Nothing needs care."""

    def settle(self) -> None:
        """What was written is stored already."""


class Order:
    """What to start, as the engine wrote it."""

    def __init__(self, text: bytes) -> None:
        read = json.loads(text)
        self.script: str = read["script"]
        self.environment: dict[str, str] = read["environment"]
        self.working_folder: str = read["working_folder"]
        self.time_out: float = read["time_out"]
        self.grace: float = read["grace"]


def main(folder: str, lock: int, ready: int, secrets: int) -> None:
    """Run the order in `folder`; hold the descriptor `lock` until the end is stored.

    `secrets` gives a JSON list of what must not be stored, each in hexadecimal.
    """
    if os.fork():  # pragma: no cover - ends at once, unmeasured
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    os.chdir(folder)
    for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(ignored, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    lock, ready = _out_of_the_way(lock), _out_of_the_way(ready)
    try:
        with os.fdopen(secrets, "rb") as told:
            needles = [bytes.fromhex(one) for one in json.load(told)]
        order, outlets, child, gate, failure = prepare(needles)
    except Exception as error:
        with contextlib.suppress(OSError):  # The engine may be gone; then nobody needs to be told.
            os.write(ready, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        raise
    # Said before the gate opens: an engine that does not hear it knows that nothing was run.
    with contextlib.suppress(OSError):
        os.write(ready, b"started")
    os.close(ready)
    see_through(order, outlets, child, gate, failure)


def prepare(needles: list[bytes]) -> "tuple[Order, Straight | Masked, int, int, int]":
    """Make everything durable that must be before the command's first instruction."""
    with open("order.json", "rb") as file:
        order = Order(file.read())
    keep_room_for_the_end()
    outlets = outlets_for(needles)
    child, gate, failure = fork_child(order, outlets)
    write_durably("started.json", {"child": identity(child), "supervisor": identity(os.getpid())})
    return order, outlets, child, gate, failure


def outlets_for(needles: list[bytes]) -> "Straight | Masked":
    """Give what the command writes to: its files, or what stands before them to mask."""
    files = (_append_to("output"), _append_to("progress"))
    if not needles:
        return Straight(*files)
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    # Behind the standard library, which is all that a bare interpreter is given.
    sys.path.append(os.path.dirname(package))  # noqa: PTH120
    from aihummer_drtui.engine.masked_output import Masked
    from aihummer_drtui.privacy import keep_private

    keep_private()
    return Masked(files, (_pipe(), _pipe()), needles)


def see_through(order: Order, outlets: "Straight | Masked", child: int, gate: int, failure: int) -> None:
    """Let the command begin, wait for its end, store it."""
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    os.write(gate, b"go")
    os.close(gate)
    refused = os.read(failure, 16)
    if refused:
        os.waitpid(child, 0)
        kind, code = NOT_STARTED, int(refused)
    else:
        kind, code = wait_for_end(child, order.time_out, order.grace, outlets.tend)
    took = time.clock_gettime(time.CLOCK_BOOTTIME) - began
    outlets.settle()
    store_end(kind, code, took)


def fork_child(order: Order, outlets: "Straight | Masked") -> tuple[int, int, int]:
    """Fork the command's process; it waits for the gate to open, and dies with us before.

    Gives its number, the descriptor that opens the gate, and one that tells the errno of a failed start.
    """
    gate_out, gate = _pipe()
    failure, failure_in = _pipe()
    null = _out_of_the_way(os.open(os.devnull, os.O_RDWR))
    child = os.fork()
    if child == 0:  # pragma: no cover - becomes another program, unmeasured
        try:
            os.close(gate)
            if os.read(gate_out, 2):
                become(order, null, *outlets.writers)
        except (OSError, ValueError) as error:
            os.write(failure_in, b"%d" % (getattr(error, "errno", None) or errno.EINVAL))
        finally:
            os._exit(127)
    for descriptor in (gate_out, failure_in, null):
        os.close(descriptor)
    outlets.given()
    return child, gate, failure


def become(order: Order, null: int, output: int, progress: int) -> None:  # pragma: no cover - as above
    """Turn this process into the command. Raises OSError when it cannot be executed."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in range(1, signal.NSIG):
        # Python ignores SIGPIPE and SIGXFSZ, we ignore more; a command expects the defaults.
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for descriptor, source in enumerate((null, output, output, progress)):
        os.dup2(source, descriptor, inheritable=True)
    os.chdir(order.working_folder)
    environment = {name.encode(): value.encode() for name, value in order.environment.items()}
    environment[b"DRTUI_PROGRESS_FD"] = b"%d" % PROGRESS_FD
    os.execve("/bin/sh", ["sh", "-eu", order.script], environment)  # noqa: S606 - this is the shell


def wait_for_end(child: int, time_out: float, grace: float, tend: Callable[[], None]) -> tuple[str, int]:
    """Give the kind and the code of the child's end; end it after `time_out` or on SIGTERM.

    `tend` is called whenever a child of ours may have died.
    """
    deadline = time.monotonic() + time_out
    while not _is_over(child):
        tend()
        left = deadline - time.monotonic()
        arrived = signal.sigtimedwait(_WATCHED, left) if left > 0 else None
        if _is_over(child):
            break
        if arrived is not None and arrived.si_signo == signal.SIGTERM:
            return STOPPED, end_group(child, grace)
        if time.monotonic() >= deadline:
            return TIMED_OUT, end_group(child, grace)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return SIGNALLED, os.WTERMSIG(status)
    return EXITED, os.WEXITSTATUS(status)


def end_group(child: int, grace: float) -> int:
    """End the child's whole process group; give the last signal that it took.

    The child is asked for its end last: until then its number, which is the group's, stays taken.
    """
    _signal_group(child, signal.SIGTERM)
    _signal_group(child, signal.SIGCONT)
    last = signal.SIGTERM
    deadline = time.monotonic() + grace
    while _group_lives(child):
        left = deadline - time.monotonic()
        if left <= 0:
            last = signal.SIGKILL
            _signal_group(child, signal.SIGKILL)
            break
        signal.sigtimedwait({signal.SIGCHLD}, min(left, _LOOK_AGAIN))
    os.waitpid(child, 0)
    return int(last)


def _signal_group(group: int, number: int) -> None:
    # A command may have become another account (sudo): then it is not ours to end, only to wait for.
    with contextlib.suppress(PermissionError):
        os.killpg(group, number)


def _is_over(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _group_lives(group: int) -> bool:
    for name in os.listdir("/proc"):
        fields = _stat(name) if name.isdigit() else None
        if fields and fields[0] not in "ZXx" and int(fields[2]) == group:
            return True
    return False


def _stat(process: str) -> list[str] | None:
    """Give the fields of /proc/pid/stat behind the name (proc_pid_stat(5)), or None when it is gone."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def identity(process: int) -> dict[str, int | str]:
    """Name a process that lives as engine.clock.ProcessIdentity does."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    fields = _stat(str(process))
    if fields is None:  # pragma: no cover - neither we nor a child that was not waited for can be gone
        raise ProcessLookupError(errno.ESRCH, "the process is gone")
    return {"pid": process, "start_ticks": int(fields[19]), "boot_id": boot_id}


def keep_room_for_the_end() -> None:
    """Take the room of ended.json now, so that a disk the command fills does not cost its outcome."""
    descriptor = os.open(".ended", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.posix_fallocate(descriptor, 0, _ENDED_ROOM)
    os.fsync(descriptor)
    os.close(descriptor)


def store_end(kind: str, code: int, took: float) -> None:
    """Make ended.json appear whole and durable, in the room that was kept for it."""
    descriptor = os.open(".ended", os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    text = json.dumps({"kind": kind, "code": code, "took": round(took, 3)}).encode()
    os.pwrite(descriptor, text.ljust(_ENDED_ROOM), 0)
    os.fsync(descriptor)
    os.close(descriptor)
    _put(".ended", "ended.json")


def write_durably(name: str, content: object) -> None:
    """Write JSON beside, sync, rename, sync the folder: as durable.write_durably, which we cannot import."""
    descriptor = os.open(f".{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.dumps(content).encode())
        file.flush()
        os.fsync(file.fileno())
    _put(f".{name}", name)


def _put(source: str, name: str) -> None:
    os.rename(source, name)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(folder)
    os.close(folder)


def _append_to(name: str) -> int:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return _out_of_the_way(os.open(name, flags, 0o600))


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe()
    return _out_of_the_way(reader), _out_of_the_way(writer)


def _out_of_the_way(descriptor: int) -> int:
    """Give a copy of the descriptor that no child inherits and that lies above the child's own."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE_CHILD)
    os.close(descriptor)
    return copy


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
