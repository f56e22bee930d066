"""Starting engines, and being told why one does not start."""

import os
import sys
import threading
from pathlib import Path

import pytest

from aihummer_drtui.engine import launch
from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.launch import NotReady, Ready, announce, connect_or_launch, sit_down, this_program
from aihummer_drtui.engine.lock import Holder, take_lock, take_target_lock
from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import a_house, accepted, book, command, gone, logged
from tests.faults.injecting import Fault, needs_strace

PLAIN = book(command("work/swap", "true"))


def a_holder(run: str) -> Holder:
    """This process as a holder."""
    return Holder.this_process(run=run, operator="ben", clock=SystemClock())


def test_engine_that_is_there_is_not_started_again(make_house: MakeHouse) -> None:
    """A second front end comes to the same engine."""
    house = make_house(PLAIN)
    house.sit()
    engine = house.engine()
    connect_or_launch(house.folder, ["/no/such/program"]).close()
    assert house.engine() == engine


def test_s02_word_that_nobody_hears_is_no_fault(make_house: MakeHouse) -> None:
    """Whoever started an engine and is gone before it listens changes nothing for it."""
    house = make_house(PLAIN)
    reader, writer = os.pipe()
    os.close(reader)
    os.environ[launch.READY_DESCRIPTOR] = str(writer)
    announce(Ready(pid=1))
    assert launch.READY_DESCRIPTOR not in os.environ
    announce(Ready(pid=1))
    accepted(house.sit(), r.WriteNote(text="x"))


@pytest.mark.parametrize("program", ["/no/such/program", "/bin/true", "/bin/false"])
def test_engine_that_says_nothing_is_told(make_house: MakeHouse, program: str) -> None:
    """An installation that is broken is a clear message with the log's name."""
    house = make_house(PLAIN)
    with pytest.raises(FailedError, match=r"engine.log: the engine did not begin"):
        connect_or_launch(house.folder, [program])


def test_engine_that_hangs_is_told(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody waits for ever for an engine that does not come."""
    monkeypatch.setattr(launch, "READY_WITHIN", 0.05)
    house = make_house(PLAIN)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FailedError, match="said nothing in 0 s"):
        connect_or_launch(house.folder, ["/bin/sh", "-c", f"read x < {tmp_path}/pipe"])
    (tmp_path / "pipe").write_text("go\n")


def test_engine_that_ends_right_after_its_word_is_told(make_house: MakeHouse) -> None:
    """A word is not enough: only who is connected has an engine."""
    house = make_house(PLAIN)
    word = b'{"type":"ready","pid":1}'
    program = f"import os; os.write(int(os.environ['{launch.READY_DESCRIPTOR}']), {word!r})"
    with pytest.raises(FailedError, match="ended right after it began"):
        connect_or_launch(house.folder, [sys.executable, "-c", program])


def test_held_run_is_told_after_a_while(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that holds the run and never listens is named, and nothing is started beside it."""
    monkeypatch.setattr(launch, "LISTENS_WITHIN", 0.2)
    house = make_house(PLAIN)
    with (
        take_lock(house.folder.lock, a_holder(house.folder.id)),
        pytest.raises(LockedError, match="holds the run and does not listen"),
    ):
        connect_or_launch(house.folder, house.engine_command())
    assert house.of_kind(e.EngineStarted) == []


@needs_strace
def test_j11_lock_that_cannot_be_stored_is_told_at_once(make_house: MakeHouse, tmp_path: Path) -> None:
    """A disk that fails under the lock is no engine that holds it: nobody waits, one engine is tried."""
    house = make_house(PLAIN)
    fault = Fault(
        call="fsync", what="error=EIO", when="1+", log=tmp_path / "strace", paths=(house.folder.lock,)
    )
    with pytest.raises(PreconditionError, match="the lock cannot be used: Input/output error"):
        connect_or_launch(house.folder, [*fault.words, *house.engine_command()])
    # It is said to whoever waits before it is logged.
    logged(house, "cannot be used")
    assert house.folder.engine_log.read_text().count("cannot be used") == 1


def test_engine_just_ending_is_waited_out(make_house: MakeHouse) -> None:
    """A run whose old engine is on its way out gets a new one, not a refusal."""
    house = make_house(PLAIN)
    lock = take_lock(house.folder.lock, a_holder(house.folder.id))
    timer = threading.Timer(0.2, lock.release)
    timer.start()
    accepted(house.sit(), r.WriteNote(text="x"))
    timer.join()


def test_target_held_by_another_run_is_told(make_house: MakeHouse) -> None:
    """One live run per target, also where two journals say they are it."""
    house = make_house(PLAIN)
    with (
        take_target_lock(house.state, "sandbox-1", a_holder("other-run")),
        pytest.raises(LockedError, match="other-run"),
    ):
        connect_or_launch(house.folder, house.engine_command())


def test_log_that_cannot_be_opened_is_told(make_house: MakeHouse) -> None:
    """A run's folder that was spoilt is told as such."""
    house = make_house(PLAIN)
    house.folder.engine_log.mkdir()
    with pytest.raises(PreconditionError, match="no engine can be started"):
        connect_or_launch(house.folder, house.engine_command())


def test_engine_that_dies_at_every_sitting_is_given_up(make_house: MakeHouse) -> None:
    """Trying again has an end."""
    house = make_house(PLAIN)
    words = house.engine_command(point="before:sitting-opened")
    with pytest.raises(EngineGoneError):
        sit_down(house.folder, words, operator="anna", host="h", front_end="f")
    assert 1 <= len(house.of_kind(e.EngineStarted)) <= launch.SITTINGS_TRIED


def test_deep_state_folder_has_an_engine(tmp_path: Path) -> None:
    """A state folder deeper than unix(7) takes is as good as any."""
    deep = tmp_path.joinpath(*["d" * 60] * 3)
    deep.mkdir(parents=True)
    with a_house(deep, PLAIN) as house:
        assert len(str(house.folder.socket)) > 107
        session = house.sit()
        accepted(session, r.Abandon(reason="x"))
        engine = house.engine()
        house.leave(session)
        gone(engine)


def test_words_of_an_engine_are_its_error_again() -> None:
    """What the engine could not begin for reaches the operator with its own exit code."""
    for code, kind in ((3, PreconditionError), (5, LockedError), (1, FailedError), (77, FailedError)):
        told = launch._told(NotReady(what="w", where="p", hint="h", exit_code=code))
        assert type(told) is kind
        assert str(told) == "p: w\nHINT: h"


def test_this_program_is_the_same_interpreter() -> None:
    """An engine is of the same version as who starts it."""
    assert this_program() == [sys.executable, "-m", "aihummer_drtui"]
