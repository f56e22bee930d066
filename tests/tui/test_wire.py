"""The terminal shows what it would have shown, and is sent less."""

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.tui.wire import Wire

COLUMNS, ROWS = 16, 4
PLAIN = "\x1b[38;2;212;212;212;48;2;0;0;0m"
LOUD = "\x1b[1;38;2;255;255;255;48;2;0;0;0m"


def at(column: int, row: int, text: str, style: str = PLAIN) -> str:
    """A text at a place, as Textual writes it."""
    return f"\x1b[{row + 1};{column + 1}H{style}{text}\x1b[0m"


class Pair:
    """Two terminals: one is sent everything, the other what is spared."""

    def __init__(self) -> None:
        self.whole, self.spared = (pyte.Screen(COLUMNS, ROWS) for _ in range(2))
        self._streams = pyte.Stream(self.whole), pyte.Stream(self.spared)
        for screen in (self.whole, self.spared):
            screen.reset_mode(7, private=True)
        self.wire = Wire()

    def write(self, data: str) -> str:
        """Write to both, and give what the second was sent."""
        sent = self.wire.spare(data)
        self._streams[0].feed(data)
        self._streams[1].feed(sent)
        return sent

    def assert_same(self) -> None:
        """Both show the same letters in the same styles, with the cursor at the same place."""
        shown, spared = (
            [[_seen(screen.buffer[y][x]) for x in range(COLUMNS)] for y in range(ROWS)]
            for screen in (self.whole, self.spared)
        )
        assert spared == shown
        assert (self.spared.cursor.x, self.spared.cursor.y) == (self.whole.cursor.x, self.whole.cursor.y)


def _seen(char: pyte.screens.Char) -> tuple[object, ...]:
    """What can be seen of a cell: of a blank without marks, its background alone."""
    marks = (char.underscore, char.reverse, char.strikethrough)
    if char.data == " " and not any(marks):
        return (char.data, char.bg)
    return tuple(char)


STYLES = [
    "\x1b[0m",
    PLAIN,
    LOUD,
    "\x1b[31m",
    "\x1b[1;97;44m",
    "\x1b[7;38;5;9m",
    "\x1b[4;39;49m",
    "\x1b[107m",
    "\x1b[9;48;5;20m",
]
writes = st.lists(
    st.one_of(
        st.builds(
            at,
            st.integers(0, COLUMNS - 4),
            st.integers(0, ROWS - 1),
            st.text(alphabet="ab  -", min_size=1, max_size=4),
            st.sampled_from(STYLES),
        ),
        st.sampled_from(["\x1b[?2026h", "\x1b[?25l", "\x1b]22;default\x07", "\x1b[2J", "\x1b[1;1H"]),
    ),
    max_size=12,
)


@given(frames=st.lists(writes, max_size=6))
def test_the_terminal_shows_the_same(frames: list[list[str]]) -> None:
    """Whatever is written, in whichever order."""
    pair = Pair()
    for frame in frames:
        pair.write("".join(frame))
        pair.assert_same()


def test_what_is_shown_already_is_not_sent_again() -> None:
    """A second painting of the same costs nothing."""
    pair = Pair()
    frame = "\n".join(at(0, row, f"row {row}".ljust(COLUMNS)) for row in range(ROWS)) + "\x1b[1;1H"
    assert len(pair.write(frame)) > 60
    assert pair.write(frame) == ""
    pair.assert_same()


def test_a_clock_costs_its_digit() -> None:
    """And where it stands."""
    pair = Pair()
    pair.write(at(0, 0, "at 12:00:01") + "\x1b[1;1H")
    sent = pair.write(at(0, 0, "at 12:00:02") + "\x1b[1;1H")
    assert sent == "\x1b[1;11H\x1b[38;2;212;212;212;48;2;0;0;0m2\x1b[m\x1b[1;1H"
    pair.assert_same()


def test_a_blank_has_no_colour_of_its_own() -> None:
    """Between two words of one style nothing is said of the blanks."""
    pair = Pair()
    sent = pair.write(at(0, 0, "ab", LOUD) + at(2, 0, "   ", PLAIN) + at(5, 0, "cd", LOUD))
    assert sent == f"\x1b[1;1H{LOUD}ab   cd\x1b[m"
    pair.assert_same()


@pytest.mark.parametrize("text", ["日本", "e\u0301a", "caf\u00e9"])
def test_letters_whose_width_only_the_terminal_knows_are_sent_each_time(text: str) -> None:
    """And what stands after them is placed anew."""
    pair = Pair()
    frame = at(0, 0, text) + at(6, 0, "end")
    pair.write(frame)
    assert text in pair.write(frame)
    pair.assert_same()
    pair.write(at(0, 0, "      "))
    pair.assert_same()


@pytest.mark.parametrize("other", ["\x1b[?1049h", "\x1b[2J", "\x1bc", "\x1b[5n", "\r"])
def test_what_is_not_known_here_is_passed_on_and_all_is_sent_again(other: str) -> None:
    """The other screen of the terminal has nothing of ours on it."""
    pair = Pair()
    frame = at(0, 0, "here")
    pair.write(frame)
    assert pair.write(other) == other
    assert "here" in pair.write(frame)
    pair.assert_same()


def test_a_terminal_that_somebody_else_wrote_to_is_written_anew() -> None:
    """On request."""
    pair = Pair()
    frame = at(0, 0, "here")
    pair.write(frame)
    pair.wire.forget()
    assert "here" in pair.write(frame)
