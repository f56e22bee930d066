"""A front end that is stopped, and a host whose clock is set, as the operator meets them."""

import signal
import time
from pathlib import Path

import pytest

from aihummer_drtui.run import events as e
from tests.cli.desk import WITHIN, Desk

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


def recorded(desk: Desk, kind: type[e.Event]) -> None:
    """Wait until the journal holds such an event."""
    deadline = time.monotonic() + WITHIN
    while not desk.of_kind(kind):
        assert time.monotonic() < deadline, f"no {kind} recorded"
        signal.sigtimedwait([], 0.05)


def test_s08_a_stopped_front_end_keeps_nothing_up(desk: Desk) -> None:
    """The command goes on and its end is recorded; continued, the front end tells of it and goes on."""
    way = desk.pipe("way")
    desk.write_runbook(prepare=f"cat {way}")
    terminal = desk.sit(desk.run_words("--plain"))
    terminal.answer("INPUT look/BACKUP_SET", "")
    terminal.answer("CONFIRM look/confirm-1", "yes")
    terminal.answer("COMMAND work/prepare", "start")
    terminal.expect("> running: work/prepare")
    terminal.process.send_signal(signal.SIGSTOP)
    way.write_text("")
    recorded(desk, e.CommandEnded)
    terminal.process.send_signal(signal.SIGCONT)
    terminal.expect("+ passed: work/prepare")
    terminal.answer("COMMAND work/swap", "quit")
    terminal.end()


def test_s06_the_operator_is_told_that_the_clock_was_set(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next event, in words, and once."""
    if not FAKETIME.exists():
        pytest.skip("libfaketime is not installed: no clock is set")
    told = desk.place / "clock"
    told.write_text("+0")
    for name, value in (
        ("LD_PRELOAD", str(FAKETIME)),
        ("FAKETIME_TIMESTAMP_FILE", str(told)),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ):
        monkeypatch.setenv(name, value)
    terminal = desk.sit(desk.run_words("--plain"))
    terminal.prompted("INPUT look/BACKUP_SET")
    told.write_text("-1h")
    terminal.type("note is it still so early?")
    terminal.expect("WARNING: this host's wall clock was set back by 1 h")
    terminal.answer("INPUT look/BACKUP_SET", "note again")
    terminal.answer("INPUT look/BACKUP_SET", "quit")
    terminal.end()
    assert len(desk.of_kind(e.NoteWritten)) == 2
    assert terminal.text.count("wall clock was set") == 1
