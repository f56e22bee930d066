"""A whole sitting on a disk that takes five seconds to store a record."""

import time
from collections.abc import Iterator

import pytest

from tests.cli.desk import Desk, a_desk
from tests.conftest import short_folder
from tests.faults.injecting import Fault, needs_strace

SLOW = 5.0
ANSWERED = 5
"""The record of the second answer, after engine, sitting, step and the first one."""


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk for one test."""
    with short_folder() as place, a_desk(place) as made:
        yield made


@needs_strace
def test_j18_line_mode_says_that_the_journal_is_slow(desk: Desk) -> None:
    """The operator hears what is waited for while it lasts; then the run goes on as if nothing had been."""
    log = desk.place / "strace"
    fault = Fault(call="fdatasync", what=f"delay_enter={SLOW:.0f}s", when=str(ANSWERED), log=log)
    desk.before_engine = fault.words
    terminal = desk.sit(desk.run_words("--operator", "ada"))
    terminal.answer("INPUT look/BACKUP_SET", "")
    began = time.monotonic()
    terminal.answer("CONFIRM look/confirm-1", "yes")
    terminal.expect("journal slow: its disk has not stored this for 1 s so far")
    assert time.monotonic() - began < SLOW - 1
    terminal.answer("COMMAND work/prepare", "quit")
    assert time.monotonic() - began >= SLOW
    assert terminal.end() == 3
    assert terminal.text.count("journal slow") == 1
    assert all(len(line) <= 80 for line in terminal.text.splitlines() if "slow" in line)
