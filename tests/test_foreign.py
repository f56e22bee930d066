"""Foreign text is shown, and controls nothing."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.foreign import cleaned, cleaned_bytes, cleaned_line

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("50 %\r100 %", "50 %\\x0d100 %"),
        ("a\x00b\x7f\x08", "a\\x00b\\x7f\\x08"),
        ("gnp.\u202eexe", "gnp.\\u202eexe"),
        ("\u200bhid\u00adden\u180e\ufeff", "\\u200bhid\\xadden\\u180e\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Grüße, 你好, [bold]", "Grüße, 你好, [bold]"),
    ],
)
def test_control_becomes_visible(foreign: str, shown: str) -> None:
    """An escape sequence arrives as text: neither obeyed nor hidden; what people write stays."""
    assert cleaned(foreign) == shown


def test_a_file_name_that_is_no_utf8_can_be_printed() -> None:
    """What os.fsdecode makes of such a name raises when it is encoded; cleaned, it does not."""
    assert cleaned(os.fsdecode(b"caf\xe9")).encode() == b"caf\\udce9"


@given(ANY_TEXT)
def test_nothing_that_controls_is_left(foreign: str) -> None:
    """No control, format or surrogate character but tab and newline; cleaning twice changes nothing."""
    clean = cleaned(foreign)
    kept = set(clean) - {"\n", "\t"}
    assert not [letter for letter in kept if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [
        letter for letter in kept if unicodedata.bidirectional(letter) in {"RLO", "LRO", "RLI", "PDF"}
    ]
    assert cleaned(clean) == clean
    clean.encode()


@given(ANY_TEXT, st.integers(0, 40))
def test_a_line_is_one_line_within_its_limit(foreign: str, limit: int) -> None:
    """Whatever comes in, a list keeps one row an entry."""
    line = cleaned_line(foreign, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert "\t" not in line


def test_a_line_that_was_cut_says_so() -> None:
    """A reader can tell that there is more."""
    assert cleaned_line("a\nb\tc") == "a\\nb\\tc"
    assert cleaned_line("x" * 200) == "x" * 200
    assert cleaned_line("x" * 201) == "x" * 197 + "..."


@given(st.binary())
def test_any_bytes_become_text(data: bytes) -> None:
    """No output of a child is unreadable."""
    cleaned_bytes(data).encode()


def test_bytes_that_are_no_utf8_and_line_ends_of_another_world() -> None:
    """Bytes are named; CRLF is a line end and not a carriage return."""
    assert cleaned_bytes(b"ok\r\ncaf\xe9 \x1b[2J\r\n") == "ok\ncaf\\xe9 \\x1b[2J\n"
