"""One attempt at a command: started under a supervisor, looked at truthfully after any crash.

The supervisor holds the lock of the attempt's folder from before its birth (the engine takes the
lock and bequeaths the descriptor) until the end is stored. So what `look` says never depends on
who was killed when: a lock that nobody holds and no `started.json` means that the script's first
instruction was never run.
"""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.engine.clock import ProcessIdentity, boot_id, session_members
from aihummer_drtui.engine.kernel_lock import is_locked, try_lock
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.events import EndKind
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
    errno.ENFILE: "raise the host's limit of open files (`sysctl fs.file-max`)",
}
"""What to do where the host did not let a command start."""


@dataclass(frozen=True, kw_only=True)
class NotStarted:
    """No instruction of the script was ever run, and none will be."""


@dataclass(frozen=True, kw_only=True)
class Starting:
    """A supervisor is at work and the command has not begun."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """The command runs (or has just ended) and its end will be stored."""

    child: ProcessIdentity
    supervisor: ProcessIdentity


@dataclass(frozen=True, kw_only=True)
class Orphaned:
    """The command runs, but its supervisor is gone: nobody will see how it ends."""

    child: ProcessIdentity


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The true end, as `CommandEnded` wants it."""

    kind: EndKind
    code: int
    took: float


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The command was started, runs no more, and nobody saw how it ended."""

    why: str


Look: TypeAlias = NotStarted | Starting | Running | Orphaned | Ended | Lost


class _Order(msgspec.Struct, frozen=True, kw_only=True):
    script: str
    environment: dict[str, str]
    time_out: float
    grace: float
    working_folder: str


_STARTED: Final = msgspec.json.Decoder(Running)
_ENDED: Final = msgspec.json.Decoder(Ended)
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
        try:
            return self._ended() or self._look_at_processes()
        except OSError as error:
            raise PreconditionError(
                f"the attempt cannot be looked at: {error.strerror or error}",
                where=str(self.folder),
                hint="look whether the run's folder is still there and yours",
            ) from error

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

    def _ended(self) -> Ended | Lost | None:
        try:
            return _ENDED.decode((self.folder / "ended.json").read_bytes())
        except FileNotFoundError:
            return None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Lost(why=f"its stored end is not readable: {error}")

    def _look_at_processes(self) -> Look:
        supervised = self._is_supervised()
        try:
            started = _STARTED.decode((self.folder / "started.json").read_bytes())
        except FileNotFoundError:
            return Starting() if supervised else NotStarted()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Lost(why=f"which process it was is not readable: {error}")
        if supervised:
            return started
        # The end may have been stored between the first look and the one at the lock.
        if ended := self._ended():  # pragma: no cover - some microseconds wide
            return ended
        if started.child.is_alive():
            return Orphaned(child=started.child)
        return Lost(why=_why_lost(started.child))

    def _is_supervised(self) -> bool:
        descriptor = _opened(self.folder / "lock")
        if descriptor is None:
            return False
        try:
            return is_locked(descriptor)
        finally:
            os.close(descriptor)

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


def _why_lost(child: ProcessIdentity) -> str:
    if child.boot_id != boot_id():
        return "the machine was restarted while it ran"
    left = session_members(child.pid)
    if not left:
        return "it and its supervisor were killed"
    return f"it and its supervisor were killed; of its processes these still run: {', '.join(map(str, left))}"


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


def _opened(path: Path) -> int | None:
    try:
        return open_private(path, os.O_RDONLY, read_only=True)
    except FileNotFoundError:
        return None


def _tail(path: Path, count: int) -> bytes:
    descriptor = _opened(path)
    if descriptor is None:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - count))
        return file.read(count)
