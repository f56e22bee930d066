"""The search for secrets finds them: one that finds nothing would prove nothing."""

import base64
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canaries import Canaries, watched_processes

SECRET = b"c4nary/with+odd=letters"
CANARIES = Canaries(secrets={"it": SECRET})


@pytest.mark.parametrize(
    "data",
    [
        SECRET,
        base64.b64encode(b"x" + SECRET),
        base64.encodebytes(b"some longer text so that lines are broken " * 3 + SECRET),
        base64.urlsafe_b64encode(b"xy" + SECRET),
        SECRET.hex(" ").encode(),
        SECRET.hex().upper().encode(),
        quote(SECRET, safe="").encode(),
        b'{"a":"' + SECRET.replace(b"/", b"\\/") + b'"}',
    ],
)
def test_it_is_found_in_every_form(data: bytes, tmp_path: Path) -> None:
    """In data and in files; and in pieces on a terminal."""
    assert CANARIES.found_in(b"before " + data + b" after") == {"it"}
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(data)
    assert CANARIES.files_with(tmp_path) == {"deep/file": {"it"}}


def test_it_is_found_where_a_terminal_was_sent_it_in_pieces() -> None:
    """Moves and colours between its letters, and line ends where a screen wraps."""
    assert CANARIES.found_on_screen(b"c4nary/\x1b[31mwith+\x1b[2;5Hodd=\r\nletters") == {"it"}
    assert CANARIES.found_on_screen(b"nothing of it") == set()


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_it_is_found_in_a_process(where: str) -> None:
    """However its process came, if it lives a moment."""
    with watched_processes(CANARIES) as watch:
        words = [sys.executable, "-c", "import time; time.sleep(0.3)"]
        more = [SECRET.decode()] if where == "argument" else []
        held = {"A": SECRET.decode()} if where == "environment" else {}
        subprocess.run([*words, *more], env={**os.environ, **held}, check=True)
    assert watch.processes >= 1
    assert list(watch.shown.values()) == [{"it"}]
