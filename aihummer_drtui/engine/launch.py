"""Starting an engine that outlives whoever started it, and coming to be connected to it.

A new engine says on a descriptor whether it listens; nobody waits by guessing.
"""

import os
import select
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.engine.client import EngineClient
from aihummer_drtui.engine.folder import RunFolder
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


def connect_or_launch(folder: RunFolder, engine_command: Sequence[str]) -> EngineClient:
    """Connect to the run's engine, starting one where none lives.

    Raises what the new engine could not begin for, LockedError when an engine holds the run but
    does not listen, FailedError when it ended without a word.
    """
    client = EngineClient.connect(folder.socket, folder.id)
    if client is not None:
        return client
    word = _launched(folder, engine_command)
    client = EngineClient.connect(folder.socket, folder.id)
    if client is not None:
        # Another front end may have launched one at the same time: either will do.
        return client
    if isinstance(word, NotReady):
        raise _told(word)
    raise FailedError(
        "the engine ended right after it began",
        where=str(folder.engine_log),
        hint=f"read that log, then `aihummer-drtui resume {folder.id}`",
    )


def announce(word: Word) -> None:
    """Say a word to whoever launched this engine, once, if anybody did."""
    descriptor = os.environ.pop(READY_DESCRIPTOR, "")
    if descriptor.isdigit():
        with os.fdopen(int(descriptor), "wb") as listener:
            listener.write(msgspec.json.encode(word))


def _launched(folder: RunFolder, engine_command: Sequence[str]) -> Word:
    hear, speak = os.pipe()
    try:
        with open(folder.engine_log, "ab", opener=_private) as log:
            subprocess.Popen(
                engine_command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[speak],
                env={**os.environ, READY_DESCRIPTOR: str(speak)},
                cwd="/",
            )
    finally:
        os.close(speak)
    with os.fdopen(hear, "rb") as listener:
        ready, _, _ = select.select([listener], [], [], READY_WITHIN)
        heard = listener.read() if ready else b""
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
