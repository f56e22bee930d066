"""Clocks that are set, hosts that sleep, processes that are stopped: real engines, real signals."""

import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.engine.session import Session
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.objectives import clocks
from aihummer_drtui.run.state import Moment, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.run.wall_clock import jump_lines
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import House, accepted, book, command, fifo, refused, until

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
SELDOM = 3600.0
"""Seconds between two looks: within a test nothing is looked at by itself."""

SetClock = Callable[[str], None]


@pytest.fixture
def set_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets the clocks of what is started from now on, also while it runs: an offset like `-1h`."""
    if not FAKETIME.exists():
        pytest.skip("libfaketime is not installed: no clock is set")
    told = tmp_path / "clock"
    told.write_text("+0")
    monkeypatch.setenv("LD_PRELOAD", str(FAKETIME))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(told))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")

    def set_to(offset: str) -> None:
        beside = tmp_path / "clock.new"
        beside.write_text(offset)
        beside.replace(told)

    return set_to


def seldom(house: House, before: Verdict = Verdict.PASSED) -> None:
    """A world that is looked at once an hour."""
    checks = {
        "before": ScriptedCheck(verdict=before, interval=SELDOM),
        "after": ScriptedCheck(interval=SELDOM),
    }
    house.world.tell(Script(checks=checks))


def at_work(house: House) -> Session:
    """A sitting at the step `work`, its precondition seen."""
    session = house.sit()
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="v"))
    accepted(session, r.Confirm(item="brief/confirm-1", statement="yes"))
    accepted(session, r.ShowStep(step="work"))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    return session


def test_s06_events_stay_in_order_whatever_the_wall_clock_says(
    make_house: MakeHouse, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour back, a year ahead: order and clocks of the run do not notice, and the operator is told."""
    monkeypatch.setenv("DONT_FAKE_MONOTONIC", "1")
    house = make_house(book(command("work/swap", "true")))
    session = house.sit()
    accepted(session, r.WriteNote(text="first"))
    set_clock("-1h")
    accepted(session, r.WriteNote(text="second"))
    set_clock("+365d")
    state = accepted(session, r.WriteNote(text="third"))
    records = read_journal(house.folder.path)
    assert [one.sequence for one in records] == list(range(1, len(records) + 1))
    assert [one.what.text for one in records if isinstance(one.what, e.NoteWritten)] == [
        "first",
        "second",
        "third",
    ]
    moments = [Moment(boot_id=one.boot_id, boottime=one.boottime, wall=one.wall) for one in records]
    told = [line for before, after in pairwise(moments) for line in jump_lines(before, after)]
    assert len(told) == 2
    assert "back by 1 h" in told[0]
    assert "ahead by 365 d" in told[1]
    assert fold(records) == state
    assert clocks(state, state.latest).since_declared < 60


@pytest.mark.parametrize("at_once", [True, False], ids=["started at once", "left alone"])
def test_s08_after_a_long_sleep_everything_is_looked_at_again(
    make_house: MakeHouse, set_clock: SetClock, at_once: bool
) -> None:
    """What was seen before the host slept starts nothing; that it slept is on record."""
    house = make_house(book(command("work/swap", "true")))
    seldom(house)
    session = at_work(house)
    seldom(house, before=Verdict.FAILED)
    set_clock("+600")
    if at_once:
        assert "work/before comes before it" in refused(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/before") is Status.DRIFTED)
    until(session, lambda _: bool(house.of_kind(e.NoteWritten)))
    (note,) = house.of_kind(e.NoteWritten)
    assert isinstance(note, e.NoteWritten)
    assert note.text.startswith("the host was suspended, or the engine stopped, for 10 min")
    assert house.of_kind(e.CommandIntended) == []
    seldom(house)
    accepted(session, r.LookAgain(item="work/before"))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/swap") is Status.PASSED)


def test_s08_a_stopped_engine_goes_on_where_it_was(make_house: MakeHouse, tmp_path: Path) -> None:
    """A command that ended meanwhile has its true end, and is not run again."""
    way, ran = fifo(tmp_path, "way"), tmp_path / "ran"
    house = make_house(book(command("work/swap", f"cat {way}; echo run >> {ran}")))
    session = at_work(house)
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/swap") is Status.RUNNING)
    engine = house.engine()
    os.kill(engine.pid, signal.SIGSTOP)
    way.write_text("")
    running = house.attempt("work/swap")
    while running.wait_descriptor() is not None:
        signal.sigtimedwait([], 0.05)
    assert house.of_kind(e.CommandEnded) == []
    os.kill(engine.pid, signal.SIGCONT)
    until(session, lambda state: state.status("work/swap") is Status.PASSED)
    assert ran.read_text() == "run\n"
    assert house.engine() == engine


def test_s05_a_command_that_outlives_its_engine_holds_no_lock(make_house: MakeHouse, tmp_path: Path) -> None:
    """Nothing that an engine started has its locks, its journal or its socket; so a new one can begin."""
    way = fifo(tmp_path, "way")
    house = make_house(book(command("work/swap", f"cat {way}")))
    session = at_work(house)
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda _: bool(house.of_kind(e.CommandStarted)))
    (started,) = house.of_kind(e.CommandStarted)
    assert isinstance(started, e.CommandStarted)
    theirs = {house.folder.lock, house.folder.journal, house.folder.socket}
    theirs |= set((house.state / "targets").iterdir())
    for pid in session_of(started.pid):
        held = {link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()}
        assert not held & theirs, pid
    house.end_engine(signal.SIGKILL)
    assert all(holder_of(path) is None for path in theirs if path.name != "socket")
    again = house.sit("bert")
    assert again.state.running == ("work/swap",)
    way.write_text("")
    until(again, lambda state: state.status("work/swap") is Status.PASSED)


def session_of(leader: int) -> list[int]:
    """The command's processes and its supervisor."""
    fields = Path(f"/proc/{leader}/stat").read_text().rpartition(")")[2].split()
    parent = int(fields[1])
    members = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and os.getsid(int(entry.name)) == leader
    ]
    return [parent, *members]


def test_s03_a_lock_of_an_earlier_boot_holds_nobody(make_house: MakeHouse) -> None:
    """After a restart its text names a number that somebody else has by now: the kernel says it is free."""
    house = make_house(book(command("work/swap", "true")))
    house.leave(house.sit())
    engine = house.engine()
    house.end_engine(signal.SIGKILL)
    text = house.folder.lock.read_text()
    restarted = text.replace(engine.boot_id, "0" * 36).replace(f'"pid":{engine.pid}', f'"pid":{os.getpid()}')
    assert restarted != text
    house.folder.lock.write_text(restarted)
    session = house.sit()
    accepted(session, r.WriteNote(text="goes on"))
