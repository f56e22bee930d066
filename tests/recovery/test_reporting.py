"""Telling where long work is: complete at its turns, bounded in between, never in the way."""

import io
import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.recovery.reporting import Reporter, progress_line
from aihummer_drtui.run.progress import PROGRESS_DESCRIPTOR, Parts, Progress


def _lines(descriptor: int) -> list[Progress]:
    data = os.read(descriptor, 1_000_000)
    return [msgspec.json.decode(line, type=Progress) for line in data.splitlines()]


def test_turns_are_always_told_and_the_rest_seldom() -> None:
    """Beginning and end of each phase, whatever the rate; a flood becomes a few lines."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb"):
        with Reporter.from_environment({PROGRESS_DESCRIPTOR: str(writer)}) as reporter:
            reporter.phase("reading", total=10_000, unit="bytes")
            for _ in range(10_000):
                reporter.advance()
            reporter.phase("swapping")
        told = _lines(reader)
    os.close(reader)
    assert told[0].phase == "reading"
    assert (told[-2].phase, told[-2].done, told[-2].total) == ("reading", 10_000, 10_000)
    assert told[-1].phase == "swapping"
    assert len(told) < 10


def test_a_reader_that_is_gone_stops_nothing() -> None:
    """The work is not ended by SIGPIPE or an error."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb"), Reporter.from_environment({PROGRESS_DESCRIPTOR: str(writer)}) as reporter:
        reporter.phase("one")
        reporter.phase("two")


def test_a_reader_that_does_not_read_holds_nothing_up() -> None:
    """A full pipe loses lines instead of the recovery's time."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb"), Reporter.from_environment({PROGRESS_DESCRIPTOR: str(writer)}) as reporter:
        for number in range(5_000):
            reporter.phase(f"phase {number}")
    os.close(reader)


@pytest.mark.parametrize("text", ["", "x", "-1", "999999", "99999999999999999999"])
def test_a_descriptor_that_is_none_is_ignored(text: str) -> None:
    """Then the person at the screen is told."""
    screen = io.StringIO()
    with Reporter.from_environment({PROGRESS_DESCRIPTOR: text}, screen) as reporter:
        reporter.phase("copying \x1b[2J", total=4, unit="blobs")
        reporter.reached(4)
    assert screen.getvalue() == "copying \\x1b[2J: 0/4 blobs, 0%\ncopying \\x1b[2J: 4/4 blobs, 100%\n"


def test_at_a_terminal_one_line_is_redrawn() -> None:
    """And left standing, on a line of its own, at the end."""
    program = (
        "from aihummer_drtui.recovery.reporting import Reporter\n"
        "with Reporter.from_environment() as reporter:\n"
        "    reporter.phase('copying', total=2, unit='blobs')\n"
        "    reporter.reached(2)\n"
    )
    master, slave = os.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop(PROGRESS_DESCRIPTOR, None)
    subprocess.run([sys.executable, "-c", program], stderr=slave, env=environment, check=True, timeout=20)
    os.close(slave)
    said = os.read(master, 10_000).decode()
    os.close(master)
    assert said == "\rcopying: 0/2 blobs, 0%\rcopying: 2/2 blobs, 100%\r\n"


@given(
    st.builds(
        Progress,
        phase=st.text(max_size=300),
        done=st.integers(0, 10**15),
        total=st.integers(0, 10**15),
        unit=st.sampled_from(["", "bytes", "blobs"]),
        elapsed=st.floats(0, 10**7),
        parts=st.none() | st.builds(Parts, done=st.integers(0), total=st.integers(0), unit=st.text()),
    )
)
def test_every_moment_is_one_clean_line(progress: Progress) -> None:
    """Whatever the phase is called and however far it is."""
    line = progress_line(progress)
    assert len(line) <= 200
    assert "\n" not in line
    assert "\x1b" not in line
