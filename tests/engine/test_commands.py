"""Commands through real engines: the gate, the environment, every end, and every death on the way."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aihummer_drtui.engine.attempt_seen import Running
from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.kernel_lock import try_lock
from aihummer_drtui.engine.probe import ask_probe
from aihummer_drtui.masking import Masker
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import CommandState, Lost, Outcome, RunState, Status
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from aihummer_drtui.runbook.model import CommandItem
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import (
    PHRASE,
    House,
    accepted,
    book,
    command,
    fifo,
    gone,
    refused,
    text_of,
    until,
)
from tests.faults.injecting import Fault, needs_strace
from tests.run.story import a_runbook, a_step, an_input

SWAP = "work/swap"
NOTHING = Masker([])
PATH = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def counting(folder: Path, rest: str = "") -> str:
    """A script that leaves a mark each time it is run."""
    return f"echo run >> {folder}/count\n{rest}"


def runs(folder: Path) -> int:
    """How often the script was run."""
    path = folder / "count"
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def end_of(state: RunState, item: str = SWAP) -> object:
    """How the latest attempt ended."""
    known = state.items[item]
    assert isinstance(known, CommandState)
    return known.attempts[-1].end


def has_ended(state: RunState) -> bool:
    """The command is neither pending nor running."""
    return state.status(SWAP) not in {Status.PENDING, Status.RUNNING}


def is_probed(state: RunState) -> bool:
    """A lost outcome was probed."""
    return state.status(SWAP) is Status.UNKNOWN and getattr(end_of(state), "probed", None) is not None


def in_work(make_house: MakeHouse, *commands: CommandItem) -> House:
    """A run of these commands, with nothing in the way of the first."""
    house = make_house(book(*commands))
    session = house.sit()
    accepted(session, r.ShowStep(step="work"))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    return house


@pytest.mark.parametrize(
    ("script", "time_out", "kind", "code", "status"),
    [
        ("echo well; exit 0", 60.0, e.EndKind.EXITED, 0, Status.PASSED),
        ("exit 7", 60.0, e.EndKind.EXITED, 7, Status.FAILED),
        ("kill -SEGV $$", 60.0, e.EndKind.SIGNALLED, signal.SIGSEGV, Status.FAILED),
        ("while :; do :; done", 0.2, e.EndKind.TIMED_OUT, signal.SIGTERM, Status.FAILED),
    ],
)
def test_true_end_is_journalled(
    make_house: MakeHouse, script: str, time_out: float, kind: e.EndKind, code: int, status: Status
) -> None:
    """Only exit code 0 is a pass; what was said is kept, and intent, start and end stand in this order."""
    house = in_work(make_house, command(SWAP, script, time_out=time_out))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    state = until(session, has_ended)
    assert state.status(SWAP) is status
    end = end_of(state)
    assert isinstance(end, Outcome)
    assert (end.kind, end.code) == (kind, code)
    kinds = [
        type(one)
        for one in house.events()
        if isinstance(one, e.CommandIntended | e.CommandStarted | e.CommandEnded)
    ]
    assert kinds[0] is e.CommandIntended
    assert kinds[-1] is e.CommandEnded
    attempt = session.attempt(SWAP)
    assert attempt is not None
    assert attempt.output_tail(100) == (b"well\n" if "well" in script else b"")
    assert attempt.output.stat().st_mode & 0o777 == 0o600


def test_intent_is_durable_before_anything_starts(make_house: MakeHouse, tmp_path: Path) -> None:
    """The command itself finds its intent in the journal; what it makes out of date is told with it."""
    journal = '$(dirname "$0")/../../journal'
    script = f"grep -c command-intended {journal} > {tmp_path}/seen"
    house = in_work(make_house, command(SWAP, script), command("work/next", "true"))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    until(session, has_ended)
    assert (tmp_path / "seen").read_text() == "1\n"
    (intent,) = house.of_kind(e.CommandIntended)
    assert isinstance(intent, e.CommandIntended)
    assert intent.outdates == ("work/next", "work/after")


def test_x05_k03_environment_is_allow_listed_and_values_are_no_text(
    make_house: MakeHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X05, K03: hostile values arrive as they are; nothing of the engine's own environment leaks."""
    monkeypatch.setenv("SECRET_OF_THE_ENGINE", "leaked")
    hostile = "-x; touch pwned $(touch pwned) `id` '\"\\ *"
    house = in_work(make_house, command(SWAP, f'env -0 > {tmp_path}/env; echo "$BACKUP_SET"'))
    session = house.sessions[0]
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value=hostile))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    accepted(session, r.StartCommand(item=SWAP, confirmation="not asked for"))
    until(session, has_ended)
    pairs = (tmp_path / "env").read_text().rstrip("\0").split("\0")
    seen = dict(pair.split("=", 1) for pair in pairs)
    assert seen.pop("BACKUP_SET") == hostile
    assert seen.pop("DRTUI_RUN") == house.folder.id
    assert set(seen) <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_", "DRTUI_PROGRESS_FD"}
    assert house.attempt(SWAP).output_tail(200) == hostile.encode() + b"\n"
    assert not list(Path("/").glob("pwned"))


def test_value_cannot_stand_in_for_what_the_engine_gives(make_house: MakeHouse, tmp_path: Path) -> None:
    """A runbook's input called like a variable of ours changes nothing of ours."""
    house = make_house(
        a_runbook(a_step("work", an_input("work/DRTUI_RUN"), command(SWAP, 'echo "$DRTUI_RUN"')))
    )
    session = house.sit()
    accepted(session, r.GiveInput(item="work/DRTUI_RUN", value="another"))
    accepted(session, r.StartCommand(item=SWAP))
    until(session, has_ended)
    assert house.attempt(SWAP).output_tail(99) == house.folder.id.encode() + b"\n"


def test_d12_gate_wants_the_words_of_the_target(make_house: MakeHouse, tmp_path: Path) -> None:
    """D12: an irreversible command starts on the typed identity alone, and is told what was typed."""
    house = in_work(make_house, command(SWAP, counting(tmp_path, 'echo "$DRTUI_CONFIRM"'), destructive=True))
    session = house.sessions[0]
    for wrong in ("", "db.example", PHRASE.upper()):
        assert f"`{PHRASE}`" in refused(session, r.StartCommand(item=SWAP, confirmation=wrong))
    checks = {"before": ScriptedCheck(), "after": ScriptedCheck()}
    house.world.tell(Script(checks=checks, host=""))
    assert "does not say who it is" in refused(session, r.StartCommand(item=SWAP, confirmation=PHRASE))
    assert runs(tmp_path) == 0
    assert house.of_kind(e.CommandIntended) == []
    house.world.tell(Script(checks=checks))
    accepted(session, r.StartCommand(item=SWAP, confirmation=PHRASE))
    until(session, has_ended)
    assert house.attempt(SWAP).output_tail(99) == PHRASE.encode() + b"\n"
    assert PHRASE not in house.folder.journal.read_text()


def test_start_is_refused_while_it_may_not_be(make_house: MakeHouse, tmp_path: Path) -> None:
    """Running, passed, or not its turn: one execution at a time, and in the runbook's order."""
    go = fifo(tmp_path, "go")
    house = in_work(
        make_house, command(SWAP, counting(tmp_path, f"read x < {go}")), command("work/next", "true")
    )
    session, other = house.sessions[0], house.sit("ben")
    until(session, lambda state: state.status("work/before") is Status.PASSED and len(state.sittings) == 2)
    accepted(session, r.LookAgain(item="work/before"))
    until(session, lambda state: all(getattr(one, "fresh", True) for one in state.items.values()))
    assert "comes before it" in refused(session, r.StartCommand(item="work/next"))
    accepted(session, r.StartCommand(item=SWAP))
    for front_end in (session, other):
        assert "running already" in refused(front_end, r.StartCommand(item=SWAP))
    assert "still running" in refused(session, r.Abandon(reason="x"))
    assert "still running" in refused(session, r.Skip(item=SWAP, reason="x"))
    go.write_text("go\n")
    until(session, has_ended)
    assert "has passed" in refused(session, r.StartCommand(item=SWAP))
    assert runs(tmp_path) == 1


def test_stop_ends_the_command_and_it_may_be_started_again(make_house: MakeHouse, tmp_path: Path) -> None:
    """What the operator stopped is told as stopped, and only the operator starts it anew."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    house = in_work(make_house, command(SWAP, counting(tmp_path, f"echo > {ready}; read x < {go}")))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    accepted(session, r.StopCommand(item=SWAP))
    end = end_of(until(session, has_ended))
    assert isinstance(end, Outcome)
    assert end.kind is e.EndKind.STOPPED
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    go.write_text("go\n")
    until(session, lambda state: state.status(SWAP) is Status.PASSED)
    assert runs(tmp_path) == 2


def test_command_that_cannot_be_started_is_told_and_nothing_ran(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    """An attempt's folder that cannot be made: refused with the reason, and the place that the hint names."""
    house = in_work(make_house, command(SWAP, counting(tmp_path)))
    session = house.sessions[0]
    house.attempt(SWAP).folder.mkdir()
    told = refused(session, r.StartCommand(item=SWAP))
    assert f"{house.attempt(SWAP).folder}: the command was not started: this attempt was started" in told
    assert "see supervisor.log there" in told
    end = end_of(until(session, has_ended))
    assert isinstance(end, Outcome)
    assert end.kind is e.EndKind.NOT_STARTED
    accepted(session, r.StartCommand(item=SWAP))
    until(session, lambda state: state.status(SWAP) is Status.PASSED)
    assert runs(tmp_path) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_command_outlives_its_engine_and_is_attached_to(
    make_house: MakeHouse, tmp_path: Path, number: signal.Signals
) -> None:
    """The engine may end or be killed: the command goes on, and the next engine sees its true end."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    house = in_work(make_house, command(SWAP, counting(tmp_path, f"echo > {ready}; read x < {go}; exit 5")))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    house.end_engine(number)
    with pytest.raises(EngineGoneError):
        until(session, lambda _: False)
    house.leave(session)
    assert isinstance(house.attempt(SWAP).look(), Running)
    again = house.sit()
    assert again.state.status(SWAP) is Status.RUNNING
    assert "running already" in refused(again, r.StartCommand(item=SWAP))
    go.write_text("go\n")
    end = end_of(until(again, has_ended))
    assert isinstance(end, Outcome)
    assert (end.kind, end.code) == (e.EndKind.EXITED, 5)
    assert runs(tmp_path) == 1


def test_s02_engine_alone_waits_for_its_command(make_house: MakeHouse, tmp_path: Path) -> None:
    """Nobody attached, the command goes on; its end is recorded before the engine leaves."""
    go = fifo(tmp_path, "go")
    house = make_house(book(command(SWAP, f"read x < {go}")))
    session = house.sit(linger=0.5)
    accepted(session, r.Skip(item="work/before", reason="x"))
    accepted(session, r.StartCommand(item=SWAP))
    engine = house.engine()
    house.leave(session)
    go.write_text("go\n")
    gone(engine)
    kinds = [type(one) for one in house.events()]
    assert kinds.index(e.SittingClosed) < kinds.index(e.CommandEnded)
    assert kinds[-1] is e.EngineStopped


@pytest.mark.parametrize(
    "point",
    [
        "before:command-intended",
        "after:command-intended",
        "before:command-started",
        "after:command-started",
        "before:command-ended",
        "after:command-ended",
    ],
)
def test_engine_killed_at_any_moment_never_runs_a_command_twice(
    make_house: MakeHouse, tmp_path: Path, point: str
) -> None:
    """Whatever moment the engine dies at, the next one tells the truth and starts nothing by itself."""
    go = fifo(tmp_path, "go")
    # A command that ends at once may have ended before anybody saw it alive.
    waits = f"[ -e {tmp_path}/gone ] || read x < {go}" if "started" in point else ":"
    house = make_house(book(command(SWAP, counting(tmp_path, f"{waits}; exit 3"))))
    session = house.sit(point=point)
    accepted(session, r.Skip(item="work/before", reason="x"))
    engine = house.engine()
    with contextlib.suppress(EngineGoneError):
        session.ask(r.StartCommand(item=SWAP))
    gone(engine)
    house.leave(session)
    again = house.sit()
    if "started" in point:
        (tmp_path / "gone").touch()
        go.write_text("go\n")
    if point == "before:command-intended":
        assert again.state.status(SWAP) is Status.PENDING
        assert runs(tmp_path) == 0
        return
    end = end_of(until(again, has_ended))
    assert isinstance(end, Outcome)
    ran = point != "after:command-intended"
    assert (end.kind, end.code) == ((e.EndKind.EXITED, 3) if ran else (e.EndKind.NOT_STARTED, 0))
    assert runs(tmp_path) == int(ran)
    accepted(again, r.StartCommand(item=SWAP))
    until(
        again, lambda state: state.status(SWAP) is Status.FAILED and len(house.of_kind(e.CommandEnded)) == 2
    )
    assert runs(tmp_path) == int(ran) + 1


@pytest.mark.parametrize(
    ("probe", "result"),
    [
        ("echo all there; exit 0", ProbeResult.DONE),
        ("echo nothing; exit 1", ProbeResult.NOT_DONE),
        ("exit 10", ProbeResult.PARTIAL),
        ("exit 77", ProbeResult.UNKNOWN),
    ],
)
def test_lost_outcome_is_probed_and_decided_by_a_person(
    make_house: MakeHouse, tmp_path: Path, probe: str, result: ProbeResult
) -> None:
    """Engine, supervisor and command killed: unknown, probed, and nothing goes on without a decision."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    house = in_work(
        make_house, command(SWAP, counting(tmp_path, f"echo > {ready}; read x < {go}"), probe=probe)
    )
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    seen = house.attempt(SWAP).look()
    assert isinstance(seen, Running)
    house.end_engine(signal.SIGKILL)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    os.killpg(seen.child.pid, signal.SIGKILL)
    gone(seen.child)
    house.leave(session)
    again = house.sit()
    lost = end_of(until(again, is_probed))
    assert isinstance(lost, Lost)
    assert lost.probed is not None
    assert lost.probed.result is result
    assert "nobody saw" in refused(again, r.StartCommand(item=SWAP))
    assert "is unknown" in refused(again, r.Skip(item=SWAP, reason="x"))
    accepted(again, r.ProbeOutcome(item=SWAP))
    assert len(house.of_kind(e.OutcomeProbed)) == 2
    done = result is ProbeResult.DONE
    accepted(again, r.SettleOutcome(item=SWAP, done=done, reason="looked by hand"))
    assert again.state.status(SWAP) is (Status.PASSED if done else Status.PENDING)
    assert runs(tmp_path) == 1
    if done:
        accepted(again, r.ShowStep(step="work"))
        until(again, lambda state: state.status("work/after") is Status.PASSED)


def test_orphan_is_watched_to_its_end(make_house: MakeHouse, tmp_path: Path) -> None:
    """With only the supervisor killed the command is running still; its end is nobody's to know."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    house = in_work(
        make_house, command(SWAP, counting(tmp_path, f"echo > {ready}; read x < {go}"), probe="exit 0")
    )
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    seen = house.attempt(SWAP).look()
    assert isinstance(seen, Running)
    house.end_engine(signal.SIGKILL)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    house.leave(session)
    again = house.sit()
    assert again.state.status(SWAP) is Status.RUNNING
    go.write_text("go\n")
    lost = end_of(until(again, is_probed))
    assert isinstance(lost, Lost)
    assert runs(tmp_path) == 1


def test_engine_killed_between_loss_and_probe_leaves_the_probe_to_the_next(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    """What nobody saw is looked at, however many engines die over it."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    house = in_work(
        make_house, command(SWAP, counting(tmp_path, f"echo > {ready}; read x < {go}"), probe="exit 1")
    )
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    seen = house.attempt(SWAP).look()
    assert isinstance(seen, Running)
    house.end_engine(signal.SIGKILL)
    house.leave(session)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    os.killpg(seen.child.pid, signal.SIGKILL)
    gone(seen.child)
    gone(seen.supervisor)
    client = house.connect(point="after:outcome-lost")
    with pytest.raises(EngineGoneError):
        client.wait_for_growth(10**9, 20)
    client.close()
    again = house.sit()
    until(again, is_probed)
    assert runs(tmp_path) == 1


def test_runbook_without_the_running_command_is_refused(make_house: MakeHouse, tmp_path: Path) -> None:
    """A change of the runbook makes nobody forget what is running, and leaves nothing undecidable."""
    go = fifo(tmp_path, "go")
    house = in_work(make_house, command(SWAP, f"read x < {go}; exit 4"))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    changed = text_of(book(command("work/other", "true")))
    assert f"lacks {SWAP}" in refused(session, r.AcceptRunbook(text=changed, reason="x"))
    go.write_text("go\n")
    end = end_of(until(session, has_ended))
    assert isinstance(end, Outcome)
    assert end.code == 4
    accepted(session, r.AcceptRunbook(text=changed, reason="x"))


def test_attempt_that_cannot_be_looked_at_is_looked_at_again(make_house: MakeHouse, tmp_path: Path) -> None:
    """A fault of the file system that passes costs no outcome."""
    go = fifo(tmp_path, "go")
    house = in_work(make_house, command(SWAP, f"read x < {go}"))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    house.end_engine(signal.SIGKILL)
    house.leave(session)
    folder = house.attempt(SWAP).folder
    folder.rename(tmp_path / "aside")
    folder.write_bytes(b"")
    again = house.sit()
    while b"cannot be looked at" not in house.folder.engine_log.read_bytes():
        assert house.engine().is_alive()
    assert "cannot be looked at" in refused(again, r.StopCommand(item=SWAP))
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    go.write_text("go\n")
    until(again, lambda state: state.status(SWAP) is Status.PASSED)


@pytest.mark.parametrize(
    ("script", "result", "said"),
    [
        ("printf 'a\\033[31mb\\n\\n'; exit 0", ProbeResult.DONE, "a\\x1b[31mb"),
        ("exit 1", ProbeResult.NOT_DONE, "the probe said nothing and ended with 1"),
        ("kill -9 $$", ProbeResult.UNKNOWN, "the probe said nothing and was ended by signal 9"),
        ("exec >&- 2>&-; exit 10", ProbeResult.PARTIAL, "the probe said nothing and ended with 10"),
        ("echo $UNSET", ProbeResult.UNKNOWN, "UNSET"),
        ("sleep 600 & echo on; exit 0", ProbeResult.DONE, "on"),
        ("head -c 3000000 /dev/zero | tr '\\0' x", ProbeResult.DONE, "xxx"),
    ],
)
def test_probe_says_what_it_says(script: str, result: ProbeResult, said: str) -> None:
    """Exit codes are the documented ones; what it prints is cleaned and bounded; nothing is left running."""
    seen, text = ask_probe(script, PATH, 20.0, NOTHING)
    assert (seen, said in text) == (result, True), text
    assert len(text) <= 600


def test_probe_without_an_answer_is_ended_whole() -> None:
    """A probe that hangs is unknown after its time, with all that it started."""
    began = time.monotonic()
    result, said = ask_probe("sleep 600 & echo hm; wait", PATH, 0.2, NOTHING)
    assert result is ProbeResult.UNKNOWN
    assert said == "the probe gave no answer within 0 s"
    assert time.monotonic() - began < 10


@needs_strace
@pytest.mark.parametrize(
    ("call", "when"),
    [("pidfd_open", "1"), ("epoll_create1", "2")],  # the first asks whether there is such a call
)
def test_j15_probe_that_cannot_be_followed_is_ended(call: str, when: str, tmp_path: Path) -> None:
    """It is not waited for without a limit, which would keep the engine from asking it again."""
    program = (
        "from aihummer_drtui.engine.probe import ask_probe\n"
        "from aihummer_drtui.masking import Masker\n"
        "try: ask_probe('sleep 600', {'PATH': '/usr/bin:/bin'}, 600.0, Masker([]))\n"
        "except OSError as error: print(error)\n"
    )
    fault = Fault(call=call, what="error=EMFILE", when=when, log=tmp_path / "strace")
    words = [*fault.words, sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert "Too many open files" in done.stdout
    assert fault.came


def test_probe_that_cannot_be_started_is_unknown() -> None:
    """Not being able to ask is not an answer."""
    result, said = ask_probe("true\0", PATH, 1.0, NOTHING)
    assert result is ProbeResult.UNKNOWN
    assert "could not be started" in said


def test_preconditions_are_looked_at_again_before_what_is_irreversible(make_house: MakeHouse) -> None:
    """A check that turned red since it was looked at stops the command, however fresh its green looks."""
    house = in_work(make_house, command(SWAP, "true", destructive=True))
    session = house.sessions[0]
    red = ScriptedCheck(verdict=Verdict.FAILED, observed="gone", interval=3600.0)
    house.world.tell(Script(checks={"before": red, "after": ScriptedCheck()}))
    accepted(session, r.LookAgain(item="work/before"))
    until(session, lambda state: state.status("work/before") is Status.DRIFTED)
    assert "work/before comes before it" in refused(session, r.StartCommand(item=SWAP, confirmation=PHRASE))


def test_supervisor_that_is_just_starting_is_waited_for(make_house: MakeHouse, tmp_path: Path) -> None:
    """A new engine neither doubts nor starts what a dead one's supervisor is about to begin."""
    house = make_house(book(command(SWAP, counting(tmp_path))))
    session = house.sit(point="after:command-intended")
    accepted(session, r.Skip(item="work/before", reason="x"))
    with contextlib.suppress(EngineGoneError):
        session.ask(r.StartCommand(item=SWAP))
    house.leave(session)
    folder = house.attempt(SWAP).folder
    folder.mkdir(mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    assert try_lock(lock)
    again = house.sit()
    assert "could not be asked" in refused(again, r.StopCommand(item=SWAP))
    assert again.state.status(SWAP) is Status.RUNNING
    os.close(lock)
    end = end_of(until(again, has_ended))
    assert isinstance(end, Outcome)
    assert end.kind is e.EndKind.NOT_STARTED
    assert runs(tmp_path) == 0


def test_runbook_without_the_command_in_doubt_is_refused(make_house: MakeHouse, tmp_path: Path) -> None:
    """A command whose outcome nobody saw stays in the runbook until a person has settled it."""
    ready, go = fifo(tmp_path, "ready"), fifo(tmp_path, "go")
    house = in_work(make_house, command(SWAP, f"echo > {ready}; read x < {go}"))
    session = house.sessions[0]
    accepted(session, r.StartCommand(item=SWAP))
    ready.read_bytes()
    seen = house.attempt(SWAP).look()
    assert isinstance(seen, Running)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    os.killpg(seen.child.pid, signal.SIGKILL)
    assert isinstance(end_of(until(session, is_probed)), Lost)
    changed = text_of(book(command("work/other", "true")))
    assert f"lacks {SWAP}" in refused(session, r.AcceptRunbook(text=changed, reason="x"))
    accepted(session, r.SettleOutcome(item=SWAP, done=False, reason="nothing there"))
    accepted(session, r.AcceptRunbook(text=changed, reason="x"))


def test_runbook_changed_while_the_gate_was_passed_starts_nothing(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    """What is started is what the operator read when they typed the words."""
    pipe = fifo(tmp_path, "pipe")
    house = make_house(book(command(SWAP, counting(tmp_path), destructive=True)))
    house.world.tell(Script(checks={"before": ScriptedCheck(waits_for=str(pipe)), "after": ScriptedCheck()}))
    session, other = house.sit("anna"), house.sit("ben")
    accepted(session, r.Override(item="work/before", reason="x"))
    heard: list[str] = []
    start = r.StartCommand(item=SWAP, confirmation=PHRASE)
    asking = threading.Thread(target=lambda: heard.append(refused(session, start)))
    asking.start()
    with pipe.open("wb"):
        changed = book(command(SWAP, counting(tmp_path, "echo more"), destructive=True))
        accepted(other, r.AcceptRunbook(text=text_of(changed), reason="mended"))
    asking.join()
    assert "changed meanwhile" in heard[0]
    assert runs(tmp_path) == 0
