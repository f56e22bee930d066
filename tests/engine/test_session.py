"""A front end's view of a run, with a real engine behind it."""

import select
import signal
from pathlib import Path

import pytest

from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.launch import sit_down
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.state import Status
from aihummer_drtui.runbook.model import Runbook
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import accepted, book, command, fifo, text_of, until

PLAIN = book(command("work/swap", "true"))


def test_growth_is_told_once_with_the_states_around_it(make_house: MakeHouse) -> None:
    """News comes once and in order from `wait`; the callback gets every record from the first on."""
    house = make_house(PLAIN)
    told: list[e.Record] = []
    session = house.sit(on_record=told.append)
    start = session.state.sequence
    session.wait(0)
    accepted(session, r.WriteNote(text="one"))
    accepted(session, r.WriteNote(text="two"))
    news = session.wait(5)
    assert session.wait(0) == []
    assert [one.record.what for one in news] == [e.NoteWritten(text="one"), e.NoteWritten(text="two")]
    assert [(one.before.sequence, one.after.sequence) for one in news] == [
        (start, start + 1),
        (start + 1, start + 2),
    ]
    assert isinstance(told[0].what, e.RunDeclared)
    assert [record.sequence for record in told] == list(range(1, start + 3))
    assert told[-2:] == [one.record for one in news]


def test_a_long_run_is_taken_up_piece_by_piece(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes late knows all of it, who was there misses nothing, and each record is told once."""
    house = make_house(PLAIN)
    first = house.sit()
    monkeypatch.setattr("aihummer_drtui.engine.follower.PIECE", 2_000)
    for number in range(20):
        accepted(first, r.WriteNote(text=f"note {number}: " + "x" * 100))
    heard: list[int] = []
    late = house.sit("bert", on_record=lambda record: heard.append(record.sequence))
    assert late.wait(0) == []
    for number in range(20):
        accepted(late, r.WriteNote(text=f"more {number}: " + "x" * 100))
    first.wait(5)
    assert first.state == late.state
    assert heard == list(range(1, late.state.sequence + 1))


def test_other_front_ends_acts_make_the_descriptor_readable(make_house: MakeHouse) -> None:
    """A front end that waits for keys and news at once hears of both."""
    house = make_house(PLAIN)
    session, other = house.sit("anna"), house.sit("ben")
    until(session, lambda state: len(state.sittings) == 2)
    accepted(other, r.WriteNote(text="x"))
    ready, _, _ = select.select([session], [], [], 10)
    assert ready == [session]
    assert [one.record.what for one in session.wait(0)] == [e.NoteWritten(text="x")]


def test_refused_request_changes_nothing_here(make_house: MakeHouse) -> None:
    """A refusal is no growth."""
    house = make_house(PLAIN)
    with house.sit() as session:
        house.sessions.remove(session)
        before = session.state
        assert isinstance(session.ask(r.Finish()), r.Refused)
        assert session.state == before
        assert session.attempt("work/swap") is None
        assert session.progress("work/swap") is None


def test_accepted_runbook_is_the_sessions_too(make_house: MakeHouse) -> None:
    """Every front end goes by the text in force, whoever accepted it."""
    house = make_house(PLAIN)
    session, other = house.sit("anna"), house.sit("ben")
    changed = book(command("work/other", "true"))
    accepted(session, r.AcceptRunbook(text=text_of(changed), reason="mended"))
    until(other, lambda state: bool(state.deviations))
    assert other.runbook.steps == changed.steps


def test_sitting_that_cannot_begin_is_left(make_house: MakeHouse) -> None:
    """A runbook that is not understood keeps no engine for somebody who is not there."""

    def not_understood(_: str) -> Runbook:
        raise PreconditionError("no runbook", hint="mend it")

    house = make_house(PLAIN)
    session = house.sit("anna")
    client = sit_down(house.folder, house.engine_command(), operator="ben", host="here", front_end="test")
    until(session, lambda state: len(state.sittings) == 2)
    with pytest.raises(PreconditionError, match="no runbook"):
        Session(folder=house.folder, client=client, read=not_understood)
    until(session, lambda state: len(state.sittings) == 1)


def test_progress_and_output_of_a_running_command(make_house: MakeHouse, tmp_path: Path) -> None:
    """Long work shows where it is while it runs."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    line = '{"phase":"copy","done":1,"total":4,"unit":"files","elapsed":2.0}'
    script = f"echo '{line}' >&\"$DRTUI_PROGRESS_FD\"; echo > {ready}; read x < {go}"
    house = make_house(book(command("work/swap", script)))
    session = house.sit()
    accepted(session, r.Skip(item="work/before", reason="x"))
    accepted(session, r.StartCommand(item="work/swap"))
    ready.read_bytes()
    assert session.progress("work/swap") == Progress(phase="copy", done=1, total=4, unit="files", elapsed=2.0)
    go.write_text("go\n")
    until(session, lambda state: state.status("work/swap") is Status.PASSED)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_end_of_the_engine_is_told_after_all_that_it_recorded(
    make_house: MakeHouse, number: signal.Signals
) -> None:
    """Nothing that was journalled is lost on a front end because the engine died right after it."""
    house = make_house(PLAIN)
    session, other = house.sit("anna"), house.sit("ben")
    accepted(other, r.WriteNote(text="last words"))
    house.end_engine(number)
    heard: list[e.Event] = []
    with pytest.raises(EngineGoneError):
        hear_all(session.wait, heard)
    assert e.NoteWritten(text="last words") in heard
    with pytest.raises(EngineGoneError):
        other.ask(r.WriteNote(text="nobody hears"))
    assert other.state.sequence == session.state.sequence


def hear_all(wait: object, heard: list[e.Event]) -> None:
    """Take news until the engine is told to be gone."""
    assert callable(wait)
    while True:
        heard += [one.record.what for one in wait(10)]
