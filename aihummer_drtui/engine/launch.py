"""Starting an engine that outlives whoever started it, and coming to be connected to it.

A new engine says on a descriptor whether it listens; nobody waits by guessing.
"""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.engine.client import EngineClient, EngineGoneError
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.errors import (
    CorruptJournalError,
    DrtuiError,
    ExitCode,
    FailedError,
    LockedError,
    PreconditionError,
)

READY_DESCRIPTOR: Final = "DRTUI_READY_FD"
READY_WITHIN: Final = 60.0
LISTENS_WITHIN: Final = 20.0
"""Seconds that an engine which holds the run may take until it listens, or has ended."""
LOOK_AGAIN: Final = 0.05
SITTINGS_TRIED: Final = 3
_KINDS: Final[dict[int, type[DrtuiError]]] = {
    kind.exit_code: kind for kind in (PreconditionError, LockedError, CorruptJournalError)
}


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """What a new engine says when its socket listens."""

    pid: int


class NotReady(msgspec.Struct, frozen=True, kw_only=True, tag="not-ready"):
    """What it says when it cannot begin: the parts of its error."""

    what: str
    where: str
    hint: str
    exit_code: int


Word: TypeAlias = Ready | NotReady
_words: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Ready | NotReady)


def _nothing() -> None:
    """Do nothing meanwhile."""


def connect_or_launch(
    folder: RunFolder, engine_command: Sequence[str], *, meanwhile: Callable[[], None] = _nothing
) -> EngineClient:
    """Connect to the run's engine, starting one where none lives; `meanwhile` is done while it begins.

    Raises what the new engine could not begin for, LockedError when an engine holds the run but
    does not listen, FailedError when it ended without a word.
    """
    word: Word | None = None
    deadline = time.monotonic() + LISTENS_WITHIN
    while True:
        client = EngineClient.connect(folder.socket, folder.id)
        if client is not None:
            return client
        if word is not None and (not _is_held(word, folder) or time.monotonic() > deadline):
            break
        # Another front end may have launched an engine at the same time, or one may just be ending:
        # its lock is held a moment before it listens, and a moment after.
        if holder_of(folder.lock) is None:
            word = _launched(folder, engine_command, meanwhile)
        else:
            word = word or _silent_holder(folder)
            time.sleep(LOOK_AGAIN)
    if isinstance(word, NotReady):
        raise _told(word)
    raise FailedError(
        "the engine ended right after it began",
        where=str(folder.engine_log),
        hint=f"read that log, then `aihummer-drtui resume {folder.id}`",
    )


def sit_down(
    folder: RunFolder,
    engine_command: Sequence[str],
    *,
    operator: str,
    host: str,
    front_end: str,
    meanwhile: Callable[[], None] = _nothing,
) -> EngineClient:
    """Connect as `connect_or_launch` and open a sitting; an engine just ending is waited out.

    Raises as `connect_or_launch`, and FailedError when the engine refuses the sitting.
    """
    tried = 0
    while True:
        client = connect_or_launch(folder, engine_command, meanwhile=meanwhile)
        tried += 1
        try:
            client.attach(operator=operator, host=host, front_end=front_end)
        except BaseException as error:
            client.close()
            if tried >= SITTINGS_TRIED or not isinstance(error, EngineGoneError):
                raise
        else:
            return client


def _is_held(word: Word, folder: RunFolder) -> bool:
    return isinstance(word, NotReady) and word.exit_code == ExitCode.LOCKED and word.where == str(folder.lock)


def _silent_holder(folder: RunFolder) -> NotReady:
    return NotReady(
        what="an engine holds the run and does not listen",
        where=str(folder.lock),
        hint=f"read {folder.engine_log}; `aihummer-drtui take {folder.id} --reason …` ends that engine",
        exit_code=ExitCode.LOCKED,
    )


def announce(word: Word) -> None:
    """Say a word to whoever launched this engine, once, if anybody did."""
    descriptor = os.environ.pop(READY_DESCRIPTOR, "")
    if descriptor.isdigit():
        # Who launched it may be gone by now; that changes nothing for an engine.
        with contextlib.suppress(OSError), os.fdopen(int(descriptor), "wb") as listener:
            listener.write(msgspec.json.encode(word) + b"\n")


def _launched(folder: RunFolder, engine_command: Sequence[str], meanwhile: Callable[[], None]) -> Word:
    hear, speak = os.pipe()
    try:
        with open(folder.engine_log, "ab", opener=_private) as log:
            # The shell ends at once: an engine is nobody's child, so nobody has to wait for its end.
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", *engine_command],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[speak],
                env={**os.environ, READY_DESCRIPTOR: str(speak)},
                cwd="/",
            )
    except OSError as error:
        os.close(hear)
        raise PreconditionError(
            f"no engine can be started: {error.strerror or error}",
            where=str(folder.engine_log),
            hint="the state folder must be writable and have some space",
        ) from error
    finally:
        os.close(speak)
    with os.fdopen(hear, "rb") as listener:
        meanwhile()
        ready, _, _ = select.select([listener], [], [], READY_WITHIN)
        # A line and not all there is: what stands before an engine (strace, a shell) may keep the pipe open.
        heard = listener.readline() if ready else b""
    if not heard:
        return NotReady(
            what="the engine did not begin" if ready else f"the engine said nothing in {READY_WITHIN:.0f} s",
            where=str(folder.engine_log),
            hint="read that log",
            exit_code=ExitCode.FAILED,
        )
    return _words.decode(heard)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _told(word: NotReady) -> DrtuiError:
    kind = _KINDS.get(word.exit_code, FailedError)
    return kind(word.what, where=word.where, hint=word.hint)


def this_program() -> list[str]:
    """The words that start this program again, by the same interpreter."""
    return [sys.executable, "-m", "aihummer_drtui"]
