"""The engine's socket against whatever comes in, with a real engine behind it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aihummer_drtui.engine.server import Server
from aihummer_drtui.engine.wire import LINE_LIMIT, message_of, short_path, to_line
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.requests import Accepted, Message, Refused
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import House, a_house, accepted, book, command, until

PLAIN = book(command("work/swap", "true"))
ATTACH = to_line(r.Attach(operator="eve", host="h", front_end="f"))


class Raw:
    """A front end that sends bytes."""

    def __init__(self, house: House) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # As a front end does: where many come at once, connect(2) waits, and with a time-out it would not.
        with short_path(house.folder.socket) as name:
            self.socket.connect(name)
        self.socket.settimeout(20)
        self.lines = self.socket.makefile("rb")

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *ending: object) -> None:
        self.lines.close()
        self.socket.close()

    def hear(self) -> Message | None:
        """The next message, or None when the connection was ended."""
        try:
            line = self.lines.readline()
        except ConnectionError:
            return None
        return message_of(line) if line else None

    def ask(self, data: bytes) -> Message | None:
        """Send a line and give what comes back, growth left out."""
        self.socket.sendall(data)
        while isinstance(heard := self.hear(), r.Grew):
            pass
        return heard


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A run that nobody gets anything into."""
    with a_house(tmp_path_factory.mktemp("h"), PLAIN) as made:
        made.connect().close()
        yield made


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["attach", "write-note", "start-command", "settle-outcome", "finish", "give-input", ""]
)
FIELDS = st.sampled_from(["item", "operator", "host", "text", "done", "reason", "step", "extra"])
NEARLY = st.dictionaries(FIELDS, JSON).flatmap(lambda rest: NAMES.map(lambda name: {"request": name, **rest}))
GARBAGE = st.binary(max_size=300).map(lambda data: data.replace(b"\n", b"") + b"\n")
LINES = (
    GARBAGE
    | JSON.map(lambda one: json.dumps(one).encode() + b"\n")
    | NEARLY.map(lambda one: json.dumps(one).encode() + b"\n")
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, min_size=1, max_size=8))
def test_whatever_comes_before_attach_is_refused_and_changes_nothing(
    house: House, lines: list[bytes]
) -> None:
    """No bytes make the engine fall over, answer with nothing, or do anything for nobody."""
    before = house.folder.journal.stat().st_size
    with Raw(house) as raw:
        for line in lines:
            heard = raw.ask(line)
            if isinstance(heard, Accepted):
                # The one legal thing to say, and hypothesis found its words.
                assert b'"attach"' in line
                return
            assert isinstance(heard, Refused)
            assert heard.reason
            assert heard.hint
    assert house.folder.journal.stat().st_size == before
    assert house.engine().is_alive()


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(LINES, min_size=1, max_size=8))
def test_whatever_is_refused_changes_nothing(house: House, lines: list[bytes]) -> None:
    """An attached front end may say anything: it is journalled, or refused and nothing happened."""
    with Raw(house) as raw:
        assert isinstance(raw.ask(ATTACH), Accepted)
        for line in lines:
            before = house.folder.journal.stat().st_size
            heard = raw.ask(line)
            after = house.folder.journal.stat().st_size
            assert isinstance(heard, Accepted | Refused)
            assert (after > before) == isinstance(heard, Accepted)
        # The sitting's end is journalled too: waited for, so that the next example begins in quiet.
        raw.socket.shutdown(socket.SHUT_WR)
        while raw.hear() is not None:
            pass
    assert house.engine().is_alive()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b'{"request":"finish","extra":1}\n',
        b'{"request":"finish"\n',
        b'{"request":"write-note","text":"\\ud800"}\n',
        b'{"request":"write-note","text":"\xff"}\n',
        b'{"request":"start-command","item":1}\n',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b',"request":"finish"}\n',
        b'{"request":"\x1b[31m"}\n',
    ],
)
def test_malformed_line_after_attach_is_refused(make_house: MakeHouse, line: bytes) -> None:
    """A front end with a fault gets told; the sitting goes on."""
    house = make_house(PLAIN)
    house.connect().close()
    with Raw(house) as raw:
        assert isinstance(raw.ask(ATTACH), Accepted)
        size = house.folder.journal.stat().st_size
        heard = raw.ask(line)
        assert isinstance(heard, Refused)
        assert "not a request" in heard.reason
        assert "\x1b" not in heard.reason
        assert house.folder.journal.stat().st_size == size
        assert isinstance(raw.ask(to_line(r.WriteNote(text="x"))), Accepted)


def test_record_too_large_is_refused(house: House) -> None:
    """What no record can hold is told as such."""
    with Raw(house) as raw:
        heard = raw.ask(to_line(r.Attach(operator="e" * (1 << 20), host="h", front_end="f")))
        assert isinstance(heard, Accepted), "names are cut, not refused"
        book_of_much = json.dumps({"request": "accept-runbook", "text": "x" * (2 << 20), "reason": "y"})
        assert isinstance(raw.ask(book_of_much.encode() + b"\n"), Refused)


def test_over_long_line_ends_the_connection_and_nothing_else(make_house: MakeHouse) -> None:
    """Nobody makes the engine hold more than a line may be."""
    house = make_house(PLAIN)
    session = house.sit()
    with Raw(house) as raw:
        raw.ask(ATTACH)
        until(session, lambda state: len(state.sittings) == 2)
        with contextlib.suppress(ConnectionError):
            raw.socket.sendall(b"x" * (2 * LINE_LIMIT))
        until(session, lambda state: len(state.sittings) == 1)
    accepted(session, r.WriteNote(text="still here"))


def test_request_cut_off_by_its_sender_is_none(make_house: MakeHouse) -> None:
    """A line counts when its end has come."""
    house = make_house(PLAIN)
    session = house.sit()
    with Raw(house) as raw:
        raw.ask(ATTACH)
        raw.socket.sendall(to_line(r.Abandon(reason="x"))[:-1])
    until(session, lambda state: state.sittings_opened == 2 and len(state.sittings) == 1)
    accepted(session, r.WriteNote(text="still here"))


def test_front_end_that_stops_reading_is_cut_off(make_house: MakeHouse) -> None:
    """T02: a hung terminal does not make the engine hold what it does not take."""
    house = make_house(PLAIN)
    session = house.sit()
    with Raw(house) as raw:
        raw.ask(ATTACH)
        until(session, lambda state: len(state.sittings) == 2)
        # The answers to 100 000 of these are more than sockets hold, and nobody takes them.
        with contextlib.suppress(OSError):
            raw.socket.sendall(b"{}\n" * 100_000)
        until(session, lambda state: len(state.sittings) == 1)
    accepted(session, r.WriteNote(text="still here"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_account_gets_no_answer(folder: Path) -> None:
    """Even where the file's mode would let it in, another account is no front end."""
    with a_house(folder, PLAIN) as house:
        session = house.sit()
        for path in (house.state, house.state / "runs", house.folder.path):
            path.chmod(0o755)
        house.folder.socket.chmod(0o666)
        before = session.state.sequence
        program = (
            "import os, socket, sys\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); s.connect('socket')\n"
            "try: s.sendall(sys.stdin.buffer.read()); print(s.recv(99))\n"
            "except ConnectionError: print(b'')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(house.folder.path)],
            input=ATTACH,
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"b''\n"
        assert accepted(session, r.WriteNote(text="x")).sequence == before + 1


async def test_socket_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A folder that takes no socket is an error with a name, not a traceback."""

    async def handle(connection: object, request: object) -> Refused:
        raise AssertionError

    server = Server(tmp_path / "socket", handle, lambda _: None)
    (tmp_path / "socket").mkdir()
    with pytest.raises(PreconditionError, match="socket cannot be made"):
        await server.open()
