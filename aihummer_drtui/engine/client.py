"""A front end's end of the socket: ask, and wait for the journal to grow. Blocking, single-threaded."""

import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from aihummer_drtui.engine.wire import LINE_LIMIT, message_of, short_path, to_line
from aihummer_drtui.errors import FailedError, LockedError, PreconditionError, UnknownOutcomeError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.requests import Accepted, Attach, Grew, Message, Refused, Reply, Request

REPLY_WITHIN: Final = 120.0
"""Seconds; a start waits for the identity of the target and for checks to be renewed."""
TOLD_EVERY: Final = 1.0
"""Seconds between two words to whoever waits for a reply."""
ATTACHED_WITHIN: Final = 20.0
"""Seconds; nothing but the journal has to be written for it."""


class EngineGoneError(FailedError):
    """The engine does not answer any more; the run itself is safe in its journal."""


class EngineClient:
    """A connection to the engine of one run."""

    def __init__(self, connection: socket.socket, run: str) -> None:
        self._socket = connection
        self._run = run
        self._buffer = bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)
        self._grown = 0

    @classmethod
    def connect(cls, path: Path, run: str) -> Self | None:
        """Connect to the socket at `path`; None when no engine listens there. Raises PreconditionError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_path(path) as name:
                connection.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        except OSError as error:
            connection.close()
            raise PreconditionError(
                f"the engine's socket cannot be used: {error.strerror or error}",
                where=str(path),
                hint="a run is made to happen by the account that declared it; others can read its journal",
            ) from error
        # An engine that stands still must not keep its front end from saying so.
        connection.settimeout(REPLY_WITHIN)
        return cls(connection, run)

    def answers(self, seconds: float) -> bool:
        """Whether the engine says anything at all within that time. For a connection that is not attached."""
        try:
            # No request: it is refused without a trace in the journal.
            self._socket.sendall(b"{}\n")
            return self._message(seconds) is not None
        except (OSError, EngineGoneError):
            return False

    def attach(self, *, operator: str, host: str, front_end: str) -> None:
        """Open a sitting. Raises FailedError when the engine refuses it, LockedError when it stands still."""
        try:
            reply = self._asked(Attach(operator=operator, host=host, front_end=front_end), ATTACHED_WITHIN)
        except UnknownOutcomeError as error:
            raise LockedError(
                f"the engine holds the run and did not answer within {ATTACHED_WITHIN:.0f} s",
                where=f"run {self._run}",
                hint=f"does it stand still (`ps`: T is stopped, D waits for a disk)? `aihummer-drtui take "
                f"{self._run} --reason …` frees the run; commands go on",
            ) from error
        if isinstance(reply, Refused):
            raise FailedError(f"the engine refuses the sitting: {reply.reason}", hint=reply.hint)

    @property
    def grown(self) -> int:
        """How far the engine has said that the journal goes: all of it is on the disk."""
        return self._grown

    def ask(self, request: Request, waiting: Callable[[float], None] | None = None) -> Reply:
        """Send a request and give the reply; `waiting` is told each second how many have gone by.

        Raises EngineGoneError when the connection is lost: the journal tells whether the request was
        accepted. Raises UnknownOutcomeError when the engine lives and says nothing.
        """
        return self._asked(request, REPLY_WITHIN, waiting)

    def _asked(
        self, request: Request, within: float, waiting: Callable[[float], None] | None = None
    ) -> Reply:
        try:
            line = to_line(request)
        except UnicodeEncodeError:
            # What a terminal or an argument has that is no UTF-8 (PEP 383).
            return Refused(
                reason="the text holds bytes that are no UTF-8", hint="type it again without those letters"
            )
        if len(line) > LINE_LIMIT:
            return Refused(reason=f"a request of {len(line)} bytes is too long", hint=f"at most {LINE_LIMIT}")
        try:
            self._socket.sendall(line)
        except OSError as error:
            raise self._gone() from error
        began = time.monotonic()
        while (left := began + within - time.monotonic()) > 0:
            message = self._message(left if waiting is None else min(left, TOLD_EVERY))
            if message is None:
                if waiting is not None:
                    waiting(time.monotonic() - began)
                continue
            if not isinstance(message, Grew):
                self._grown = max(self._grown, message.sequence if isinstance(message, Accepted) else 0)
                return message
            self._grown = max(self._grown, message.sequence)
        raise UnknownOutcomeError(
            f"the engine did not answer within {within:.0f} s",
            where=f"run {self._run}",
            hint="look at the state with `status`, and resume the run: that tells whether it stands still",
        )

    def wait_for_growth(self, beyond: int, seconds: float) -> bool:
        """Wait until the journal has grown beyond `beyond`; False when the time is over first.

        Raises EngineGoneError when the engine ended.
        """
        deadline = time.monotonic() + seconds
        while self._grown <= beyond:
            message = self._message(max(0.0, deadline - time.monotonic()))
            if message is None:
                return False
            if isinstance(message, Grew):
                self._grown = max(self._grown, message.sequence)
        return True

    def fileno(self) -> int:
        """The descriptor, for a front end that waits for keys and growth at once."""
        return self._socket.fileno()

    def close(self) -> None:
        """End the sitting."""
        self._selector.close()
        self._socket.close()

    def _message(self, seconds: float) -> Message | None:
        line = self._line(seconds)
        if line is None:
            return None
        try:
            return message_of(line)
        except ValueError as error:
            raise FailedError(
                f"the engine says what this program does not understand: {cleaned_line(str(error))}",
                where=f"run {self._run}",
                hint="was the program upgraded meanwhile? end the engine (SIGTERM), then resume the run",
            ) from error

    def _line(self, seconds: float) -> bytes | None:
        """The next line, or None when none came in that time."""
        while b"\n" not in self._buffer:
            if not self._selector.select(seconds):
                return None
            try:
                data = self._socket.recv(65_536)
            except ConnectionError as error:
                raise self._gone() from error
            if not data or len(self._buffer) > LINE_LIMIT:
                raise self._gone()
            self._buffer += data
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = bytearray(rest)
        return bytes(line)

    def _gone(self) -> EngineGoneError:
        return EngineGoneError(
            "the engine ended, or the connection to it was lost",
            where=f"run {self._run}",
            hint=f"nothing is lost: `aihummer-drtui resume {self._run}` goes on from the journal",
        )
