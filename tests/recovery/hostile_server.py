"""A real HTTP server that misbehaves on purpose, each path in its own way."""

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@dataclass
class HostileServer:
    """Counts what it was asked, and closes everything at its end."""

    listener: socket.socket
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until the end."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            try:
                path = connection.recv(65_536).split(b" ")[1].decode()
                self.asked.append(path)
                self._answer(connection, path)
            except (OSError, IndexError, UnicodeDecodeError):
                return

    def _answer(self, connection: socket.socket, path: str) -> None:  # noqa: PLR0912
        body = b'{"status":"ok","version":"1.4.2"}'
        match path:
            case "/ok":
                connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            case "/unready":
                connection.sendall(
                    b"HTTP/1.1 503 Nope\r\nConnection: close\r\n\r\n\x1b]0;evil\x07 no database"
                )
            case "/redirect":
                connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nConnection: close\r\n\r\n")
            case "/redirect-signed":
                connection.sendall(
                    b"HTTP/1.1 302 Found\r\nLocation: https://cdn.example/a.png?sig=s3cret\r\n"
                    b"Connection: close\r\n\r\n"
                )
            case "/hang":
                self.over.wait(30)
            case "/drip-head":
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not self.over.wait(0.05):
                    connection.sendall(b"a")
            case "/drip-body":
                connection.sendall(OK + b"\r\n")
                while not self.over.wait(0.05):
                    connection.sendall(b"a")
            case "/endless":
                connection.sendall(OK + b"Content-Length: 1000000000\r\n\r\n")
                while not self.over.is_set():
                    connection.sendall(b"a" * 65_536)
            case "/cut":
                connection.sendall(OK + b"Content-Length: 1000\r\n\r\nshort")
            case "/reset":
                connection.sendall(OK + b"Content-Length: 1000\r\n\r\nshort")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case "/garbage":
                connection.sendall(b"\x00\xff" * 500)
            case "/binary":
                connection.sendall(OK + b"\r\n\xff\xfe\x00binary")
            case "/empty":
                connection.sendall(OK + b"Content-Length: 0\r\n\r\n")
            case "/gzip":
                packed = gzip.compress(b"a" * 10_000_000)
                connection.sendall(OK + b"Content-Encoding: gzip\r\n\r\n" + packed)
            case "/degraded/readyz":
                connection.sendall(OK + b'\r\n{"status":"degraded"}')
            case "/readyz":
                seen = self.asked.count("/readyz")
                # Not ready, ready once by chance, not ready again, then steady.
                ready = seen == 2 or seen >= 4
                connection.sendall(
                    OK + b"\r\nready" if ready else b"HTTP/1.1 503 No\r\nConnection: close\r\n\r\n"
                )
            case _:
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")


@contextmanager
def hostile_server() -> Iterator[HostileServer]:
    """Run one on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = HostileServer(listener)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
