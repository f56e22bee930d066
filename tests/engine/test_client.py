"""A front end's end of the socket, against engines that behave and engines that do not."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aihummer_drtui.engine import client as client_module
from aihummer_drtui.engine.client import EngineClient, EngineGoneError
from aihummer_drtui.engine.wire import LINE_LIMIT, to_line
from aihummer_drtui.errors import FailedError, PreconditionError, UnknownOutcomeError
from aihummer_drtui.run import requests as r

NOTE = r.WriteNote(text="x")


@contextmanager
def an_engine(folder: Path, behave: Callable[[socket.socket], None]) -> Iterator[EngineClient]:
    """A socket with that behind it, and a client connected to it."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s"))
        listening.listen()

        def serve() -> None:
            taken, _ = listening.accept()
            # A client that leaves with something unread is no fault of this side.
            with taken, contextlib.suppress(OSError):
                behave(taken)

        thread = threading.Thread(target=serve)
        thread.start()
        client = EngineClient.connect(folder / "s", "r1")
        assert client is not None
        try:
            yield client
        finally:
            client.close()
            thread.join()


def saying(*parts: bytes) -> Callable[[socket.socket], None]:
    """An engine that hears one request, says this, and waits until the other side leaves."""

    def behave(taken: socket.socket) -> None:
        taken.recv(65_536)
        for part in parts:
            taken.sendall(part)
        while taken.recv(65_536):
            pass

    return behave


def waited(event: threading.Event) -> None:
    """Stand still until the event."""
    assert event.wait(10)


def test_nobody_there_is_none(folder: Path) -> None:
    """No run folder, no socket, or a socket of a dead engine: nobody is there."""
    assert EngineClient.connect(folder / "none" / "s", "r1") is None
    assert EngineClient.connect(folder / "s", "r1") is None
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "s"))
    assert EngineClient.connect(folder / "s", "r1") is None


def test_what_is_no_socket_is_told(folder: Path) -> None:
    """A state folder that is not ours, or spoilt, is an error with a name."""
    (folder / "file").write_bytes(b"")
    with pytest.raises(PreconditionError, match="socket cannot be used"):
        EngineClient.connect(folder / "file" / "s", "r1")


def test_growth_before_the_reply_is_kept(folder: Path) -> None:
    """The journal may grow while a request is judged; both are heard, in whatever pieces they come."""
    lines = to_line(r.Grew(sequence=4)) + to_line(r.Accepted(sequence=3)) + to_line(r.Grew(sequence=5))
    with an_engine(folder, saying(lines[:10], lines[10:45], lines[45:])) as client:
        assert client.ask(NOTE) == r.Accepted(sequence=3)
        assert client.wait_for_growth(3, 0.0)
        assert client.wait_for_growth(4, 10.0)
        assert not client.wait_for_growth(5, 0.0)
        assert client.fileno() > 0


def test_refused_sitting_raises(folder: Path) -> None:
    """A front end that may not sit says why and goes."""
    with (
        an_engine(folder, saying(to_line(r.Refused(reason="no seat", hint="stand")))) as client,
        pytest.raises(FailedError, match="refuses the sitting: no seat"),
    ):
        client.attach(operator="anna", host="h", front_end="f")


def test_engine_that_ends_is_gone(folder: Path) -> None:
    """Its end in the middle of a reply, or before a request, is told with how to go on."""
    with an_engine(folder, lambda taken: taken.sendall(b'{"reply"')) as client:
        with pytest.raises(EngineGoneError, match=r"nothing is lost: `aihummer-drtui resume r1`"):
            client.wait_for_growth(0, 10.0)
        with pytest.raises(EngineGoneError):
            client.ask(NOTE)


def test_engine_that_resets_is_gone(folder: Path) -> None:
    """An engine that is killed with our request unread resets the connection."""
    seen = threading.Event()
    with an_engine(folder, lambda _: waited(seen)) as client:
        client._socket.sendall(b"unread\n")
        seen.set()
        with pytest.raises(EngineGoneError):
            client.wait_for_growth(0, 10.0)


def test_engine_that_floods_is_left(folder: Path) -> None:
    """No engine makes a front end hold more than a line may be."""

    def flood(taken: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken.sendall(b"x" * 65_536)

    with an_engine(folder, flood) as client, pytest.raises(EngineGoneError):
        client.wait_for_growth(0, 10.0)


def test_engine_of_another_version_is_told(folder: Path) -> None:
    """What is not understood is no silence and no success."""
    with (
        an_engine(folder, saying(b'{"reply":"maybe\x1b"}\n', b'{"reply":"maybe"}\n')) as client,
        pytest.raises(FailedError, match="does not understand"),
    ):
        client.ask(NOTE)


def test_engine_that_says_nothing_leaves_the_outcome_unknown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that went out and was not answered may have been done."""
    monkeypatch.setattr(client_module, "REPLY_WITHIN", 0.05)
    with (
        an_engine(folder, saying(to_line(r.Grew(sequence=1)))) as client,
        pytest.raises(UnknownOutcomeError, match="did not answer within 0 s"),
    ):
        client.ask(NOTE)


def test_s08_engine_that_does_not_read_does_not_hold_its_front_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that was stopped (SIGSTOP) lets nobody hang for ever."""
    monkeypatch.setattr(client_module, "REPLY_WITHIN", 0.05)
    seen = threading.Event()
    began = time.monotonic()
    with an_engine(folder, lambda _: waited(seen)) as client:
        with pytest.raises(EngineGoneError):
            client.ask(r.WriteNote(text="x" * (3 << 20)))
        seen.set()
    assert time.monotonic() - began < 10


def test_request_longer_than_a_line_is_refused_here(folder: Path) -> None:
    """What the engine would cut is not sent."""
    with an_engine(folder, lambda _: None) as client:
        assert isinstance(client.ask(r.WriteNote(text="x" * LINE_LIMIT)), r.Refused)
