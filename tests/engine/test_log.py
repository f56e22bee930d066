"""The engine's log lies on the disk that may be sick: what it cannot take is no reason to stop."""

import os
import resource
import time
from pathlib import Path

import pytest

from aihummer_drtui.engine.log import note
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Status
from tests.conftest import short_folder
from tests.engine.engine_house import WITHIN, a_house, accepted, book, command, fifo, until
from tests.faults.injecting import Fault, needs_strace


def test_word_stands_in_the_log_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """A killed engine has said all that it said."""
    note("a word\nand another")
    assert capfd.readouterr().err == "a word\nand another\n"


def test_word_that_cannot_be_written_is_let_go(tmp_path: Path) -> None:
    """Neither now nor at the end does it raise."""
    kept = os.dup(2)
    closed = os.open(tmp_path, os.O_RDONLY)
    try:
        os.dup2(closed, 2)
        note("nowhere to go")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(closed)


@needs_strace
def test_j09_end_is_not_forgotten_where_even_the_log_has_no_room() -> None:
    """A full disk takes neither the outcome nor the complaint about it; the watch goes on."""
    with short_folder() as place:
        go = fifo(place, "go")
        with a_house(place, book(command("work/swap", f"read x < {go}; exit 3"))) as house:
            log = house.folder.engine_log
            fault = Fault(call="write", what="error=ENOSPC", when="1+", log=place / "strace", paths=(log,))
            session = house.sit(before=fault.words)
            accepted(session, r.Skip(item="work/before", reason="x"))
            accepted(session, r.StartCommand(item="work/swap"))
            until(session, lambda _: house.of_kind(e.CommandStarted) != [])
            engine, size = house.engine(), house.folder.journal.stat().st_size
            limits = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            go.write_text("go\n")
            deadline = time.monotonic() + WITHIN
            while "(INJECTED)" not in fault.log.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, limits)
            until(session, lambda state: state.status("work/swap") is Status.FAILED)
            assert house.engine() == engine
