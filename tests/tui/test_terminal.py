"""Where the screens cannot be shown, line mode is told why, before Textual is imported."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from aihummer_drtui.tui.terminal import reason_against


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """A terminal of 80 columns and 24 lines."""
    master, slave = pty.openpty()
    resize(slave, 80, 24)
    with open(slave, "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield stream
    os.close(master)


def resize(descriptor: int, columns: int, lines: int) -> None:
    """Give the terminal another size."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@pytest.mark.parametrize("term", ["xterm-256color", "linux", "screen", "vt100", "putty"])
def test_t10_a_terminal_of_80_by_24_shows_the_screens(terminal: TextIO, term: str) -> None:
    """Of whatever kind it is."""
    assert reason_against({"TERM": term}, (terminal, terminal, terminal)) == ""


@pytest.mark.parametrize(("term", "said"), [("dumb", "TERM is `dumb`"), ("", "TERM is not set")])
def test_t10_a_dumb_terminal_does_not(terminal: TextIO, term: str, said: str) -> None:
    """Textual would draw on it all the same."""
    assert reason_against({"TERM": term}, (terminal, terminal, terminal)) == said
    assert reason_against({}, (terminal, terminal, terminal)) == "TERM is not set"


@pytest.mark.parametrize(("columns", "lines"), [(79, 24), (80, 23), (0, 0), (20, 5)])
def test_t08_a_small_terminal_does_not(terminal: TextIO, columns: int, lines: int) -> None:
    """A serial console often says 0x0."""
    resize(terminal.fileno(), columns, lines)
    said = reason_against({"TERM": "linux"}, (terminal, terminal, terminal))
    assert said == f"the terminal is smaller than 80x24 ({columns}x{lines})"


def test_each_stream_has_to_be_a_terminal(terminal: TextIO, tmp_path: Path) -> None:
    """Textual reads from the input, and draws on the errors."""
    with (tmp_path / "file").open("w") as file:
        for place, name in enumerate(("input", "output", "errors")):
            streams: list[TextIO | None] = [terminal, terminal, terminal]
            streams[place] = file
            told = reason_against({"TERM": "linux"}, (streams[0], streams[1], streams[2]))
            assert told == f"the program's {name} is no terminal"
    assert "input" in reason_against({"TERM": "linux"}, (None, terminal, terminal))
    assert "input" in reason_against({"TERM": "linux"}, (file, terminal, terminal))
