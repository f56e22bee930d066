"""Engines of tabletops as real processes: nothing is executed, nothing is looked at, all is told."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.process import Engine
from aihummer_drtui.engine.session import Session
from aihummer_drtui.engine.tabletop import NoLooks, Rehearsals, Tabletop, TabletopFacts
from aihummer_drtui.engine.world import Outside
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import AnsweredState, Finished, RunState, Status
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome
from aihummer_drtui.runbook.model import LevelProof, RecoveryLevel, Runbook
from tests.engine.engine_house import House, a_house, accepted, book, command, gone, refused, until
from tests.engine.engine_program import read_json_runbook

PHRASE = "sandbox/aihummer"
"""The name that the tests' runs are declared on, and the database of every tabletop."""


def touching(place: Path) -> Runbook:
    """A runbook of which each command, and each probe, would leave a file behind."""
    swap = command("work/swap", f"touch {place}/swapped", probe=f"touch {place}/probed", destructive=True)
    plain = command("work/do", f"touch {place}/done", probe=f"touch {place}/probed")
    levels = (
        LevelProof(level=RecoveryLevel.UP, items=("brief/confirm-1",)),
        LevelProof(level=RecoveryLevel.SERVING, items=("work/after",)),
    )
    return msgspec.structs.replace(book(swap, plain), levels=levels)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A tabletop of that runbook, in a world in which every look is noted."""
    with a_house(tmp_path, touching(tmp_path), mode=e.Mode.TABLETOP) as one:
        yield one


def begin(session: Session) -> RunState:
    """Go through the first step and open the second."""
    accepted(session, r.ShowStep(step="brief"))
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="/backups/1"))
    accepted(session, r.Confirm(item="brief/confirm-1", statement="they know"))
    return accepted(session, r.ShowStep(step="work"))


def go_through(session: Session) -> None:
    """The whole runbook, with a lost outcome on the way."""
    begin(session)
    accepted(session, r.AnswerCheck(item="work/before", answer=Answer.PASSED, said="looked at the plan"))
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    accepted(session, r.TellOutcome(item="work/swap", outcome=ToldOutcome.UNKNOWN, said="power cut"))
    accepted(session, r.AnswerProbe(item="work/swap", result=ProbeResult.NOT_DONE, said="old name"))
    accepted(session, r.SettleOutcome(item="work/swap", done=False, reason="as the probe"))
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    accepted(session, r.TellOutcome(item="work/swap", outcome=ToldOutcome.DONE, would_take=1200.0))
    accepted(session, r.StartCommand(item="work/do"))
    accepted(session, r.TellOutcome(item="work/do", outcome=ToldOutcome.DONE))
    accepted(session, r.AnswerCheck(item="work/after", answer=Answer.PASSED))


def test_nothing_happens_and_everything_is_on_record(house: House, tmp_path: Path) -> None:
    """No command, no probe and no look leaves a trace; each thing told is journalled as told, by whom."""
    session = house.sit("bert")
    go_through(session)
    state = accepted(session, r.Finish())
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["state"]
    assert house.world.looked() == []
    assert list((house.folder.path / "attempts").iterdir()) == []
    assert isinstance(state.ending, Finished)
    assert state.ending.level is RecoveryLevel.NONE
    assert state.told_level is RecoveryLevel.SERVING
    seen = (e.CheckObserved, e.CommandIntended, e.CommandStarted, e.CommandEnded, e.OutcomeLost)
    assert not any(isinstance(event, (*seen, e.OutcomeProbed, e.LevelReached)) for event in house.events())
    known = state.items["work/before"]
    assert isinstance(known, AnsweredState)
    assert (known.said, known.by) == ("looked at the plan", "bert")
    told = house.of_kind(e.OutcomeTold)
    assert told == [
        e.OutcomeTold(item="work/swap", attempt=1, outcome=ToldOutcome.UNKNOWN, said="power cut"),
        e.OutcomeTold(item="work/swap", attempt=2, outcome=ToldOutcome.DONE, said="", would_take=1200.0),
        e.OutcomeTold(item="work/do", attempt=1, outcome=ToldOutcome.DONE, said=""),
    ]
    rehearsed = house.of_kind(e.CommandRehearsed)[0]
    assert isinstance(rehearsed, e.CommandRehearsed)
    assert rehearsed.script == f"touch {tmp_path}/swapped"
    assert rehearsed.values == {"BACKUP_SET": "/backups/1"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_process_is_made_and_no_server_is_asked(house: House, tmp_path: Path) -> None:
    """What the kernel saw of the engine from its first request to the end of the run."""
    session = house.sit()
    trace = tmp_path / "trace"
    calls = "trace=execve,execveat,fork,vfork,connect"
    words = ["strace", "-f", "-e", calls, "-o", str(trace), "-p", str(house.engine().pid)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        go_through(session)
        accepted(session, r.Finish())
        tracer.terminate()
    told = [line for line in trace.read_text().splitlines() if "(" in line]
    assert told == []


def test_the_gate_is_exercised(house: House) -> None:
    """Its words are the name of the talk's target, typed by hand; other words and none start nothing."""
    session = house.sit()
    begin(session)
    assert "work/before comes before it" in refused(session, r.StartCommand(item="work/swap"))
    accepted(session, r.AnswerCheck(item="work/before", answer=Answer.PASSED))
    assert f"`{PHRASE}`" in refused(session, r.StartCommand(item="work/swap"))
    assert "do not match" in refused(session, r.StartCommand(item="work/swap", confirmation="db1/aihummer"))
    assert session.state.status("work/swap") is Status.PENDING
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    assert session.state.status("work/swap") is Status.RUNNING
    assert session.state.executing == ()
    assert session.attempt("work/swap") is None
    assert session.progress("work/swap") is None


def test_what_would_look_or_execute_is_refused(house: House) -> None:
    """And changes nothing."""
    session = house.sit()
    begin(session)
    assert "looks at nothing" in refused(session, r.LookAgain(item="work/before"))
    accepted(session, r.AnswerCheck(item="work/before", answer=Answer.PASSED))
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    assert "executes nothing" in refused(session, r.StopCommand(item="work/swap"))
    accepted(session, r.TellOutcome(item="work/swap", outcome=ToldOutcome.UNKNOWN))
    assert "probes nothing" in refused(session, r.ProbeOutcome(item="work/swap"))
    assert session.state.status("work/swap") is Status.UNKNOWN


def test_a_facilitator_tells_and_the_operator_sees(house: House) -> None:
    """Two front ends on one run; a fault is injected later by answering again."""
    operator, facilitator = house.sit("olga"), house.sit("finn")
    begin(operator)
    until(facilitator, lambda state: state.step == "work")
    accepted(facilitator, r.AnswerCheck(item="work/before", answer=Answer.PASSED))
    until(operator, lambda state: state.status("work/before") is Status.PASSED)
    accepted(operator, r.StartCommand(item="work/swap", confirmation=PHRASE))
    until(facilitator, lambda state: state.status("work/swap") is Status.RUNNING)
    accepted(facilitator, r.TellOutcome(item="work/swap", outcome=ToldOutcome.PARTLY, said="two of five"))
    until(operator, lambda state: state.status("work/swap") is Status.FAILED)
    fault = r.AnswerCheck(item="work/before", answer=Answer.FAILED, said="the dump was cut off")
    accepted(facilitator, fault)
    state = until(operator, lambda state: state.status("work/before") is Status.DRIFTED)
    known = state.items["work/before"]
    assert isinstance(known, AnsweredState)
    assert known.by == "finn"
    assert "work/before comes before it" in refused(
        operator, r.StartCommand(item="work/swap", confirmation=PHRASE)
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_talk_survives_the_end_of_its_engine(house: House, number: signal.Signals) -> None:
    """What was told stays told, and what was rehearsed is still under way; nothing is in doubt by that."""
    session = house.sit()
    begin(session)
    accepted(session, r.AnswerCheck(item="work/before", answer=Answer.PASSED))
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    before = session.state.items
    house.end_engine(number)
    house.leave(session)
    again = house.sit()
    assert again.state.items == before
    accepted(again, r.TellOutcome(item="work/swap", outcome=ToldOutcome.DONE))
    assert again.state.status("work/swap") is Status.PASSED
    assert not house.of_kind(e.OutcomeLost)


def test_an_engine_with_nobody_there_does_not_wait_for_what_is_rehearsed(house: House) -> None:
    """Nothing runs, so it ends after its while."""
    session = house.sit(linger=0.2)
    begin(session)
    accepted(session, r.AnswerCheck(item="work/before", answer=Answer.PASSED))
    accepted(session, r.StartCommand(item="work/swap", confirmation=PHRASE))
    engine = house.engine()
    house.leave(session)
    gone(engine)
    assert house.of_kind(e.EngineStopped) == [e.EngineStopped(reason="nothing to do and nobody attached")]


def an_engine(folder: RunFolder, world: Outside | Tabletop) -> Engine:
    """An engine in this process, which serves nobody."""
    clock = SystemClock()
    journal = Journal.open(folder.path, clock)
    try:
        return Engine(folder=folder, journal=journal, read=read_json_runbook, world=world, clock=clock)
    finally:
        journal.close()


def test_an_engine_refuses_the_world_of_another_mode(house: House, tmp_path: Path) -> None:
    """Whoever wires it wrongly: a tabletop never gets hands that act, and no other run gets none."""
    with pytest.raises(PreconditionError, match="world of another mode"):
        an_engine(house.folder, Outside(house.world, {}))
    an_engine(house.folder, Tabletop("sandbox"))
    place = tmp_path / "drill"
    place.mkdir()
    with (
        a_house(place, touching(place)) as drill,
        pytest.raises(PreconditionError, match="world of another mode"),
    ):
        an_engine(drill.folder, Tabletop("sandbox"))


async def test_its_hands_have_nothing_to_act_with() -> None:
    """Even if a request came through that is refused before."""
    recorded: list[e.Event] = []

    def record(event: e.Event, actor: str) -> None:
        recorded.append(event)

    def situation() -> tuple[Runbook, RunState]:
        raise AssertionError("nothing is asked")

    hands = Rehearsals(record=record, situation=situation)
    item = command("work/do", "true")
    with pytest.raises(PreconditionError, match="nothing of work/do is executed"):
        hands.stop(item)
    with pytest.raises(PreconditionError, match="nothing of work/do was executed"):
        await hands.probe("work/do")
    hands.take_up()
    looks = NoLooks()
    looks.poll()
    looks.look_at([])
    await looks.renew([], older_than=0.0)
    looks.look_again_at_what_stood()
    looks.look_again_at_everything()
    looks.verify_after(book().steps[0], "work/do")
    await looks.close()
    assert not hands.running
    assert recorded == []


def test_nothing_is_suggested_for_a_value() -> None:
    """Nobody looks for backups; the gates have words, and say what they are."""
    facts = TabletopFacts("db1")
    assert facts.suggestion("BACKUP_SET") is None
    assert facts.choices("BACKUP_SET") == ()
    assert facts.identity().phrase == "db1/aihummer"
    assert "nobody looked" in facts.identity().facts[0]
