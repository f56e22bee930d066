"""The lines on an engine's socket: one JSON value each, bounded, strictly typed in both directions."""

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from aihummer_drtui.run.requests import Message, Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE_LIMIT: Final = 4 << 20
"""Bytes of one line; a whole runbook fits into an accept-runbook request."""

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_messages: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def to_line(value: Request | Message) -> bytes:
    """One line with its newline."""
    return _encoder.encode(value) + b"\n"


def request_of(line: bytes) -> Request:
    """The request in a line. Raises msgspec.ValidationError or msgspec.DecodeError (a ValueError both)."""
    return _requests.decode(line)


def message_of(line: bytes) -> Message:
    """The engine's message in a line. Raises msgspec.ValidationError or msgspec.DecodeError."""
    return _messages.decode(line)


@contextmanager
def short_path(socket: "Path") -> "Iterator[str]":
    """A name of the socket that fits the 107 bytes of unix(7), however deep its folder lies."""
    folder = os.open(socket.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{socket.name}"
    finally:
        os.close(folder)
