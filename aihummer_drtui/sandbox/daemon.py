"""The gateway as a background process: started in a session of its own, found again, stopped."""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line

_START_SECONDS: Final = 20
_STOP_SECONDS: Final = 5


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    start_ticks: int
    """Clock ticks from boot to its start (proc(5), stat, field 22)."""
    boot_id: str


def running_gateway(home: Path) -> Process | None:
    """The gateway that was started for `home` and still lives, or None."""
    try:
        process = msgspec.json.decode(_pid_file(home).read_bytes(), type=Process)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return process if _identify(process.pid) == process else None


def start_gateway(home: Path) -> Process:
    """Start the gateway of `home` and give it once it listens. Raises FailedError with its reason."""
    read_end, write_end = os.pipe()
    try:
        with (home / "gateway.log").open("ab") as log:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "aihummer_drtui.sandbox.gateway_process"),
                    *("--home", str(home), "--ready", str(write_end)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                pass_fds=(write_end,),
                start_new_session=True,
            )
    except OSError as error:
        os.close(read_end)
        raise FailedError(
            f"the gateway did not start: {error.strerror}",
            where=str(error.filename or home),
            hint="is that Python still installed, and the folder writable?",
        ) from error
    finally:
        os.close(write_end)
    with os.fdopen(read_end, "rb") as ready:
        said = ready.readline(500) if select.select([ready], [], [], _START_SECONDS)[0] else b""
    process = _identify(child.pid)
    if said != b"listening\n" or process is None:
        child.kill()
        child.wait()
        reason = cleaned_line(said.decode("utf-8", "backslashreplace").removeprefix("failed: ").strip())
        raise FailedError(
            f"the gateway did not start: {reason or 'it ended or said nothing'}",
            where=str(home / "gateway.log"),
            hint="read the log; is the port of AIHUMMER_GATEWAY_ADDR taken?",
        )
    # It lives on as a child of init when we end; Popen would warn that we never waited for it.
    child.returncode = 0
    return process


def record_ourselves(home: Path) -> None:
    """Called by the gateway before it says that it listens, so that it can always be found again."""
    write_durably(_pid_file(home), msgspec.json.encode(_identify(os.getpid())))


def stop_gateway(home: Path) -> bool:
    """End the gateway of `home`, politely, then at once; whether there was one."""
    process = running_gateway(home)
    if process is None:
        return False
    descriptor = os.pidfd_open(process.pid)
    try:
        # Between the look and the descriptor it may have ended and another taken its number.
        if _identify(process.pid) != process:
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            if select.select([descriptor], [], [], _STOP_SECONDS)[0]:
                break
    finally:
        os.close(descriptor)
    _pid_file(home).unlink(missing_ok=True)
    return True


def _pid_file(home: Path) -> Path:
    return home / "gateway.pid"


def _environment() -> dict[str, str]:
    """A service manager's: nothing of the operator's run or of another AiHummer leaks in."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIHUMMER_", "DRTUI_", "PG"))
    }


def _identify(pid: int) -> Process | None:
    """The process of that number as it is now, or None where there is none or it ended."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", "backslashreplace")
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = told.rpartition(")")[2].split()  # the name in parentheses may hold spaces
    if fields[0] in "ZX":
        return None
    return Process(pid=pid, start_ticks=int(fields[19]), boot_id=boot_id)
