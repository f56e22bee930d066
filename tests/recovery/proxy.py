"""A proxy between a client and PostgreSQL's Unix socket that delays or resets what goes through."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class Proxy:
    """Takes connections over TCP or a Unix socket."""

    listener: socket.socket
    upstream: Path
    delay: float = 0.0
    """Seconds before each piece that goes either way."""
    refuses: bool = False
    """Whether whoever connects is reset at once."""
    pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    passed: int = 0
    """Pieces that went through."""

    @property
    def port(self) -> int:
        """Of TCP."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Take connections until the end."""
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refuses:
                _reset(client)
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.upstream))
            except OSError:
                _reset(client)
                continue
            self.pairs.append((client, server))
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                time.sleep(self.delay)
                sink.sendall(data)
                self.passed += 1
            sink.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break every connection with RST, as a firewall or a dying host does; no new one is taken."""
        self.refuses = True
        for client, server in self.pairs:
            _reset(client)
            _reset(server)
        self.pairs.clear()

    def mend(self) -> None:
        """Take connections again."""
        self.refuses = False


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        # A thread that waits in recv keeps the socket open until it is woken.
        connection.shutdown(socket.SHUT_RD if connection.family != socket.AF_UNIX else socket.SHUT_RDWR)
    connection.close()


@contextmanager
def proxy_to(upstream: Path, *, unix: Path | None = None) -> Iterator[Proxy]:
    """Run one: on a free port of 127.0.0.1, or on the Unix socket `unix`."""
    if unix is None:
        listener = socket.create_server(("127.0.0.1", 0))
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(unix))
        unix.chmod(0o777)
        listener.listen(50)
    with listener:
        made = Proxy(listener=listener, upstream=upstream)
        thread = threading.Thread(target=made.serve, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for pair in made.pairs:
                for one in pair:
                    _reset(one)
