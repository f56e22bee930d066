"""Who may act: one engine per run, one live run per target.

A lock is the kernel's (`kernel_lock`) on a file that is never removed, so it ends with its holder
and never by age. The text in the file only tells who it is; it is overwritten by the next holder.
A target's lock is held as long as the engine lives; whether a run is unfinished is said by its journal.
"""

import errno
import hashlib
import os
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.engine.clock import Clock, ProcessIdentity
from aihummer_drtui.engine.kernel_lock import is_locked, try_lock
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.errors import LockedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_HOLDER_BYTES: Final = 4096
"""More than any holder's text; the rest of a file that somebody filled is not read."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lock, told so that a person can go and find them."""

    lock: str
    """What an operator types to take over."""
    run: str
    operator: str
    since: str
    """ISO 8601, UTC."""
    process: ProcessIdentity

    @classmethod
    def this_process(cls, *, run: str, operator: str, clock: Clock) -> "Holder":
        """Name this process as a holder from now on, under a new lock id."""
        return cls(
            lock=secrets.token_hex(3),
            run=run,
            operator=operator,
            since=clock.wall(),
            process=ProcessIdentity.of(os.getpid()),
        )


_DECODER: Final = msgspec.json.Decoder(Holder)


class Lock:
    """A lock that this process holds until `release`, the end of a `with` block, or its death."""

    def __init__(self, path: Path, descriptor: int, holder: Holder) -> None:
        self.path = path
        self.holder = holder
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock back; the holder's text stays. Does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take_lock(path: Path, holder: Holder) -> Lock:
    """Take the lock of that file, at once or not at all.

    Raises LockedError naming the present holder, PreconditionError when the file cannot be used.
    """
    try:
        descriptor = _locked(path)
        try:
            text = msgspec.json.encode(holder) + b"\n"
            # Over the old text and not after cutting it off: a full disk has no new block to give.
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
            os.fsync(descriptor)
            sync_folder(path.parent)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise _unusable(path, error) from error
    return Lock(path, descriptor, holder)


def take_target_lock(state: Path, key: str, holder: Holder) -> Lock:
    """Take the lock of the target with that key, whatever run it is for; raises as `take_lock`."""
    path = target_lock_path(state, key)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from error
    return take_lock(path, holder)


def target_lock_path(state: Path, key: str) -> Path:
    """Where the target's lock lies; a key that is no plain file name is named by its SHA-256."""
    plain = key if _PLAIN_NAME.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()
    return state / "targets" / f"{plain}.lock"


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock now; None when nobody does. Raises PreconditionError as `take_lock` does.

    A holder who has the lock and could not yet write a text is told as the process 0.
    """
    try:
        descriptor = open_private(path, os.O_RDONLY, read_only=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        return (_text(descriptor) or _NAMELESS) if is_locked(descriptor) else None
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        os.close(descriptor)


_NAMELESS: Final = Holder(
    lock="",
    run="",
    operator="somebody who is just starting",
    since="",
    process=ProcessIdentity(pid=0, start_ticks=0, boot_id=""),
)


def _locked(path: Path) -> int:
    """Open and lock the file that bears the name when it is locked. Raises LockedError, OSError."""
    while True:
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
        try:
            _require_lock(path, descriptor)
            if _bears_name(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # Somebody removed the file in between: what is locked has no name now.


def _require_lock(path: Path, descriptor: int) -> None:
    if not try_lock(descriptor):
        raise _held(path, _text(descriptor) or _NAMELESS)


def _bears_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _text(descriptor: int) -> Holder | None:
    try:
        return _DECODER.decode(os.pread(descriptor, _HOLDER_BYTES, 0))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _held(path: Path, holder: Holder) -> LockedError:
    run = cleaned_line(holder.run, 60)
    if run:
        hint = (
            f"`aihummer-drtui resume {run}` attaches to that run; if that does not answer, "
            f"`aihummer-drtui take {run} --reason …` frees it: a lock is never taken by age"
        )
    else:
        hint = f"try again in a moment; `fuser {path}` names the process: a lock is never taken by age"
    return LockedError(
        f"held by {cleaned_line(holder.operator, 60)}, process {holder.process.pid}, "
        f"run {run or '?'}, since {cleaned_line(holder.since, 40) or '?'}",
        where=str(path),
        hint=hint,
    )


def _unusable(path: Path, error: OSError) -> PreconditionError:
    if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP):
        hint = "this file system keeps no locks; use --state-dir on a local disk"
    else:
        hint = "the state folder must be on a writable disk with some space and belong to you (--state-dir)"
    return PreconditionError(
        f"the lock cannot be used: {error.strerror or error}", where=str(path), hint=hint
    )
