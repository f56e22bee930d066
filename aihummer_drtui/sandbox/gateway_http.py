"""What the stand-in's gateway answers over HTTP."""

import hmac
import json
import os
import shutil
import stat
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit

from aihummer_drtui.sandbox.environment import media_signature
from aihummer_drtui.sandbox.gateway import Gateway

_MEDIA: Final = "/v1/media/"
_LARGEST_BODY: Final = 65_536
_MOST_REQUESTS: Final = 16


class _Handler(BaseHTTPRequestHandler):
    gateway: ClassVar[Gateway]
    server_version = "aihummer-standin"
    sys_version = ""
    timeout = 10  # seconds without a byte; then the connection is closed

    def do_GET(self) -> None:
        """Answer the probes, the clock and signed media."""
        path = urlsplit(self.path).path
        match path:
            case "/healthz":
                self._healthz()
            case "/readyz":
                self._readyz()
            case "/v1/ping":
                self._json(HTTPStatus.OK, {"message": "pong"})
            case "/v1/time":
                self._json(HTTPStatus.OK, {"time": datetime.now(UTC).isoformat(timespec="seconds")})
            case _ if path.startswith(_MEDIA):
                self._media(unquote(path.removeprefix(_MEDIA)), urlsplit(self.path).query)
            case _:
                self._error(HTTPStatus.NOT_FOUND, "no such route", "not_found")

    def do_POST(self) -> None:
        """Answer a chat completion as AiHummer's mock does with no model configured: always the same."""
        if urlsplit(self.path).path != "/v1/chat/completions":
            self._error(HTTPStatus.NOT_FOUND, "no such route", "not_found")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            self._error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body missing or too large", "body_too_large")
            return
        self.rfile.read(int(length))
        answer = {"role": "assistant", "content": "This is a training stand-in; no model is configured."}
        choice = {"index": 0, "message": answer, "finish_reason": "stop"}
        self._json(HTTPStatus.OK, {"object": "chat.completion", "model": "mock", "choices": [choice]})

    def _healthz(self) -> None:
        mode = "full" if self.gateway.database_answers() else "health-only"
        self._json(
            HTTPStatus.OK,
            {
                "status": "ok",
                "version": self.gateway.version,
                "mode": mode,
                "vault": "enabled" if self.gateway.vault else "disabled",
                "row_level_security": self.gateway.row_level_security,
            },
        )

    def _readyz(self) -> None:
        if self.gateway.database_answers():
            self._json(HTTPStatus.OK, {"status": "ready", "checks": {"postgres": "ok"}})
        else:
            self._error(HTTPStatus.SERVICE_UNAVAILABLE, "PostgreSQL is unreachable", "not_ready")

    def _media(self, path: str, query: str) -> None:
        gateway = self.gateway
        if gateway.blobs is None or not gateway.media_token_secret:
            self._error(HTTPStatus.NOT_FOUND, "the media service is inactive", "media_inactive")
            return
        given = parse_qs(query).get("sig", [""])[0]
        if not hmac.compare_digest(
            given.encode(), media_signature(gateway.media_token_secret, path).encode()
        ):
            self._error(HTTPStatus.FORBIDDEN, "the signature is not valid", "bad_signature")
            return
        try:
            descriptor = _open_blob(gateway.blobs, path)
        except (OSError, ValueError):
            self._error(HTTPStatus.NOT_FOUND, "no such medium", "not_found")
            return
        with os.fdopen(descriptor, "rb") as file:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(os.fstat(descriptor).st_size))
            self.end_headers()
            shutil.copyfileobj(file, self.wfile)

    def _json(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _error(self, status: HTTPStatus, message: str, code: str) -> None:
        kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
        self._json(status, {"error": {"message": message, "type": kind, "code": code}})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: a log that grows with every poll would fill a small disk."""


def _open_blob(folder: Path, path: str) -> int:
    """Open a regular file below `folder`, through no link in its last part. Raises OSError, ValueError."""
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or PurePosixPath(path).is_absolute():
        raise ValueError(path)
    descriptor = os.open(folder.joinpath(*parts), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(path)
    return descriptor


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    _free = threading.BoundedSemaphore(_MOST_REQUESTS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take at most so many at once: the next wait in the kernel's queue."""
        self._free.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def server_of(gateway: Gateway, address: tuple[str, int]) -> ThreadingHTTPServer:
    """A server for `gateway`, already listening on `address`. Raises OSError where that is taken."""
    return _Server(address, type("Handler", (_Handler,), {"gateway": gateway}))
