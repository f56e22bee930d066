"""One attempt at a command: started under a supervisor, stopped, and followed in what it writes.

The supervisor holds the lock of the attempt's folder from before its birth (the engine takes the
lock and bequeaths the descriptor) until the end is stored: that is what `attempt_seen` goes by.
"""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.engine.attempt_seen import Look, Orphaned, Running, look
from aihummer_drtui.engine.clock import ProcessIdentity
from aihummer_drtui.engine.kernel_lock import try_lock
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.progress import Progress

GRACE: Final = 10.0
"""Seconds between asking a command to end and killing it."""
INTERPRETER: Final = (sys.executable, "-I", "-S")
SUPERVISOR_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8"}
"""The supervisor's own; the command gets what `start` is given."""
_SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")
_PROGRESS_TAIL: Final = 65_536
_MEND: Final = {
    errno.ENOSPC: "free some space there (`df`, `df -i`)",
    errno.EDQUOT: "free some space there (`quota`)",
    errno.EROFS: "make that disk writable (`dmesg`, `mount`)",
    errno.EIO: "look at that disk (`dmesg`)",
    errno.EMFILE: "raise the engine's limit of open files (`prlimit --nofile`)",
    errno.EAGAIN: "raise the engine's limit of processes (`TasksMax=`, `ulimit -u`), or end what fills it",
    errno.ENFILE: "raise the host's limit of open files (`sysctl fs.file-max`)",
}
"""What to do where the host did not let a command start."""


class _Order(msgspec.Struct, frozen=True, kw_only=True):
    script: str
    environment: dict[str, str]
    time_out: float
    grace: float
    working_folder: str


_PROGRESS: Final = msgspec.json.Decoder(Progress)


class Attempt:
    """An attempt's folder, `RunFolder.attempt(...)`; it need not exist before `start`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"

    def start(
        self,
        script: str,
        environment: dict[str, str],
        time_out: float,
        *,
        grace: float = GRACE,
        working_folder: Path = Path("/"),
        secrets: Collection[bytes] = (),
    ) -> None:
        """Start `sh -eu` on the script under a supervisor; return when started.json is durable.

        The command gets exactly `environment`, and DRTUI_PROGRESS_FD. What it writes is stored without any
        of the byte strings in `secrets`. It blocks for some tens of milliseconds (longer on a slow disk).
        Raises PreconditionError when the attempt was started before or could not be: then no instruction of
        the script was run.
        """
        try:
            lock = self._prepare(script, environment, time_out, grace, working_folder)
            try:
                said = self._launch(lock, secrets)
            finally:
                os.close(lock)
        except FileExistsError as error:
            raise self._not_started("this attempt was started before") from error
        except OSError as error:
            raise self._not_started(error.strerror or str(error), error.errno) from error
        except ValueError as error:
            raise self._not_started(str(error)) from error
        if said != "started":
            raise self._not_started(said or "its supervisor died")

    def look(self) -> Look:
        """Say the truth as it is now. Raises PreconditionError when the folder cannot be read."""
        return look(self.folder)

    def stop(self) -> bool:
        """Ask the command to end (TERM, after the grace KILL); False when there is nothing to ask.

        An orphan's group gets TERM only: nobody is there to wait for the grace.
        """
        match self.look():
            case Running(supervisor=supervisor):
                return _signalled(supervisor)
            case Orphaned(child=child):
                os.killpg(child.pid, signal.SIGTERM)
                return True
            case _:
                return False

    def wait_descriptor(self) -> int | None:
        """A descriptor that becomes readable when the supervisor (or the orphan) ends.

        For `loop.add_reader`; the caller closes it. None when neither lives: look at once.
        """
        match self.look():
            case Running(supervisor=process) | Orphaned(child=process):
                return process.descriptor()
            case _:
                return None

    def output_tail(self, count: int) -> bytes:
        """The last `count` bytes of the output, raw: to be cleaned before they are shown."""
        return _tail(self.output, count)

    def progress(self) -> Progress | None:
        """Where the command last said it is; None while it has not said anything understandable."""
        lines = _tail(self.folder / "progress", _PROGRESS_TAIL).split(b"\n")[:-1]
        for line in reversed(lines):
            try:
                said = _PROGRESS.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            return msgspec.structs.replace(
                said, phase=cleaned_line(said.phase), unit=cleaned_line(said.unit, 40)
            )
        return None

    def _prepare(
        self, script: str, environment: dict[str, str], time_out: float, grace: float, working_folder: Path
    ) -> int:
        """Make the folder with the order in it, and give the descriptor that holds its lock."""
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        sync_folder(self.folder.parent)
        path = self.folder / "script"
        write_durably(path, script.encode())
        order = _Order(
            script=str(path.absolute()),
            environment=environment,
            time_out=time_out,
            grace=grace,
            working_folder=str(working_folder),
        )
        write_durably(self.folder / "order.json", msgspec.json.encode(order))
        lock = open_private(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_EXCL)
        if not try_lock(lock):  # pragma: no cover - the folder is new and only ours
            os.close(lock)
            raise FileExistsError
        return lock

    def _launch(self, lock: int, secrets: Collection[bytes]) -> str:
        ready, said = os.pipe()
        with os.fdopen(ready, "rb") as answer:
            try:
                process = self._supervisor(lock, said, secrets)
            finally:
                os.close(said)
            heard = answer.read()
        process.wait()
        return heard.decode("utf-8", "replace")

    def _supervisor(self, lock: int, said: int, secrets: Collection[bytes]) -> "subprocess.Popen[bytes]":
        with _handed(secrets) as told:
            log = open_private(self.folder / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            words = (str(self.folder), *map(str, (lock, said, told)))
            with os.fdopen(log, "ab") as talk:
                return subprocess.Popen(
                    [*INTERPRETER, str(_SUPERVISOR), *words],
                    stdin=subprocess.DEVNULL,
                    stdout=talk,
                    stderr=talk,
                    pass_fds=(lock, said, told),
                    env=SUPERVISOR_ENVIRONMENT,
                    start_new_session=True,
                )

    def _not_started(self, why: str, number: int | None = None) -> PreconditionError:
        mend = _MEND.get(number or 0, "see supervisor.log there, put it right")
        return PreconditionError(
            f"the command was not started: {cleaned_line(why)}",
            where=str(self.folder),
            hint=f"nothing of it was run; {mend} and try again",
        )


@contextmanager
def _handed(secrets: Collection[bytes]) -> Iterator[int]:
    """A descriptor that gives them to a child: in memory, on no disk, in no argument or environment."""
    descriptor = os.memfd_create("drtui-masked", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode([one.hex() for one in secrets]))
        file.flush()
        file.seek(0)
        yield descriptor


def _signalled(process: ProcessIdentity) -> bool:
    descriptor = process.descriptor()
    if descriptor is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    except ProcessLookupError:  # pragma: no cover - it ended within some microseconds
        return False
    finally:
        os.close(descriptor)
    return True


def _tail(path: Path, count: int) -> bytes:
    try:
        descriptor = open_private(path, os.O_RDONLY, read_only=True)
    except FileNotFoundError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - count))
        return file.read(count)
