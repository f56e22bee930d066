"""The engine's end of the socket: connections in, requests to a handler, growth of the journal out."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.engine.wire import LINE_LIMIT, request_of, short_path, to_line
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.requests import Attach, Grew, Message, Refused, Reply, Request


@dataclass
class Connection:
    """One front end. `operator` is empty until it attached."""

    number: int
    writer: asyncio.StreamWriter
    operator: str = ""
    sitting: str = ""
    task: asyncio.Task[None] | None = None
    """What serves it."""
    answering: bool = False
    """A request is being acted on."""

    def send(self, message: Message) -> None:
        """Queue one line. A front end that stops reading is cut off rather than waited for."""
        transport = self.writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > LINE_LIMIT:
            transport.abort()
            return
        self.writer.write(to_line(message))

    async def answer(self, reply: Reply) -> None:
        """Send a reply and wait, for a bounded time, until the front end has taken most of what it is owed.

        No next request is read before: what is queued would grow with every one, and asking how much
        it is takes longer the more pieces there are (asyncio since Python 3.12).
        """
        self.send(reply)
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                await self.writer.drain()
        except (TimeoutError, ConnectionError):
            self.writer.transport.abort()


TAKEN_WITHIN: Final = 5.0
"""Seconds for a front end to take its answers; one that reads none is cut off."""
LAST_ANSWERS_WITHIN: Final = 5.0
"""Seconds for requests under way when the engine ends: what was begun is to be told."""
Handler = Callable[[Connection, Request], Awaitable[Reply]]


class Server:
    """Listens on the run's socket as long as the engine lives."""

    def __init__(self, path: Path, handle: Handler, left: Callable[[Connection], None]) -> None:
        self._path = path
        self._handle = handle
        self._left = left
        self._connections: dict[int, Connection] = {}
        self._opened = 0
        self._server: asyncio.Server | None = None
        self._closing = False

    @property
    def attached(self) -> tuple[Connection, ...]:
        """The connections whose operator is known."""
        return tuple(one for one in self._connections.values() if one.operator)

    @property
    def connected(self) -> bool:
        """Whether anybody is there, attached or about to be."""
        return bool(self._connections)

    async def open(self) -> None:
        """Bind the socket, for its owner only. The caller holds the run's lock. Raises PreconditionError."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            with short_path(self._path) as name:
                listening.bind(name)
            self._path.chmod(0o600)
        except OSError as error:
            listening.close()
            raise PreconditionError(
                f"the engine's socket cannot be made: {error.strerror or error}",
                where=str(self._path),
                hint="the state folder must be on a file system that takes sockets (--state-dir)",
            ) from error
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LINE_LIMIT)

    async def close(self) -> None:
        """Stop listening, give the last answers, and end every connection."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        # One that stays, on a disk that turned read-only, is a socket that nobody listens at.
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        tasks = []
        for connection in tuple(self._connections.values()):
            if connection.task is not None:
                tasks.append(connection.task)
                if not connection.answering:
                    connection.task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_ANSWERS_WITHIN)

    def grew(self, sequence: int) -> None:
        """Tell every attached front end that the journal has grown."""
        for connection in self.attached:
            connection.send(Grew(sequence=sequence))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened += 1
        connection = Connection(number=self._opened, writer=writer, task=asyncio.current_task())
        self._connections[connection.number] = connection
        try:
            if _peer_uid(writer) not in {os.geteuid(), 0}:
                return
            while not (self._closing or writer.transport.is_closing()) and (line := await _line(reader)):
                connection.answering = True
                reply = await self._answer(connection, line)
                connection.answering = False
                await connection.answer(reply)
        except asyncio.CancelledError:
            # By `close`. Before Python 3.12 asyncio takes a connection that ends so for a fault of ours.
            if not self._closing:
                raise
        finally:
            del self._connections[connection.number]
            if connection.operator:
                self._left(connection)
            writer.close()

    async def _answer(self, connection: Connection, line: bytes) -> Reply:
        try:
            request = request_of(line)
        except (ValueError, RecursionError) as error:
            why = cleaned_line(str(error))
            return Refused(reason=f"not a request: {why}", hint="see docs/engine.md for the requests")
        if not connection.operator and not isinstance(request, Attach):
            return Refused(reason="nobody is attached", hint="send an attach request first")
        return await self._handle(connection, request)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next whole line; nothing when the peer is gone, or sent more than a line may hold."""
    try:
        line = await reader.readline()
    except (ConnectionError, ValueError):
        return b""
    return line if line.endswith(b"\n") else b""


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """Who is at the other end, by SO_PEERCRED of unix(7)."""
    peer = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)
