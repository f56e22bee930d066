"""A declared run with a scripted world, real engines for it, and what a test does to them."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Orphaned, Running
from aihummer_drtui.engine.client import EngineClient
from aihummer_drtui.engine.clock import ProcessIdentity, SystemClock
from aihummer_drtui.engine.declare import Declaration, declare_run
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.launch import connect_or_launch, sit_down
from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.engine.session import Session
from aihummer_drtui.run.events import Event, Mode, Record
from aihummer_drtui.run.requests import Accepted, Refused, Request
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import CommandItem, Runbook
from aihummer_drtui.testing import Script, ScriptedCatalogue, ScriptedCheck
from tests.engine import engine_program
from tests.engine.engine_program import WORLD, read_json_runbook
from tests.run.story import a_check, a_command, a_confirm, a_runbook, a_step, an_input

WITHIN = 60.0
PHRASE = "db.example/aihummer"


def command(
    item: str, script: str, *, probe: str = "exit 1", destructive: bool = False, time_out: float = 60.0
) -> CommandItem:
    """A command with a script of the test's own."""
    made = a_command(item, script=script, destructive=destructive)
    return msgspec.structs.replace(made, probe=probe, time_out=time_out)


def book(*commands: CommandItem, variable: str = "BACKUP_SET") -> Runbook:
    """A step `brief` with an input and a confirm, and a step `work` of a check, the commands, a check."""
    return a_runbook(
        a_step("brief", an_input(f"brief/{variable}"), a_confirm("brief/confirm-1")),
        a_step("work", a_check("work/before"), *commands, a_check("work/after")),
    )


def text_of(runbook: Runbook) -> str:
    """The text that is read as that runbook."""
    return msgspec.json.encode(msgspec.structs.replace(runbook, sha256="")).decode()


def a_declaration(runbook: Runbook, *, target_key: str = "sandbox-1", mode: Mode = Mode.DRILL) -> Declaration:
    """What an operator declares."""
    text = text_of(runbook)
    return Declaration(
        mode=mode,
        target="sandbox",
        target_key=target_key,
        runbook=read_json_runbook(text),
        runbook_text=text,
        runbook_source="",
        incident_at="2026-11-22T23:00:00Z",
        operator="anna",
    )


@dataclass(kw_only=True)
class House:
    """One run and its world."""

    state: Path
    folder: RunFolder
    world: ScriptedCatalogue
    sessions: list[Session] = field(default_factory=list)

    def engine_command(self, *, linger: float = 60.0, point: str = "") -> list[str]:
        """The words that start an engine for the run."""
        program = [sys.executable, engine_program.__file__]
        return [*program, str(self.state), self.folder.id, str(linger), point]

    def connect(self, *, linger: float = 60.0, point: str = "") -> EngineClient:
        """A connection that is not attached yet."""
        return connect_or_launch(self.folder, self.engine_command(linger=linger, point=point))

    def sit(
        self,
        operator: str = "anna",
        *,
        linger: float = 60.0,
        point: str = "",
        before: tuple[str, ...] = (),
        on_record: Callable[[Record], None] | None = None,
    ) -> Session:
        """A sitting; it is left at the test's end at the latest. `before` stands in front of a new engine."""
        words = [*before, *self.engine_command(linger=linger, point=point)]
        client = sit_down(self.folder, words, operator=operator, host="here", front_end="test")
        session = Session(folder=self.folder, client=client, read=read_json_runbook, on_record=on_record)
        self.sessions.append(session)
        return session

    def leave(self, session: Session) -> None:
        """End a sitting."""
        self.sessions.remove(session)
        session.__exit__()

    def events(self) -> list[Event]:
        """What the journal holds."""
        return [record.what for record in read_journal(self.folder.path)]

    def of_kind(self, kind: type[Event]) -> list[Event]:
        """The events of that kind."""
        return [event for event in self.events() if isinstance(event, kind)]

    def engine(self) -> ProcessIdentity:
        """The process of the living engine."""
        holder = holder_of(self.folder.lock)
        assert holder is not None
        return holder.process

    def end_engine(self, number: signal.Signals) -> None:
        """Send the engine a signal and wait until it is gone."""
        engine = self.engine()
        os.kill(engine.pid, number)
        gone(engine)

    def attempt(self, item: str, number: int = 1) -> Attempt:
        """One attempt of a command."""
        return Attempt(self.folder.attempt(item, number))

    def clear(self) -> None:
        """End what is left of engines and commands."""
        while self.sessions:
            self.leave(self.sessions[0])
        holder = holder_of(self.folder.lock)
        if holder is not None:
            os.kill(holder.process.pid, signal.SIGCONT)
            os.kill(holder.process.pid, signal.SIGTERM)
            gone(holder.process)
        for path in self.folder.path.glob("attempts/*"):
            seen = Attempt(path).look()
            if isinstance(seen, Running | Orphaned):
                os.killpg(seen.child.pid, signal.SIGKILL)
                gone(seen.child)


@contextmanager
def a_house(
    place: Path, runbook: Runbook, *, target_key: str = "sandbox-1", mode: Mode = Mode.DRILL
) -> Iterator[House]:
    """Declare a run of the runbook in a new world where every check passes."""
    state = place / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    world = ScriptedCatalogue(state / WORLD)
    world.tell(Script(checks={"before": ScriptedCheck(), "after": ScriptedCheck()}))
    folder = declare_run(state, a_declaration(runbook, target_key=target_key, mode=mode), SystemClock())
    house = House(state=state, folder=folder, world=world)
    try:
        yield house
    finally:
        house.clear()


def gone(process: ProcessIdentity) -> None:
    """Wait until that process is gone."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        # Asked who it is and not whether it lives: a process whose first thread is gone looks dead
        # while another one still holds its files.
        if started_at(process.pid) == process.start_ticks:
            assert select.select([descriptor], [], [], WITHIN)[0], f"process {process.pid} is still there"
    finally:
        os.close(descriptor)


def started_at(pid: int) -> int | None:
    """When that process began, in ticks since the boot (proc_pid_stat(5)); None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])


def until(session: Session, true: Callable[[RunState], bool]) -> RunState:
    """Follow the journal until that is true of the state."""
    deadline = time.monotonic() + WITHIN
    while not true(session.state):
        left = deadline - time.monotonic()
        assert left > 0, f"not within {WITHIN:.0f} s: {session.state}"
        session.wait(left)
    return session.state


def logged(house: House, text: str) -> None:
    """Wait until the engine's log holds that text; a file that grows tells nobody, so it is looked at."""
    deadline = time.monotonic() + WITHIN
    while text not in (log := house.folder.engine_log.read_text()):
        assert time.monotonic() < deadline, f"no {text!r} in the engine's log: {log}"
        time.sleep(0.01)


def accepted(session: Session, request: Request) -> RunState:
    """Ask for what must be accepted."""
    reply = session.ask(request)
    assert isinstance(reply, Accepted), reply
    assert session.state.sequence >= reply.sequence
    return session.state


def refused(session: Session, request: Request) -> str:
    """Ask for what must be refused, and give the reason and the hint."""
    reply = session.ask(request)
    assert isinstance(reply, Refused), reply
    assert reply.reason
    assert reply.hint
    return f"{reply.reason} | {reply.hint}"


def fifo(folder: Path, name: str) -> Path:
    """A pipe with a name, by which a script and a test wait for each other."""
    path = folder / name
    os.mkfifo(path)
    return path


def kill_attempt(folder: Path) -> None:
    """SIGKILL every process that has the attempt's folder in its words or open: supervisor and command."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and str(folder) in _words_and_files(process):
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def _words_and_files(process: Path) -> str:
    """What shows which attempt a process belongs to."""
    try:
        found = [(process / "cmdline").read_bytes().decode("utf-8", "replace")]
        found += [str(one.readlink()) for one in (process / "fd").iterdir()]
    except OSError:
        return ""
    return " ".join(found)
