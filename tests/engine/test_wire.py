"""Lines on the socket, and sockets in deep folders."""

import socket
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine.wire import message_of, request_of, short_path, to_line
from aihummer_drtui.run import requests as r

REQUESTS: list[r.Request] = [
    r.Attach(operator="a", host="h", front_end="f"),
    r.ShowStep(step="s"),
    r.LookAgain(item="i"),
    r.GiveInput(item="i", value="v"),
    r.Confirm(item="i", statement="s\n\u2028"),
    r.StartCommand(item="i", confirmation="h/d"),
    r.StopCommand(item="i"),
    r.ProbeOutcome(item="i"),
    r.SettleOutcome(item="i", done=True, reason="r"),
    r.Skip(item="i", reason="r"),
    r.Override(item="i", reason="r"),
    r.WriteNote(text="t"),
    r.AcceptRunbook(text="# a\n\n# b\n", reason="r"),
    r.Finish(),
    r.Abandon(reason="r"),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_request_is_one_line_and_comes_back_as_it_was(request_: r.Request) -> None:
    """Whatever the text holds, a request is one line."""
    line = to_line(request_)
    assert line.count(b"\n") == 1
    assert request_of(line) == request_


@pytest.mark.parametrize(
    "message", [r.Accepted(sequence=1), r.Refused(reason="r\n", hint="h"), r.Grew(sequence=2)]
)
def test_message_is_one_line_and_comes_back_as_it_was(message: r.Message) -> None:
    """Whatever the reason holds, a message is one line."""
    line = to_line(message)
    assert line.count(b"\n") == 1
    assert message_of(line) == message


def test_other_direction_is_not_understood() -> None:
    """A message is no request."""
    with pytest.raises(msgspec.DecodeError):
        request_of(to_line(r.Accepted(sequence=1)))


def test_deep_socket_has_a_short_name(tmp_path: Path) -> None:
    """unix(7) takes 107 bytes; a state folder may lie deeper."""
    deep = tmp_path.joinpath(*["d" * 100] * 3)
    deep.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as calling:
        with short_path(deep / "socket") as name:
            listening.bind(name)
            listening.listen()
            calling.connect(name)
        assert (deep / "socket").is_socket()
