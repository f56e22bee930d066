"""Lines out and in on a real terminal and on real pipes."""

import io
import os
import pty
import socket
import termios
from collections.abc import Iterator

import pytest

from aihummer_drtui.plain.console import Console, Garbled, Line, News, Over, TimeUp, filled


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """A terminal's two ends: the operator's, the program's."""
    master, slave = pty.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    yield master, slave
    for descriptor in (master, slave):
        try:
            os.close(descriptor)
        except OSError:
            continue


@pytest.fixture
def quiet() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Something that may have news: what is sent to the second comes out of the first."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


Quiet = tuple[socket.socket, socket.socket]


def test_a_typed_line_is_heard(ends: tuple[int, int], quiet: Quiet) -> None:
    """Without the spaces around it."""
    console = Console(talk=io.StringIO(), keys=ends[1])
    os.write(ends[0], "  größe \n".encode())
    assert console.has_person
    assert console.hear(quiet[0], 5) == Line(text="größe")


def test_type_ahead_is_thrown_away_before_a_prompt(ends: tuple[int, int], quiet: Quiet) -> None:
    """Whole lines and half ones."""
    console = Console(talk=io.StringIO(), keys=ends[1])
    os.write(ends[0], b"yes\nhalf")
    console.prompt()
    os.write(ends[0], b"later\n")
    assert console.hear(quiet[0], 5) == Line(text="later")


def test_what_is_half_typed_survives_news(ends: tuple[int, int], quiet: Quiet) -> None:
    """The question is still the same, and so is its answer."""
    console = Console(talk=io.StringIO(), keys=ends[1])
    console.prompt()
    os.write(ends[0], b"/back")
    quiet[1].send(b"!")
    assert console.hear(quiet[0], 5) == News()
    quiet[0].recv(1)
    console.prompt_again()
    os.write(ends[0], b"ups\n")
    assert console.hear(quiet[0], 5) == Line(text="/backups")


@pytest.mark.parametrize("paste", [b"yes\nyes\n", b"a\n\n", b"x" * 3000 + b"\nhost/db\n" + b"y" * 500])
def test_a_paste_of_several_lines_is_no_answer(ends: tuple[int, int], quiet: Quiet, paste: bytes) -> None:
    """All of it is gone; the next line typed is heard alone."""
    console = Console(talk=io.StringIO(), keys=ends[1])
    os.write(ends[0], paste)
    heard = console.hear(quiet[0], 5)
    assert isinstance(heard, Garbled)
    console.prompt()
    os.write(ends[0], b"no\n")
    assert console.hear(quiet[0], 5) == Line(text="no")


@pytest.mark.parametrize("typed", [b"\xff\xfe\n", b"\x1b[A\n", b"a\tb\n", "a\u202eb\n".encode()])
def test_what_nobody_means_to_type_is_no_answer(ends: tuple[int, int], quiet: Quiet, typed: bytes) -> None:
    """No UTF-8, an arrow key, a tab, letters that turn the direction."""
    console = Console(talk=io.StringIO(), keys=ends[1])
    os.write(ends[0], typed)
    assert isinstance(console.hear(quiet[0], 5), Garbled)


def test_time_is_up_when_nothing_comes(ends: tuple[int, int], quiet: Quiet) -> None:
    """After the seconds given."""
    assert Console(talk=io.StringIO(), keys=ends[1]).hear(quiet[0], 0.01) == TimeUp()


def test_control_d_and_a_hang_up_are_the_end(ends: tuple[int, int], quiet: Quiet) -> None:
    """Heard as such, at once, and ever after."""
    console = Console(talk=io.StringIO(), keys=ends[1])
    os.write(ends[0], b"\x04")
    assert console.hear(quiet[0], 5) == Over()
    gone = Console(talk=io.StringIO(), keys=ends[1])
    os.close(ends[0])
    assert gone.hear(quiet[0], 5) == Over()
    gone.prompt()
    assert gone.hear(quiet[0], None) == Over()


def test_piped_lines_come_one_by_one(quiet: Quiet) -> None:
    """The last one needs no newline; then it is over."""
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo\nthree")
    os.close(writing)
    console = Console(talk=io.StringIO(), keys=reading)
    heard = [console.hear(quiet[0], 5) for _ in range(5)]
    os.close(reading)
    assert heard == [Line(text="one"), Line(text="two"), Line(text="three"), Over(), Over()]
    assert not console.has_person


def test_no_input_at_all_is_over_at_once(quiet: Quiet) -> None:
    """Started without a standard input."""
    assert Console(talk=io.StringIO(), keys=None).hear(quiet[0], None) == Over()


def test_a_standard_input_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some schedulers close it."""
    monkeypatch.setattr("sys.stdin", None)
    assert not Console.standard(talk=io.StringIO()).has_person


def test_x01_nothing_said_steers_a_terminal() -> None:
    """Controls become visible escapes (case X01)."""
    talk = io.StringIO()
    console = Console(talk=talk, keys=None)
    console.say("a\x1b]52;c;aGk=\x07b\rc\x9b2J")
    console.say_filled("  | \x1b[2J\n" + "word " * 30)
    assert not set(talk.getvalue()) & {"\x1b", "\r", "\x07", "\x9b"}


def test_t11_a_terminal_that_lacks_a_letter_gets_an_escape() -> None:
    """Not a traceback."""
    data = io.BytesIO()
    console = Console(talk=io.TextIOWrapper(data, encoding="ascii"), keys=None)
    console.say("größe → 1")
    assert data.getvalue() == b"gr\\xf6\\xdfe \\u2192 1\n"


def test_lines_are_filled_and_hang_where_they_are_indented() -> None:
    """At most 78 columns; a continuation is not taken for a new line; words are never broken."""
    lines = filled("  + passed: " + "word " * 40).split("\n")
    assert all(len(line) <= 78 for line in lines)
    assert lines[0].startswith("  + ")
    assert all(line.startswith("      word") for line in lines[1:])
    assert filled("x" * 200) == "x" * 200


def test_commands_and_output_are_not_filled() -> None:
    """What can be pasted or compared stays as it is."""
    talk = io.StringIO()
    Console(talk=talk, keys=None).say_filled("    " + "word " * 40 + "\n  | " + "word " * 40)
    assert talk.getvalue().count("\n") == 2
