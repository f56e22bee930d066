"""The engine's end of the socket: connections in, requests to a handler, growth of the journal out."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aihummer_drtui.engine.wire import LINE_LIMIT, request_of, short_path, to_line
from aihummer_drtui.run.requests import Attach, Grew, Message, Refused, Reply, Request


@dataclass
class Connection:
    """One front end. `operator` is empty until it attached."""

    number: int
    writer: asyncio.StreamWriter
    operator: str = ""
    sitting: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def send(self, message: Message) -> None:
        """Queue one line. A front end that stops reading is cut off rather than waited for."""
        transport = self.writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > LINE_LIMIT:
            transport.abort()
            return
        self.writer.write(to_line(message))


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

    @property
    def attached(self) -> tuple[Connection, ...]:
        """The connections whose operator is known."""
        return tuple(one for one in self._connections.values() if one.operator)

    async def open(self) -> None:
        """Bind the socket, readable by its owner only. The caller holds the run's lock."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(self._path) as name:
            listening.bind(name)
            self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LINE_LIMIT)

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections.values()):
            connection.writer.close()
        self._path.unlink(missing_ok=True)

    def grew(self, sequence: int) -> None:
        """Tell every attached front end that the journal has grown."""
        for connection in self.attached:
            connection.send(Grew(sequence=sequence))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._opened += 1
        connection = Connection(number=self._opened, writer=writer)
        self._connections[connection.number] = connection
        try:
            if _peer_uid(writer) not in {os.geteuid(), 0}:
                return
            while line := await reader.readline():
                connection.send(await self._answer(connection, line))
        except (ConnectionError, ValueError, asyncio.IncompleteReadError):
            # A line over the limit or a vanished peer ends this connection and nothing else.
            return
        finally:
            del self._connections[connection.number]
            if connection.operator:
                self._left(connection)
            writer.close()

    async def _answer(self, connection: Connection, line: bytes) -> Reply:
        try:
            request = request_of(line)
        except ValueError as error:
            return Refused(reason=f"not a request: {error}", hint="see docs/engine.md for the requests")
        if not connection.operator and not isinstance(request, Attach):
            return Refused(reason="nobody is attached", hint="send an attach request first")
        return await self._handle(connection, request)


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """Who is at the other end, by SO_PEERCRED of unix(7)."""
    peer = writer.get_extra_info("socket")
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)
