"""Lines out, lines in. Append-only: no cursor movement, no colour, no control but the newline."""

import os
import select
import sys
import termios
import textwrap
from dataclasses import dataclass
from typing import Final, Protocol, TextIO, TypeAlias

from aihummer_drtui.foreign import cleaned

WIDTH: Final = 78


@dataclass(frozen=True, kw_only=True)
class Line:
    """The operator typed this and Enter."""

    text: str


@dataclass(frozen=True, kw_only=True)
class News:
    """Something happened elsewhere first."""


@dataclass(frozen=True, kw_only=True)
class TimeUp:
    """Nothing happened in the time."""


@dataclass(frozen=True, kw_only=True)
class Over:
    """There is no more input, now or later."""


Heard: TypeAlias = Line | News | TimeUp | Over


class Watched(Protocol):
    """What may have news while a prompt waits."""

    def fileno(self) -> int:
        """Readable when there is news."""
        ...


class Console:
    """The operator's end of line mode. `talk` is where sentences go, `keys` where answers come from."""

    def __init__(self, *, talk: TextIO, keys: int | None) -> None:
        self._talk = talk
        self._keys = keys
        self._typed = bytearray()
        self._over = keys is None
        self._terminal = keys is not None and os.isatty(keys)

    @classmethod
    def standard(cls, *, talk: TextIO) -> "Console":
        """Standard input for answers, when there is one."""
        try:
            keys = sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):
            return cls(talk=talk, keys=None)
        return cls(talk=talk, keys=keys)

    @property
    def has_person(self) -> bool:
        """Whether a terminal is at the other end."""
        return self._terminal

    def say(self, text: str = "") -> None:
        """Write a text, cleaned of terminal control, and a newline."""
        self._talk.write(cleaned(text) + "\n")
        self._talk.flush()

    def say_filled(self, text: str, *, indent: str = "") -> None:
        """Write a text filled into lines that fit a narrow terminal."""
        for line in text.split("\n"):
            self.say(
                textwrap.fill(
                    line,
                    WIDTH,
                    initial_indent=indent,
                    subsequent_indent=indent,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )

    def prompt(self) -> None:
        """Write the prompt. What was typed before it is thrown away: it answered another question."""
        if self._terminal and self._keys is not None:
            termios.tcflush(self._keys, termios.TCIFLUSH)
            self._typed.clear()
        self._talk.write("> ")
        self._talk.flush()

    def end_prompt(self) -> None:
        """Leave a prompt that was not answered."""
        self._talk.write("\n")
        self._talk.flush()

    def hear(self, watched: Watched, seconds: float | None) -> Heard:
        """Wait for a typed line, for news, or for the time to be over, whichever comes first."""
        news = watched.fileno()
        while b"\n" not in self._typed:
            if self._over or self._keys is None:
                ready, _, _ = select.select([news], [], [], seconds or 0)
                return News() if ready else Over()
            ready, _, _ = select.select([self._keys, news], [], [], seconds)
            if self._keys not in ready:
                return News() if ready else TimeUp()
            data = os.read(self._keys, 4096)
            if not data:
                self._over = True
            self._typed += data
        return Line(text=self._first_line())

    def unread(self, text: str) -> None:
        """Put a line back in front of what is still to be heard."""
        self._typed[:0] = text.encode() + b"\n"

    def _first_line(self) -> str:
        line, _, rest = bytes(self._typed).partition(b"\n")
        self._typed = bytearray(rest)
        return line.decode("utf-8", "replace").strip()
