"""Taking a run over from an engine that holds it and answers nobody.

A run whose engine answers needs no taking over: any number of operators may sit at it. What stands in the
way is an engine that stands still (stopped, or stuck in the kernel). Its lock is never taken by age: a
person types its id, and the process that holds it is ended, which frees the lock.

Who takes the run, and why, is on disk before the holder is ended; whoever holds the lock next journals it.
So it is on record whoever dies when. Commands do not notice: they are taken up by the next engine.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.engine.client import EngineClient
from aihummer_drtui.engine.clock import Clock, ProcessIdentity
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.lock import Holder, holder_of, take_lock
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.events import (
    ENGINE,
    NOTHING_TO_DO,
    EngineStarted,
    EngineStopped,
    LockTaken,
    NoteWritten,
    Record,
)
from aihummer_drtui.run.requests import LONGEST_WORDS

ANSWERS_WITHIN: Final = 5.0
"""Seconds after which an engine that says nothing counts as standing still."""
ENDS_WITHIN: Final = 10.0
"""Seconds between asking the holder to end and killing it, and again until that is given up."""
FREE_WITHIN: Final = 20.0
LOOK_AGAIN: Final = 0.05
_LIMIT: Final = 16_384


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes a run over, from which lock, and why: an intent until it is journalled."""

    lock: str
    holder: str
    """As it is told."""
    process: ProcessIdentity
    """The holder's."""
    operator: str
    reason: str


_DECODER: Final = msgspec.json.Decoder(Taking)


def holder_that_stands_still(folder: RunFolder) -> Holder:
    """Who holds the run and answers nobody.

    Raises PreconditionError when nobody holds it, LockedError when the engine answers or its process
    cannot be ended from here.
    """
    holder = holder_of(folder.lock)
    if holder is None:
        raise PreconditionError(
            f"nobody holds run {folder.id}: there is nothing to take over",
            where=str(folder.lock),
            hint=f"`aihummer-drtui resume {folder.id}` goes on with it",
        )
    client = EngineClient.connect(folder.socket, folder.id)
    if client is not None:
        answers = client.answers(ANSWERS_WITHIN)
        client.close()
        if answers:
            raise LockedError(
                f"the engine of run {folder.id} answers: there is nothing to take over",
                where=str(folder.lock),
                hint=f"`aihummer-drtui resume {folder.id}` sits down beside whoever is there",
            )
    if not holder.process.is_alive():
        raise LockedError(
            f"run {folder.id} is held by process {holder.process.pid}, which is not seen on this host",
            where=str(folder.lock),
            hint="it runs in a container, or on another host that shares this folder: end it there",
        )
    return holder


def take_over(folder: RunFolder, holder: Holder, *, operator: str, reason: str, clock: Clock) -> None:
    """End the holder of the run and journal that it was taken from it; the run is free then.

    Raises PreconditionError when the intent cannot be kept or the holder is another one by now, FailedError
    when the holder does not end, and as `Journal.open`.
    """
    present = holder_of(folder.lock)
    if present is None or present.lock != holder.lock:
        raise PreconditionError(
            f"lock {holder.lock} is not held any more",
            where=str(folder.lock),
            hint=f"look again: `aihummer-drtui resume {folder.id}`",
        )
    taking = Taking(
        lock=holder.lock,
        holder=_told(holder),
        process=holder.process,
        operator=operator,
        reason=cleaned_line(reason, LONGEST_WORDS),
    )
    try:
        write_durably(_path(folder), msgspec.json.encode(taking))
    except OSError as error:
        raise PreconditionError(
            f"who takes the run over cannot be kept: {error.strerror or error}",
            where=str(folder.path),
            hint="nothing was ended; free some space on this file system and try again",
        ) from error
    if not _ended(holder.process):
        _path(folder).unlink(missing_ok=True)
        raise FailedError(
            f"process {holder.process.pid} was killed and does not end",
            where=str(folder.lock),
            hint="it hangs in the kernel, mostly for a disk that does not answer (`ps -o stat,wchan`): "
            "mend that; the run stays as it is",
        )
    _journal(folder, operator, clock)


def record_taking(folder: RunFolder, journal: Journal) -> None:
    """Journal a taking over that was intended and not yet journalled, once. Raises as `append`.

    For whoever has just taken the run's lock and opened its journal: so the holder it names has lost it. One
    that had ended by itself lost it to nobody, and the intent alone is noted.
    """
    path = _path(folder)
    taking = _read(path)
    if taking is not None:
        what, actor = _told_of(taking, journal.found)
        # Whoever was killed before the intent was removed has journalled it.
        if all(record.what != what for record in journal.found):
            journal.found = (*journal.found, journal.append(what, actor))
    with contextlib.suppress(OSError):
        path.unlink()
        sync_folder(folder.path)


def _told_of(taking: Taking, records: Sequence[Record]) -> tuple[LockTaken | NoteWritten, str]:
    """What became of it, and who says so."""
    ends = (one.what for one in reversed(records) if isinstance(one.what, EngineStarted | EngineStopped))
    latest, before = next(ends, None), next(ends, None)
    if (
        isinstance(latest, EngineStopped)
        and latest.reason == NOTHING_TO_DO
        and isinstance(before, EngineStarted)
        and (before.pid, before.start_ticks) == (taking.process.pid, taking.process.start_ticks)
    ):
        text = (
            f"{taking.operator} meant to take the run over from {taking.holder}, which ended by itself "
            f"before: {taking.reason}"
        )
        return NoteWritten(text=text), ENGINE
    return LockTaken(holder=taking.holder, reason=taking.reason), taking.operator


def _journal(folder: RunFolder, operator: str, clock: Clock) -> None:
    """Hold the run for as long as it takes to journal it; a new engine that came first has done so."""
    deadline = time.monotonic() + FREE_WITHIN
    while _path(folder).exists():
        try:
            me = Holder.this_process(run=folder.id, operator=operator, clock=clock)
            with take_lock(folder.lock, me):
                journal = Journal.open(folder.path, clock)
                try:
                    record_taking(folder, journal)
                finally:
                    journal.close()
        except LockedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_AGAIN)


def _ended(process: ProcessIdentity) -> bool:
    """Ask the process to end, then kill it; False when it is there all the same."""
    descriptor = process.descriptor()
    if descriptor is None:
        return True
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(descriptor, number)
            # One that was stopped hears of it when it goes on.
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
            if select.select([descriptor], [], [], ENDS_WITHIN)[0]:
                return True
    except ProcessLookupError:  # pragma: no cover - it ended within some microseconds
        return True
    finally:
        os.close(descriptor)
    return False


def _told(holder: Holder) -> str:
    return (
        f"{cleaned_line(holder.operator, 60)}, process {holder.process.pid}, "
        f"lock {cleaned_line(holder.lock, 20)}, since {cleaned_line(holder.since, 40)}"
    )


def _path(folder: RunFolder) -> Path:
    return folder.path / "taking"


def _read(path: Path) -> Taking | None:
    """What was intended; None when there is nothing of our own that can be read as an intent."""
    try:
        with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
            return _DECODER.decode(file.read(_LIMIT))
    except (OSError, PreconditionError, msgspec.DecodeError, UnicodeDecodeError):
        return None
