"""Lines out, lines in. Append-only: no cursor movement, no colour, no control but the newline."""

import io
import os
import select
import sys
import termios
import textwrap
from dataclasses import dataclass
from typing import Final, Protocol, TextIO, TypeAlias

from aihummer_drtui.foreign import cleaned, cleaned_line

WIDTH: Final = 78
_VERBATIM: Final = ("    ", "  | ")
"""What begins like this is a command or its output: broken by us it could not be pasted or compared."""
_HANGING: Final = "    "
_PASTE_GAP: Final = 0.05
"""Seconds. Whoever types does not begin the next line sooner than this after Enter; a paste does."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The operator typed this and Enter."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Garbled:
    """The operator sent what is no answer: a paste of several lines, control characters, no UTF-8."""

    why: str


@dataclass(frozen=True, kw_only=True)
class News:
    """Something happened elsewhere first."""


@dataclass(frozen=True, kw_only=True)
class TimeUp:
    """Nothing happened in the time."""


@dataclass(frozen=True, kw_only=True)
class Over:
    """There is no more input, now or later."""


Heard: TypeAlias = Line | Garbled | News | TimeUp | Over


class Watched(Protocol):
    """What may have news while a prompt waits."""

    def fileno(self) -> int:
        """Readable when there is news."""
        ...


class Console:
    """The operator's end of line mode. `talk` is where sentences go, `keys` where answers come from."""

    def __init__(self, *, talk: TextIO, keys: int | None) -> None:
        if isinstance(talk, io.TextIOWrapper):
            # A terminal that is not UTF-8 gets an escape, not a traceback, for a letter it lacks.
            talk.reconfigure(errors="backslashreplace")
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

    def say_filled(self, text: str) -> None:
        """Write each line of a text filled to fit a narrow terminal; commands and output as they are.

        What goes on below the line it began on is indented, so that it is not taken for a new line.
        """
        for line in text.split("\n"):
            self.say(line if line.startswith(_VERBATIM) else filled(line))

    def prompt(self) -> None:
        """Write the prompt. What was typed before it is thrown away: it answered another question."""
        self.forget_typed()
        self.prompt_again()

    def forget_typed(self) -> None:
        """Throw away what a person has typed so far; piped lines are kept."""
        if self._terminal and self._keys is not None:
            try:
                termios.tcflush(self._keys, termios.TCIFLUSH)
            except termios.error:
                self._over = True
            self._typed.clear()

    def prompt_again(self) -> None:
        """Write the prompt for a question that is still open; what is half typed answers it."""
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
                return self._last_line()
            ready, _, _ = select.select([self._keys, news], [], [], seconds)
            if self._keys not in ready:
                return News() if ready else TimeUp()
            self._read(self._keys)
        if self._terminal and self._keys is not None and self._more_at_once(self._keys):
            return Garbled(why="Several lines came at once, as from a paste; none of them was taken.")
        line, _, rest = bytes(self._typed).partition(b"\n")
        self._typed = bytearray(rest)
        return _line(line)

    def _last_line(self) -> Heard:
        """What stood before the end of the input without a newline, once; from then on: over."""
        if self._terminal or not self._typed:
            return Over()
        line = bytes(self._typed)
        self._typed.clear()
        return _line(line)

    def _read(self, keys: int) -> None:
        try:
            data = os.read(keys, 4096)
        except OSError:
            # EIO: the terminal was hung up.
            data = b""
        self._over = not data
        self._typed += data

    def _more_at_once(self, keys: int) -> bool:
        """Whether more came right behind a line; if so, all of it is thrown away."""
        more = self._typed.count(b"\n") > 1
        while not self._over and select.select([keys], [], [], _PASTE_GAP)[0]:
            more = True
            self._read(keys)
        if more:
            self._typed.clear()
        return more


def filled(line: str) -> str:
    """One line filled to fit a narrow terminal, its continuations indented deeper than its beginning."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.fill(
        line.strip(),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + _HANGING if indent else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _line(data: bytes) -> Line | Garbled:
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return Garbled(why="What was typed is not UTF-8; nothing was taken.")
    if cleaned_line(text, len(text)) != text:
        return Garbled(why="Control characters came with it (an arrow key?); nothing was taken.")
    return Line(text=text)
