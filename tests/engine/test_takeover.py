"""Taking a run over: from an engine that stands still, by its lock's id, and on record."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.durable import write_durably
from aihummer_drtui.engine import client, takeover
from aihummer_drtui.engine.clock import ProcessIdentity, SystemClock
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.lock import Holder, holder_of, take_lock
from aihummer_drtui.engine.takeover import Taking, holder_that_stands_still, take_over
from aihummer_drtui.errors import ExitCode, FailedError, LockedError, PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Status
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import House, accepted, book, command, fifo, gone, until

CLOCK = SystemClock()
PLAIN = book(command("work/swap", "true"))
STUBBORN = """
import signal, sys
from pathlib import Path
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.lock import Holder, take_lock
signal.signal(signal.SIGTERM, signal.SIG_IGN)
holder = Holder.this_process(run="r", operator="engine", clock=SystemClock())
lock = take_lock(Path(sys.argv[1]), holder)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that says nothing is found to stand still at once."""
    monkeypatch.setattr(takeover, "ANSWERS_WITHIN", 0.3)


@pytest.fixture
def stubborn(make_house: MakeHouse) -> Iterator[tuple[House, ProcessIdentity]]:
    """A run held by a process that does not listen and will not end."""
    house = make_house(PLAIN)
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN, str(house.folder.lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        yield house, ProcessIdentity.of(child.pid)
        child.kill()


def intended(holder: Holder) -> Taking:
    """What lies in the run's folder before the holder is ended."""
    return Taking(
        lock=holder.lock,
        holder="engine, process 1",
        process=holder.process,
        operator="bert",
        reason="it hung",
    )


def taken(house: House) -> list[tuple[str, e.LockTaken]]:
    """Who took the run over, as the journal has it."""
    records = read_journal(house.folder.path)
    return [(one.actor, one.what) for one in records if isinstance(one.what, e.LockTaken)]


def test_s04_s08_an_engine_that_stands_still_is_taken_over(
    make_house: MakeHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on record who took it, from whom and why; the command it had started goes on and runs once."""
    monkeypatch.setattr(client, "ATTACHED_WITHIN", 0.3)
    way, ran = fifo(tmp_path, "way"), tmp_path / "ran"
    house = make_house(book(command("work/swap", f"echo run >> {ran}; cat {way}")))
    first = house.sit()
    accepted(first, r.GiveInput(item="brief/BACKUP_SET", value="v"))
    accepted(first, r.Confirm(item="brief/confirm-1", statement="yes"))
    accepted(first, r.ShowStep(step="work"))
    until(first, lambda state: state.status("work/before") is Status.PASSED)
    accepted(first, r.StartCommand(item="work/swap"))
    engine = house.engine()
    os.kill(engine.pid, signal.SIGSTOP)
    with pytest.raises(LockedError, match="did not answer within") as caught:
        house.sit("bert")
    assert f"take {house.folder.id}" in caught.value.hint
    holder = holder_that_stands_still(house.folder)
    assert holder.process == engine
    take_over(house.folder, holder, operator="bert", reason="it hangs", clock=CLOCK)
    gone(engine)
    ((actor, what),) = taken(house)
    assert (actor, what.reason) == ("bert", "it hangs")
    assert f"process {engine.pid}, lock {holder.lock}" in what.holder
    second = house.sit("bert")
    assert second.state.status("work/swap") is Status.RUNNING
    way.write_text("")
    until(second, lambda state: state.status("work/swap") is Status.PASSED)
    assert ran.read_text() == "run\n"
    assert not (house.folder.path / "taking").exists()
    assert len(taken(house)) == 1


def test_s04_a_holder_that_will_not_end_is_killed(
    stubborn: tuple[House, ProcessIdentity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked first, then killed: nothing is lost by it."""
    monkeypatch.setattr(takeover, "ENDS_WITHIN", 0.3)
    house, process = stubborn
    take_over(house.folder, holder_that_stands_still(house.folder), operator="bert", reason="x", clock=CLOCK)
    gone(process)
    assert holder_of(house.folder.lock) is None
    assert len(taken(house)) == 1


def test_s04_a_holder_that_cannot_be_ended_keeps_the_run(
    stubborn: tuple[House, ProcessIdentity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that hangs in the kernel outlives SIGKILL: the lock stays its own, and nothing is claimed."""
    house, process = stubborn
    monkeypatch.setattr(takeover, "ENDS_WITHIN", 0.05)
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    with pytest.raises(FailedError, match="was killed and does not end"):
        take_over(house.folder, holder_that_stands_still(house.folder), operator="b", reason="x", clock=CLOCK)
    assert process.is_alive()
    assert taken(house) == []
    assert not (house.folder.path / "taking").exists()


def test_s04_an_engine_that_answers_is_not_taken(make_house: MakeHouse) -> None:
    """Two operators sit at one engine; nobody has to end it for the other."""
    house = make_house(PLAIN)
    session = house.sit()
    before = session.state
    with pytest.raises(LockedError, match="answers: there is nothing to take over") as caught:
        holder_that_stands_still(house.folder)
    assert caught.value.exit_code == ExitCode.LOCKED
    assert f"resume {house.folder.id}" in caught.value.hint
    session.wait(0)
    assert session.state == before


def test_s04_a_run_that_nobody_holds_is_not_taken(make_house: MakeHouse) -> None:
    """`resume` is enough, also after an engine was killed."""
    house = make_house(PLAIN)
    with pytest.raises(PreconditionError, match="nobody holds run"):
        holder_that_stands_still(house.folder)
    house.leave(house.sit())
    house.end_engine(signal.SIGKILL)
    with pytest.raises(PreconditionError, match="nobody holds run"):
        holder_that_stands_still(house.folder)


@pytest.mark.parametrize("change", [{"boot_id": "another boot"}, {"start_ticks": 1}], ids=str)
def test_s03_s04_a_holder_of_another_host_is_left_alone(
    make_house: MakeHouse, change: dict[str, str | int]
) -> None:
    """A number that was given again, or another boot, is nobody that may be ended from here."""
    house = make_house(PLAIN)
    me = Holder.this_process(run=house.folder.id, operator="engine", clock=CLOCK)
    elsewhere = msgspec.structs.replace(me, process=msgspec.structs.replace(me.process, **change))
    with (
        take_lock(house.folder.lock, elsewhere),
        pytest.raises(LockedError, match="not seen on this host"),
    ):
        holder_that_stands_still(house.folder)


def test_s04_a_lock_that_changed_hands_is_not_taken(stubborn: tuple[House, ProcessIdentity]) -> None:
    """What was typed names one holder; another one is not ended for it."""
    house, process = stubborn
    typed = msgspec.structs.replace(holder_that_stands_still(house.folder), lock="ffffff")
    with pytest.raises(PreconditionError, match="lock ffffff is not held any more"):
        take_over(house.folder, typed, operator="bert", reason="x", clock=CLOCK)
    assert process.is_alive()
    assert taken(house) == []


def test_s04_without_a_durable_intent_nobody_is_ended(stubborn: tuple[House, ProcessIdentity]) -> None:
    """Who takes it and why is kept first, or nothing happens."""
    house, process = stubborn
    (house.folder.path / "taking").mkdir()
    with pytest.raises(PreconditionError, match="cannot be kept"):
        take_over(house.folder, holder_that_stands_still(house.folder), operator="b", reason="x", clock=CLOCK)
    assert process.is_alive()


def test_s04_whoever_dies_on_the_way_it_is_on_record(make_house: MakeHouse) -> None:
    """The taker was killed right after the holder: the next engine journals it, once."""
    house = make_house(PLAIN)
    house.leave(house.sit())
    holder = holder_of(house.folder.lock)
    assert holder is not None
    taking = intended(holder)
    (house.folder.path / "taking").write_bytes(msgspec.json.encode(taking))
    house.end_engine(signal.SIGKILL)
    house.leave(house.sit())
    house.end_engine(signal.SIGKILL)
    house.leave(house.sit())
    assert taken(house) == [("bert", e.LockTaken(holder="engine, process 1", reason="it hung"))]


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_s04_an_intent_that_is_no_file_of_ours_is_not_read(make_house: MakeHouse, kind: str) -> None:
    """Nobody puts words into the record by a link or a pipe in the run's folder, or holds its engine up."""
    house = make_house(PLAIN)
    house.leave(house.sit())
    holder = holder_of(house.folder.lock)
    assert holder is not None
    house.end_engine(signal.SIGKILL)
    path = house.folder.path / "taking"
    if kind == "link":
        forged = intended(holder)
        (house.state / "forged").write_bytes(msgspec.json.encode(forged))
        path.symlink_to(house.state / "forged")
    else:
        os.mkfifo(path)
    house.leave(house.sit())
    assert taken(house) == []
    assert not os.path.lexists(path)


@pytest.mark.parametrize("left", [b"", b"{", b'{"lock":"000000"}'])
def test_s04_what_is_no_intent_is_dropped(make_house: MakeHouse, left: bytes) -> None:
    """Nothing is put on record that nobody meant."""
    house = make_house(PLAIN)
    house.leave(house.sit())
    house.end_engine(signal.SIGKILL)
    write_durably(house.folder.path / "taking", left)
    house.leave(house.sit())
    assert taken(house) == []
    assert not (house.folder.path / "taking").exists()


def test_s04_an_intent_is_journalled_once(make_house: MakeHouse) -> None:
    """Its recorder was killed before it was removed, or a new engine was killed before it recorded it."""
    house = make_house(PLAIN)
    house.leave(house.sit())
    holder = holder_of(house.folder.lock)
    assert holder is not None
    house.end_engine(signal.SIGKILL)
    taking = intended(holder)
    for _ in range(2):
        write_durably(house.folder.path / "taking", msgspec.json.encode(taking))
        house.leave(house.sit())
        house.end_engine(signal.SIGKILL)
    assert taken(house) == [("bert", e.LockTaken(holder=taking.holder, reason="it hung"))]


def test_s04_an_intent_that_nobody_carried_out_is_told_as_one(make_house: MakeHouse) -> None:
    """The taker was killed before it ended anybody, and the engine went on and ended by itself."""
    house = make_house(PLAIN)
    session = house.sit(linger=0.2)
    holder = holder_of(house.folder.lock)
    assert holder is not None
    write_durably(house.folder.path / "taking", msgspec.json.encode(intended(holder)))
    house.leave(session)
    gone(holder.process)
    house.leave(house.sit())
    house.end_engine(signal.SIGKILL)
    house.leave(house.sit())
    assert taken(house) == []
    (note,) = house.of_kind(e.NoteWritten)
    assert note == e.NoteWritten(
        text="bert meant to take the run over from engine, process 1, which ended by itself before: it hung"
    )
    assert not (house.folder.path / "taking").exists()


@pytest.mark.parametrize("ended", [signal.SIGTERM, signal.SIGKILL])
def test_s04_an_engine_that_was_asked_to_end_was_taken_over(
    make_house: MakeHouse, ended: signal.Signals
) -> None:
    """The taker asks before it kills; that the asked one still said good-bye makes it no accident."""
    house = make_house(PLAIN)
    house.leave(house.sit())
    holder = holder_of(house.folder.lock)
    assert holder is not None
    write_durably(house.folder.path / "taking", msgspec.json.encode(intended(holder)))
    house.end_engine(ended)
    house.leave(house.sit())
    assert len(taken(house)) == 1


def test_s04_a_new_engine_that_comes_first_is_waited_for(
    stubborn: tuple[House, ProcessIdentity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Front ends that wait for the run start one as soon as it is free; it is on record all the same."""
    monkeypatch.setattr(takeover, "ENDS_WITHIN", 0.3)
    house, process = stubborn
    held = threading.Event()

    def come_first() -> None:
        gone(process)
        me = Holder.this_process(run=house.folder.id, operator="carl", clock=CLOCK)
        with suppress(LockedError), take_lock(house.folder.lock, me):
            held.wait(0.5)

    other = threading.Thread(target=come_first)
    other.start()
    take_over(house.folder, holder_that_stands_still(house.folder), operator="bert", reason="x", clock=CLOCK)
    other.join()
    assert len(taken(house)) == 1
