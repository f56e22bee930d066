"""The gateway's program, called as `PROGRAM --home FOLDER version | up | serve`. It stands alone.

Its home holds `etc/gateway.conf`, and `share/release` and `share/wording`, which tell version and words.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

TALKATIVE = "talkative"
"""A wording with much text; any other is terse: JSON, or nothing at all."""


def settings(home: Path) -> dict[str, str]:
    """What etc/gateway.conf says, as a shell reads it."""
    found = {}
    for line in (home / "etc" / "gateway.conf").read_text().splitlines():
        words = [] if line.startswith(";") else shlex.split(line, comments=True)
        for name, equals, value in (word.partition("=") for word in words):
            if equals:
                found[name] = value
    return found


def signed_path(secret: str, name: str) -> str:
    """Path and query of a file's URL that anybody may be given."""
    digest = hmac.new(secret.encode(), b"file:" + name.encode(), hashlib.sha512).digest()
    return f"/files/{quote(name)}?kid=1&t={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def says_version(home: Path) -> str:
    """What `version` prints."""
    release = (home / "share" / "release").read_text().strip()
    if (home / "share" / "wording").read_text().strip() == TALKATIVE:
        return f"AiHummer Gateway\n  release: {release} (linux/amd64, go1.22.1)\n  built 2026-01-02"
    return release.removeprefix("v")


class Gateway(BaseHTTPRequestHandler):
    """Answers the probes and serves signed files."""

    home: Path
    conf: dict[str, str]

    def do_GET(self) -> None:
        """Answer by path."""
        parts = urlsplit(self.path)
        if parts.path == "/healthz":
            self._say(200, self._health())
        elif parts.path == "/readyz":
            ready = self._reaches_database()
            self._say(200 if ready else 503, b"" if ready else b"still waiting for the storage layer\n")
        elif parts.path.startswith("/files/"):
            self._file(unquote(parts.path.removeprefix("/files/")), parts.query)
        else:
            self._say(404, b"nothing hums here\n")

    def _health(self) -> bytes:
        release = (self.home / "share" / "release").read_text().strip()
        if (self.home / "share" / "wording").read_text().strip() == TALKATIVE:
            return f"humming since 2026-01-02, built by go1.22.1, this is AiHummer {release}\n".encode()
        return json.dumps({"runtime": {"go": "1.22.1"}, "gateway": {"release": release}}).encode()

    def _reaches_database(self) -> bool:
        import psycopg

        try:
            # Its driver knows this parameter, ours does not.
            dsn = re.sub(r"[& ]pool_max_conns=4", "", self.conf["AIHUMMER_DATABASE_URL"])
            with psycopg.connect(dsn, connect_timeout=2) as connection:
                connection.execute("SELECT count(*) FROM hum.turn")
        except (psycopg.Error, KeyError):
            return False
        return True

    def _file(self, name: str, query: str) -> None:
        asked = parse_qs(query).get("t", [""])[0]
        right = parse_qs(urlsplit(signed_path(self.conf["AIHUMMER_MEDIA_TOKEN_SECRET"], name)).query)["t"][0]
        if not hmac.compare_digest(asked, right):
            self._say(401, b"who are you?\n")
            return
        file = Path(self.conf["AIHUMMER_BLOB_DIR"]) / name
        self._say(200, file.read_bytes()) if file.is_file() else self._say(410, b"gone\n")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def serve(home: Path) -> None:
    """Listen where the configuration says, tell so on standard output, and go on until killed."""
    Gateway.home, Gateway.conf = home, settings(home)
    host, _, port = Gateway.conf["AIHUMMER_GATEWAY_ADDR"].rpartition(":")
    family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    server: type[HTTPServer] = type("Server", (ThreadingHTTPServer,), {"address_family": family})
    with server((str(address[0]), int(port)), Gateway) as listening:
        (home / "gateway.pid").write_text(str(os.getpid()))
        print("listening", flush=True)
        listening.serve_forever()


def up(home: Path) -> int:
    """Start serving in the background and return when it listens."""
    with (home / "gateway.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, __file__, "--home", home, "serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert child.stdout is not None
    if child.stdout.readline() != b"listening\n":
        print("could not take off", file=sys.stderr)
        return 70
    if (home / "share" / "wording").read_text().strip() == TALKATIVE:
        print("\x1b[33mWARN\x1b[0m forking into the background, see you", file=sys.stderr)
    return 0


def main(arguments: list[str]) -> int:
    """Do what the arguments say; the exit code."""
    match arguments:
        case ["--home", home, "version"]:
            print("note: a newer version 3.1.0 is out", file=sys.stderr, flush=True)
            print(says_version(Path(home)))
            return 0
        case ["--home", home, "up"]:
            return up(Path(home))
        case ["--home", home, "serve"]:
            serve(Path(home))
            return 0
        case _:
            print("eh?", file=sys.stderr)
            return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
