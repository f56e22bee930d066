"""Two commands at a time through real engines: nothing of one gets into the other, neither is lost."""

import signal
import threading
from pathlib import Path

import pytest

from aihummer_drtui.engine.attempt_seen import Running
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import CheckState, CommandState, Lost, Outcome, RunState, Status
from aihummer_drtui.run.verdict import ProbeResult
from aihummer_drtui.runbook.model import Runbook
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import (
    PHRASE,
    House,
    accepted,
    command,
    fifo,
    gone,
    kill_attempt,
    refused,
    until,
)
from tests.run.story import a_check, a_runbook, a_step

ONE, TWO = "one/work", "two/work"


def two(
    one: str, two: str, *, time_out: float = 60.0, destructive: bool = False, probe: str = "exit 1"
) -> Runbook:
    """A runbook of two steps that do not need each other, and a third that needs both.

    The time-out is that of the first command.
    """
    return a_runbook(
        a_step(
            "one",
            command(ONE, one, time_out=time_out, destructive=destructive, probe=probe),
            a_check("one/after"),
        ),
        a_step("two", a_check("two/before"), command(TWO, two, destructive=destructive, probe=probe)),
        a_step("last", command("last/work", "true"), needs=("one", "two")),
    )


def end_of(state: RunState, item: str) -> object:
    """How the only attempt ended."""
    known = state.items[item]
    assert isinstance(known, CommandState)
    (attempt,) = known.attempts
    return attempt.end


def both_ended(state: RunState) -> bool:
    """Neither is running any more."""
    return all(isinstance(state.items.get(item), CommandState) for item in (ONE, TWO)) and not state.running


def start_both(house: House) -> None:
    """Two operators at two front ends start the two commands at the same moment."""
    first, second = house.sit("anna"), house.sit("ben")
    accepted(first, r.LookAgain(item="two/before"))
    until(first, lambda state: state.status("two/before") is Status.PASSED)
    asked = [
        threading.Thread(target=accepted, args=(session, r.StartCommand(item=item)))
        for session, item in ((first, ONE), (second, TWO))
    ]
    for one in asked:
        one.start()
    for one in asked:
        one.join()
    until(first, lambda state: len(state.running) == 2)


def script(folder: Path, name: str, go: Path, rest: str = "") -> str:
    """Say its name on every way there is, note its open files, and wait."""
    word = f'{{"phase":"{name}","done":1,"total":2,"unit":"files","elapsed":1}}'
    return (
        f"echo {name}; echo '{word}' >&\"$DRTUI_PROGRESS_FD\"\n"
        f"ls -l /proc/$$/fd > {folder}/{name}.files\n"
        f"echo > {folder}/{name}.ready; read x < {go}; {rest or ':'}"
    )


def test_progress_output_and_descriptors_are_not_mixed_up(make_house: MakeHouse, tmp_path: Path) -> None:
    """Started at the same moment by two operators, each command has what is its own, and nothing else."""
    ways = {name: fifo(tmp_path, f"{name}.go") for name in ("one", "two")}
    ready = {name: fifo(tmp_path, f"{name}.ready") for name in ("one", "two")}
    house = make_house(two(*(script(tmp_path, name, ways[name]) for name in ("one", "two"))))
    start_both(house)
    session = house.sessions[0]
    for name, item, other in (("one", ONE, "two.work"), ("two", TWO, "one.work")):
        ready[name].read_bytes()
        progress = session.progress(item)
        assert progress is not None
        assert progress.phase == name
        assert house.attempt(item).output_tail(100) == f"{name}\n".encode()
        assert other not in (tmp_path / f"{name}.files").read_text()
    for name in ("two", "one"):
        ways[name].write_text("go\n")
    state = until(session, both_ended)
    assert [state.status(item) for item in (ONE, TWO)] == [Status.PASSED, Status.PASSED]
    assert [one.number for item in (ONE, TWO) for one in state.items[item].attempts] == [1, 1]  # type: ignore[union-attr]


def test_a_time_out_or_a_stop_ends_its_own_command_only(make_house: MakeHouse, tmp_path: Path) -> None:
    """The other goes on to its own end."""
    go = fifo(tmp_path, "go")
    house = make_house(two("while :; do :; done", f"read x < {go}", time_out=0.2))
    start_both(house)
    session = house.sessions[0]
    state = until(session, lambda state: state.status(ONE) is Status.FAILED)
    end = end_of(state, ONE)
    assert isinstance(end, Outcome)
    assert end.kind is e.EndKind.TIMED_OUT
    assert state.running == (TWO,)
    assert "needs step `one`" in refused(session, r.StartCommand(item="last/work"))
    accepted(session, r.StopCommand(item=TWO))
    end = end_of(until(session, both_ended), TWO)
    assert isinstance(end, Outcome)
    assert end.kind is e.EndKind.STOPPED


def test_each_has_its_own_gate(make_house: MakeHouse, tmp_path: Path) -> None:
    """The words that opened one open nothing else, also while it runs."""
    go = fifo(tmp_path, "go")
    house = make_house(two(f"echo $DRTUI_CONFIRM; read x < {go}", f"read x < {go}", destructive=True))
    session = house.sit()
    accepted(session, r.ShowStep(step="two"))
    until(session, lambda state: state.status("two/before") is Status.PASSED)
    accepted(session, r.StartCommand(item=ONE, confirmation=PHRASE))
    assert "the words of the gate do not match" in refused(session, r.StartCommand(item=TWO))
    accepted(session, r.StartCommand(item=TWO, confirmation=PHRASE))
    assert set(session.state.running) == {ONE, TWO}
    assert f"{ONE} and {TWO} are still running" in refused(session, r.Abandon(reason="enough"))


def test_an_end_leaves_what_does_not_need_it_alone(make_house: MakeHouse, tmp_path: Path) -> None:
    """The check behind it is looked at, though its step is not shown; those of other steps stay as seen."""
    go = fifo(tmp_path, "go")
    house = make_house(two(f"read x < {go}; exit 2", "true"))
    session = house.sit()
    accepted(session, r.StartCommand(item=ONE))
    accepted(session, r.ShowStep(step="two"))
    until(session, lambda state: state.status("two/before") is Status.PASSED)
    accepted(session, r.StartCommand(item=TWO))
    until(session, lambda state: state.status(TWO) is Status.PASSED)
    go.write_text("go\n")
    state = until(session, lambda state: state.status(ONE) is Status.FAILED)
    assert state.calling == (ONE,)
    before = state.items["two/before"]
    assert isinstance(before, CheckState)
    assert before.fresh
    assert state.status(TWO) is Status.PASSED
    assert accepted(session, r.ShowStep(step="one")).calling == ()


@pytest.mark.parametrize("ended", [(), ("two",), ("one", "two")])
def test_a_killed_engine_loses_neither(make_house: MakeHouse, tmp_path: Path, ended: tuple[str, ...]) -> None:
    """Both are taken up, whether they still run or ended meanwhile, and neither is run twice."""
    ways = {name: fifo(tmp_path, f"{name}.go") for name in ("one", "two")}
    count = f"echo run >> {tmp_path}/count"
    house = make_house(
        two(f"{count}; read x < {ways['one']}; exit 3", f"{count}; read x < {ways['two']}; exit 4")
    )
    start_both(house)
    house.end_engine(signal.SIGKILL)
    for session in tuple(house.sessions):
        house.leave(session)
    for name in ended:
        seen = house.attempt(f"{name}/work").look()
        assert isinstance(seen, Running)
        ways[name].write_text("go\n")
        gone(seen.child)
    again = house.sit()
    for name in {"one", "two"} - set(ended):
        assert "running already" in refused(again, r.StartCommand(item=f"{name}/work"))
        ways[name].write_text("go\n")
    state = until(again, both_ended)
    ends = [end_of(state, item) for item in (ONE, TWO)]
    assert [(end.kind, end.code) for end in ends if isinstance(end, Outcome)] == [
        (e.EndKind.EXITED, 3),
        (e.EndKind.EXITED, 4),
    ]
    assert (tmp_path / "count").read_text() == "run\nrun\n"


def test_one_that_nobody_saw_is_unknown_while_the_other_goes_on(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    """The lost one is probed and waits for a person; the living one is attached to."""
    go = fifo(tmp_path, "go")
    house = make_house(two(f"read x < {go}", f"read x < {go}", probe="echo half; exit 10"))
    start_both(house)
    lost = house.attempt(ONE).look()
    assert isinstance(lost, Running)
    house.end_engine(signal.SIGKILL)
    for session in tuple(house.sessions):
        house.leave(session)
    kill_attempt(house.attempt(ONE).folder)
    again = house.sit()
    state = until(again, lambda state: getattr(end_of(state, ONE), "probed", None) is not None)
    end = end_of(state, ONE)
    assert isinstance(end, Lost)
    assert end.probed is not None
    assert end.probed.result is ProbeResult.PARTIAL
    assert state.running == (TWO,)
    go.write_text("go\n")
    assert until(again, lambda state: not state.running).status(TWO) is Status.PASSED
    assert again.state.lost == (ONE,)
