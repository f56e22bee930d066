"""Other people's programs: started with an allow-listed environment, bounded in time and output."""

import errno
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

from aihummer_drtui.foreign import cleaned_bytes
from aihummer_drtui.masking import masker_of
from aihummer_drtui.recovery.ending import bound_to_us
from aihummer_drtui.recovery.known_secrets import known_secrets
from aihummer_drtui.recovery.target import Target

_INHERITED: Final = (
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "NO_COLOR",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""What a program needs to be itself; the two of the session bus are for `systemctl --user`."""
_GRACE: Final = 2.0
"""Seconds between asking a program to end and ending it."""


class ChildEnd(Enum):
    """How a program ended."""

    EXITED = "exited"
    SIGNALLED = "ended by a signal"
    TIMED_OUT = "timed out"
    NOT_STARTED = "could not be started"


@dataclass(frozen=True, kw_only=True)
class ChildResult:
    """What a program did; `succeeded` is the only green."""

    end: ChildEnd
    code: int
    """Exit code, signal number, or errno where it could not be started."""
    output: str
    """Standard output and error together, cleaned, cut at the limit."""
    took: float
    """Seconds."""

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.end is ChildEnd.EXITED and self.code == 0

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        match self.end:
            case ChildEnd.EXITED:
                return f"exit code {self.code}"
            case ChildEnd.SIGNALLED:
                return f"ended by signal {self.code}"
            case ChildEnd.TIMED_OUT:
                return f"did not end within {self.took:.0f} s"
            case ChildEnd.NOT_STARTED:
                return f"could not be started: {os.strerror(self.code)}"

    @property
    def last_line(self) -> str:
        """The last line it wrote that is not blank, or nothing."""
        return next((line.strip() for line in reversed(self.output.split("\n")) if line.strip()), "")


def child_environment(target: Target) -> dict[str, str]:
    """What every program of the target is given: allow-listed variables and the target's PATH. No secrets."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**kept, "PATH": os.pathsep.join((*map(str, target.path), os.environ.get("PATH", os.defpath)))}


def run_child(
    arguments: Sequence[str],
    target: Target,
    *,
    seconds: float,
    limit: int = 64_000,
    folder: Path | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> ChildResult:
    """Run a program to its end, or for `seconds`; then its whole process group is ended.

    At most `limit` bytes of output are kept, the rest is read and dropped; the target's secrets are masked
    in it. `more` is given to it beside the allow-listed variables. Raises nothing; what
    ends us (an exception, our death) ends it first.
    """
    environment = {**child_environment(target), **more}
    began = time.monotonic()
    try:
        child = subprocess.Popen(
            bound_to_us(_found(arguments, environment["PATH"]), environment["PATH"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        code = error.errno if isinstance(error, OSError) and error.errno else 22
        return ChildResult(end=ChildEnd.NOT_STARTED, code=code, output="", took=0.0)
    assert child.stdout is not None  # noqa: S101 - asked for above
    watch = os.pidfd_open(child.pid)
    with child.stdout as pipe, os.fdopen(watch, "rb", buffering=0):
        try:
            data, in_time = _listen(watch, pipe, began + seconds, limit)
        except BaseException:
            _end_group(child.pid, watch)
            child.wait()
            raise
        if not in_time:
            _end_group(child.pid, watch)
    took = time.monotonic() - began
    output = cleaned_bytes(masker_of(known_secrets(target, {})).masked(data[:limit]))
    code = child.wait()
    if not in_time:
        return ChildResult(end=ChildEnd.TIMED_OUT, code=abs(code), output=output, took=took)
    end = ChildEnd.EXITED if code >= 0 else ChildEnd.SIGNALLED
    return ChildResult(end=end, code=abs(code), output=output, took=took)


def _found(arguments: Sequence[str], path: str) -> list[str]:
    # Popen looks a bare name up in *our* PATH, not in the one the child is given, and blames the rights
    # on a folder of it that we may not read.
    import shutil

    program = shutil.which(arguments[0], path=path) if "/" not in arguments[0] else arguments[0]
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), arguments[0])
    return [program, *arguments[1:]]


def _listen(watch: int, pipe: IO[bytes], until: float, limit: int) -> tuple[bytes, bool]:
    """Read until the program itself has ended, even if one of its own children keeps the pipe open."""
    data = b""
    os.set_blocking(pipe.fileno(), False)
    with selectors.DefaultSelector() as waiting:
        waiting.register(watch, selectors.EVENT_READ)
        waiting.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            ready = {key.fileobj for key, _ in waiting.select(left)}
            if pipe in ready:
                chunk = os.read(pipe.fileno(), 65_536)
                data += chunk[: max(0, limit - len(data))]
                if not chunk:
                    waiting.unregister(pipe)
            elif watch in ready:
                return data, True
    return data, False


def _end_group(group: int, watch: int) -> None:
    """Ask the process group to end, then end it; its leader is not reaped, so its number stays its own."""
    os.killpg(group, signal.SIGTERM)
    with selectors.DefaultSelector() as waiting:
        waiting.register(watch, selectors.EVENT_READ)
        waiting.select(_GRACE)
    os.killpg(group, signal.SIGKILL)
