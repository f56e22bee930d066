"""What became of an attempt at a command, whoever was killed when.

Its supervisor holds the lock of the attempt's folder from before its birth until the end is stored. So a
lock that nobody holds and no `started.json` means that the script's first instruction was never run.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.engine.clock import ProcessIdentity, boot_id, session_members
from aihummer_drtui.engine.kernel_lock import is_locked
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run.events import EndKind


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

_STARTED: Final = msgspec.json.Decoder(Running)
_ENDED: Final = msgspec.json.Decoder(Ended)


def look(folder: Path) -> Look:
    """Say the truth of that attempt as it is now. Raises PreconditionError when it cannot be read."""
    try:
        return _ended(folder) or _look_at_processes(folder)
    except OSError as error:
        raise PreconditionError(
            f"the attempt cannot be looked at: {error.strerror or error}",
            where=str(folder),
            hint="look whether the run's folder is still there and yours",
        ) from error


def _ended(folder: Path) -> Ended | Lost | None:
    try:
        return _ENDED.decode((folder / "ended.json").read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Lost(why=f"its stored end is not readable: {error}")


def _look_at_processes(folder: Path) -> Look:
    supervised = _is_supervised(folder)
    try:
        started = _STARTED.decode((folder / "started.json").read_bytes())
    except FileNotFoundError:
        return Starting() if supervised else NotStarted()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Lost(why=f"which process it was is not readable: {error}")
    if supervised:
        return started
    # The end may have been stored between the first look and the one at the lock.
    if ended := _ended(folder):  # pragma: no cover - some microseconds wide
        return ended
    if started.child.is_alive():
        return Orphaned(child=started.child)
    return Lost(why=_why_lost(started.child))


def _is_supervised(folder: Path) -> bool:
    try:
        descriptor = open_private(folder / "lock", os.O_RDONLY, read_only=True)
    except FileNotFoundError:
        return False
    try:
        return is_locked(descriptor)
    finally:
        os.close(descriptor)


def _why_lost(child: ProcessIdentity) -> str:
    if child.boot_id != boot_id():
        return "the machine was restarted while it ran"
    left = session_members(child.pid)
    if not left:
        return "it and its supervisor were killed"
    return f"it and its supervisor were killed; of its processes these still run: {', '.join(map(str, left))}"
