"""Engines as real processes: requests, sittings, ends."""

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.engine.client import EngineClient, EngineGoneError
from aihummer_drtui.engine.launch import connect_or_launch
from aihummer_drtui.errors import CorruptJournalError, LockedError, PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Abandoned, Finished, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import LevelProof, RecoveryLevel
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import accepted, book, command, gone, refused, text_of, until

PLAIN = book(command("work/swap", "true"))


def test_run_from_its_first_step_to_its_end(make_house: MakeHouse) -> None:
    """Every kind of request does its work, is journalled under the operator's name, and ends the engine."""
    house = make_house(PLAIN)
    session = house.sit()
    accepted(session, r.ShowStep(step="brief"))
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="/backups/1"))
    accepted(session, r.WriteNote(text="a word"))
    accepted(session, r.Confirm(item="brief/confirm-1", statement="they know"))
    accepted(session, r.ShowStep(step="work"))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    accepted(session, r.LookAgain(item="work/before"))
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/after") is Status.PASSED)
    engine = house.engine()
    state = accepted(session, r.Finish())
    assert isinstance(state.ending, Finished)
    assert not state.ending.with_exceptions
    assert "the run is finished" in refused(session, r.WriteNote(text="late"))
    house.leave(session)
    gone(engine)
    kinds = [type(event) for event in house.events()]
    assert kinds[:4] == [e.RunDeclared, e.EngineStarted, e.SittingOpened, e.StepShown]
    assert kinds[-3:] == [e.RunFinished, e.SittingClosed, e.EngineStopped]
    assert not house.folder.socket.exists()
    assert house.folder.engine_log.read_bytes() == b""


def test_run_does_not_end_on_a_proof_that_is_no_longer_true(make_house: MakeHouse) -> None:
    """What proves the level is looked at once more when the run is finished."""
    proof = LevelProof(level=RecoveryLevel.UP, items=("work/before",))
    house = make_house(msgspec.structs.replace(PLAIN, levels=(proof,)))
    session = house.sit()
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="/backups/1"))
    accepted(session, r.Confirm(item="brief/confirm-1", statement="they know"))
    accepted(session, r.ShowStep(step="work"))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/after") is Status.PASSED)
    house.world.tell(
        Script(checks={"before": ScriptedCheck(verdict=Verdict.FAILED), "after": ScriptedCheck()})
    )
    assert "not settled: work/before" in refused(session, r.Finish())
    assert session.wait(5)[-1].after.status("work/before") is Status.DRIFTED


def test_ended_run_is_shown_and_takes_nothing(make_house: MakeHouse) -> None:
    """A finished or abandoned run can be looked at; its engine leaves with its last front end."""
    house = make_house(PLAIN)
    session = house.sit()
    accepted(session, r.Abandon(reason="a drill"))
    house.leave(session)
    again = house.sit()
    assert isinstance(again.state.ending, Abandoned)
    assert "abandoned: a drill" in refused(again, r.ShowStep(step="work"))
    engine = house.engine()
    house.leave(again)
    gone(engine)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (r.ShowStep(step="none"), "no step `none`"),
        (r.LookAgain(item="work/swap"), "no check"),
        (r.GiveInput(item="work/swap", value="x"), "no input"),
        (r.GiveInput(item="brief/BACKUP_SET", value="a\nb"), "control characters"),
        (r.Confirm(item="brief/confirm-1", statement=" "), "a statement is missing"),
        (r.StartCommand(item="work/after"), "no command"),
        (r.StopCommand(item="work/swap"), "not running"),
        (r.ProbeOutcome(item="work/swap"), "not in doubt"),
        (r.SettleOutcome(item="work/swap", done=True, reason="x"), "not in doubt"),
        (r.Skip(item="work/swap", reason=""), "a reason is missing"),
        (r.Override(item="work/none", reason="x"), "no item"),
        (r.WriteNote(text=""), "a note is missing"),
        (r.AcceptRunbook(text="nonsense", reason="x"), "no runbook"),
        (r.AcceptRunbook(text=text_of(PLAIN), reason=""), "a reason is missing"),
        (r.Finish(), "not settled"),
        (r.Abandon(reason=""), "a reason is missing"),
        (r.Attach(operator="eve", host="h", front_end="f"), "has its sitting"),
    ],
)
def test_what_is_not_legal_is_refused_and_changes_nothing(
    make_house: MakeHouse, request_: r.Request, reason: str
) -> None:
    """Nothing happens without the engine having judged it, and every refusal says why and what to do."""
    house = make_house(PLAIN)
    session = house.sit()
    before = session.state
    assert reason in refused(session, request_)
    session.wait(0)
    assert session.state == before


def test_skips_and_overrides_are_deviations(make_house: MakeHouse) -> None:
    """An operator may go on over anything, with a reason, and the end says so."""
    house = make_house(PLAIN)
    session = house.sit("ann\x1b[31ma")
    for item in ("brief/BACKUP_SET", "work/swap"):
        accepted(session, r.Skip(item=item, reason="not now"))
    for item in ("brief/confirm-1", "work/before", "work/after"):
        accepted(session, r.Override(item=item, reason="seen by hand"))
    accepted(session, r.Finish())
    finished = house.of_kind(e.RunFinished)
    assert finished == [e.RunFinished(level=RecoveryLevel.NONE, with_exceptions=True, unproven=())]
    assert {one.actor for one in session.state.deviations} == {"ann\\x1b[31ma"}


def test_nobody_is_no_operator(make_house: MakeHouse) -> None:
    """Who acted stands beside every act, so nobody acts namelessly, or under the engine's own name."""
    house = make_house(PLAIN)
    client = house.connect()
    assert isinstance(client.ask(r.WriteNote(text="x")), r.Refused)
    for name, why in ((" ", "nobody is named"), (" engine", "stands for the engine's own records")):
        reply = client.ask(r.Attach(operator=name, host="h", front_end="f"))
        assert isinstance(reply, r.Refused)
        assert why in reply.reason
    client.close()
    assert house.of_kind(e.SittingOpened) == []


def test_accepted_runbook_is_followed_at_once(make_house: MakeHouse) -> None:
    """A runbook edited between sittings goes on with its new text, and the difference is on record."""
    house = make_house(PLAIN)
    session = house.sit()
    changed = text_of(book(command("work/other", "true")))
    state = accepted(session, r.AcceptRunbook(text=changed, reason="mended"))
    assert session.runbook.item("work/other") is not None
    assert state.deviations[0].what == "runbook changed"
    (record,) = house.of_kind(e.RunbookAccepted)
    assert isinstance(record, e.RunbookAccepted)
    assert "+" in record.difference
    house.end_engine(signal.SIGKILL)
    again = house.sit()
    assert again.runbook.item("work/other") is not None
    assert "no command" in refused(again, r.StartCommand(item="work/swap"))


def test_level_is_that_of_the_accepted_runbook_at_once(make_house: MakeHouse) -> None:
    """What the new text asks of a level may be proven already, or no more: it shows before anybody acts."""
    house = make_house(PLAIN)
    session = house.sit()
    accepted(session, r.Confirm(item="brief/confirm-1", statement="seen"))
    proof = LevelProof(level=RecoveryLevel.UP, items=("brief/confirm-1",))
    for levels, level in (((proof,), RecoveryLevel.UP), ((), RecoveryLevel.NONE)):
        changed = msgspec.structs.replace(PLAIN, levels=levels)
        accepted(session, r.AcceptRunbook(text=text_of(changed), reason="mended"))
        until(session, lambda state, level=level: state.level is level)  # type: ignore[misc]
        assert house.events()[-1] == e.LevelReached(level=level)


def test_engine_alone_waits_a_while_and_ends(make_house: MakeHouse) -> None:
    """With nobody attached and nothing running, no process stays behind for ever."""
    house = make_house(PLAIN)
    session = house.sit(linger=0.2)
    engine = house.engine()
    house.leave(session)
    gone(engine)
    (stopped,) = house.of_kind(e.EngineStopped)
    assert stopped == e.EngineStopped(reason="nothing to do and nobody attached")


def test_two_front_ends_see_the_same_run(make_house: MakeHouse) -> None:
    """Whatever one does the other is told; one leaving changes nothing for the other."""
    house = make_house(PLAIN)
    first, second = house.sit("anna"), house.sit("ben")
    accepted(first, r.WriteNote(text="from anna"))
    until(second, lambda state: state.sequence >= first.state.sequence)
    house.leave(first)
    until(second, lambda state: [one.operator for one in state.sittings] == ["ben"])
    accepted(second, r.WriteNote(text="from ben"))


def test_two_launches_at_once_give_one_engine(make_house: MakeHouse) -> None:
    """Two administrators resuming in the same moment meet in one engine, and neither is turned away."""
    house = make_house(PLAIN)
    clients: list[EngineClient] = []
    threads = [threading.Thread(target=lambda: clients.append(house.connect())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.attach(operator="anna", host="h", front_end="f")
        client.close()
    assert len(clients) == 4
    assert len(house.of_kind(e.EngineStarted)) == 1


def test_two_runs_never_act_on_one_target(make_house: MakeHouse) -> None:
    """A second run on the target is refused while the first is not ended, and told which it is."""
    house = make_house(PLAIN)
    with pytest.raises(LockedError, match=rf"run {house.folder.id} on target `sandbox` is not finished"):
        make_house(PLAIN)


def test_tampered_runbook_stops_the_run(make_house: MakeHouse) -> None:
    """What the operators agreed on cannot be exchanged behind their backs."""
    house = make_house(PLAIN)
    (kept,) = house.folder.path.glob("runbook.*.md")
    kept.write_bytes(kept.read_bytes().replace(b"true", b"evil"))
    with pytest.raises(CorruptJournalError, match="missing or was changed"):
        house.connect()
    kept.unlink()
    kept.mkdir()
    with pytest.raises(CorruptJournalError, match="missing or was changed"):
        house.connect()


def test_j08_j14_request_that_cannot_be_recorded_is_refused_and_the_engine_lives(
    make_house: MakeHouse,
) -> None:
    """Without room nothing begins; the reason is told; with room again the run goes on."""
    house = make_house(PLAIN)
    session = house.sit()
    accepted(session, r.Skip(item="work/before", reason="x"))
    size = house.folder.journal.stat().st_size
    limits = resource.prlimit(house.engine().pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    before = session.state
    assert "no room for the record" in refused(session, r.WriteNote(text="x" * 100))
    assert "no room for the record" in refused(session, r.StartCommand(item="work/swap"))
    session.wait(0)
    assert session.state == before
    assert not list(house.folder.path.glob("attempts/*"))
    text = text_of(book(command("work/other", "true" * 2000)))
    resource.prlimit(house.engine().pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    assert "cannot be kept with the run" in refused(session, r.AcceptRunbook(text=text, reason="x"))
    resource.prlimit(house.engine().pid, resource.RLIMIT_FSIZE, limits)
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda state: state.status("work/swap") is Status.PASSED)


def test_j09_end_on_a_full_disk_is_recorded_once_there_is_room(make_house: MakeHouse, tmp_path: Path) -> None:
    """An outcome that found no room is not forgotten by the engine that saw it."""
    go = tmp_path / "go"
    os.mkfifo(go)
    house = make_house(book(command("work/swap", f"read x < {go}; exit 3")))
    session = house.sit()
    accepted(session, r.Skip(item="work/before", reason="x"))
    accepted(session, r.StartCommand(item="work/swap"))
    until(session, lambda _: house.of_kind(e.CommandStarted) != [])
    size = house.folder.journal.stat().st_size
    limits = resource.prlimit(house.engine().pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    log = house.folder.engine_log
    go.write_text("go\n")
    while b"no room for the record" not in log.read_bytes():
        assert house.engine().is_alive()
    assert session.state.status("work/swap") is Status.RUNNING
    resource.prlimit(house.engine().pid, resource.RLIMIT_FSIZE, limits)
    until(session, lambda state: state.status("work/swap") is Status.FAILED)


def test_j11_journal_that_others_wrote_to_ends_the_engine(make_house: MakeHouse) -> None:
    """Nothing is written any more where nobody knows what is on disk; the request is told why."""
    house = make_house(PLAIN)
    session = house.sit()
    engine = house.engine()
    with house.folder.journal.open("ab") as journal:
        journal.write(b"0000")
    assert "somebody else wrote" in refused(session, r.WriteNote(text="x"))
    gone(engine)
    with pytest.raises(EngineGoneError):
        session.wait(5)
    house.leave(session)
    accepted(house.sit(), r.WriteNote(text="a new engine goes on"))
    assert len(house.of_kind(e.JournalRepaired)) == 1


def test_j11_engine_that_cannot_record_gives_way_at_once(make_house: MakeHouse) -> None:
    """Who comes back as they were told to does not meet the engine that has just given up."""
    house = make_house(PLAIN)
    session = house.sit()
    engine = house.engine()
    with house.folder.journal.open("ab") as journal:
        journal.write(b"0000")
    refused(session, r.WriteNote(text="x"))
    accepted(house.sit("ben"), r.WriteNote(text="a new engine goes on"))
    assert house.engine() != engine


def test_full_disk_at_the_start_is_told_to_who_started(make_house: MakeHouse) -> None:
    """An engine that cannot record its own beginning does not begin, and says so."""
    house = make_house(PLAIN)
    size = house.folder.journal.stat().st_size
    limited = ["/bin/sh", "-c", 'ulimit -f "$1"; shift; exec "$@"', "sh", str(size // 512)]
    with pytest.raises(PreconditionError, match=r"no room for the record|cannot be used"):
        connect_or_launch(house.folder, [*limited, *house.engine_command()])


def test_engine_that_is_asked_to_end_has_nothing_to_complain_of(make_house: MakeHouse) -> None:
    """Its log stays empty though a front end is attached: what stands there is worth reading."""
    house = make_house(PLAIN)
    house.sit()
    house.end_engine(signal.SIGTERM)
    assert house.folder.engine_log.read_text() == ""


def test_socket_is_for_its_owner_only(make_house: MakeHouse) -> None:
    """Nobody else may act on a run."""
    house = make_house(PLAIN)
    house.sit()
    assert stat.S_IMODE(house.folder.socket.stat().st_mode) == 0o600


def test_engine_is_of_its_own_session_and_nobodys_child(make_house: MakeHouse) -> None:
    """T02: a terminal that closes takes no engine with it, and no zombie waits for who started it."""
    house = make_house(PLAIN)
    house.sit()
    fields = Path(f"/proc/{house.engine().pid}/stat").read_text().rpartition(")")[2].split()
    parent, session, terminal = int(fields[1]), int(fields[3]), int(fields[4])
    assert parent != os.getpid()
    assert session != os.getsid(0)
    assert terminal == 0


def test_s02_killed_front_end_is_recorded_as_having_left(make_house: MakeHouse) -> None:
    """The death of a front end ends its sitting and nothing else."""
    house = make_house(PLAIN)
    session = house.sit()
    reader = (
        "import socket, sys, os\n"
        "s = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); s.connect('socket')\n"
        's.sendall(b\'{"request":"attach","operator":"ben","host":"h","front_end":"f"}\\n\')\n'
        "s.recv(1); print('on', flush=True); s.recv(1 << 20) and sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", reader, str(house.folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        until(session, lambda state: len(state.sittings) == 2)
        other.kill()
    until(session, lambda state: len(state.sittings) == 1)
    accepted(session, r.WriteNote(text="still here"))


def test_level_follows_what_was_seen_up_and_down(make_house: MakeHouse) -> None:
    """How far the recovery has come is journalled when it changes, and never claimed beyond what is seen."""
    proof = LevelProof(level=RecoveryLevel.UP, items=("work/after",))
    house = make_house(msgspec.structs.replace(PLAIN, levels=(proof,)))
    session = house.sit()
    accepted(session, r.LookAgain(item="work/after"))
    until(session, lambda state: state.level is RecoveryLevel.UP)
    house.world.tell(Script(checks={"after": ScriptedCheck(verdict=Verdict.FAILED)}))
    accepted(session, r.LookAgain(item="work/after"))
    until(session, lambda state: state.level is RecoveryLevel.NONE)
    levels = [event.level for event in house.events() if isinstance(event, e.LevelReached)]
    assert levels == [RecoveryLevel.UP, RecoveryLevel.NONE]
