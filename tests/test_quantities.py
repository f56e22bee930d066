"""Bytes and durations as people read and write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.quantities import bytes_text, duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("20m", 1_200.0),
        ("20min", 1_200.0),
        ("4h", 14_400.0),
        ("1d", 86_400.0),
        ("1d 2h 30m 5s", 95_405.0),
        ("1h30m", 5_400.0),
        (" 5m ", 300.0),
        ("0s", 0.0),
        ("", None),
        ("90", None),
        ("1.5h", None),
        ("-5m", None),
        ("5m 1h", None),
        ("five minutes", None),
        ("5M", None),
    ],
)
def test_durations_as_they_are_written(text: str, seconds: float | None) -> None:
    """A number without its unit is no duration."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (245, "4 min 05 s"),
        (3_599.7, "1 h"),
        (11_520, "3 h 12 min"),
        (86_400, "1 d"),
        (180_000, "2 d 2 h"),
    ],
)
def test_durations_as_they_are_read(seconds: float, text: str) -> None:
    """Two parts at most, rounded up over a border as a whole."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (1_250_000, "1.25 MB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (2_345_678_901, "2.35 GB"),
        (10**15, "1 PB"),
        (10**18, "1000 PB"),
        (10**20, "100000 PB"),
    ],
)
def test_sizes_as_they_are_read(count: int, text: str) -> None:
    """Three figures with a decimal unit, never a power of ten."""
    assert bytes_text(count) == text


@given(st.integers(0, 10**21))
def test_a_size_is_always_a_plain_number_and_a_unit(count: int) -> None:
    """No size is shown as `1e+03`."""
    assert re.fullmatch(r"\d+(\.\d+)? (B|kB|MB|GB|TB|PB)", bytes_text(count))


@given(st.integers(0, 10**6))
def test_whole_durations_survive_being_written(minutes: int) -> None:
    """What is read back is what was meant."""
    assert parse_duration(f"{minutes}m") == minutes * 60.0
