"""Any history of a run on real engines: killed, stopped, taken over, torn, and gone on with.

A model keeps what was asked for; what the journal, the state and the world say is held against it.
"""

import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from aihummer_drtui.engine.attempt_seen import Orphaned, Running
from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.engine.session import Session
from aihummer_drtui.engine.takeover import holder_that_stands_still, take_over
from aihummer_drtui.errors import CorruptJournalError, FailedError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.requests import Accepted, Request
from aihummer_drtui.run.settled import latest_attempt, settled
from aihummer_drtui.run.state import Finished, Living, RunState, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import CommandItem, InputItem
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.engine.engine_house import WITHIN, House, a_house, book, command, fifo, gone, kill_attempt
from tests.run.happenings import assert_nothing_unseen_is_green

FIRST, SECOND = COMMANDS = ("work/first", "work/second")
POINTS = (
    "",
    "",
    "after:command-intended",
    "before:command-started",
    "before:command-ended",
    "after:command-ended",
)
"""Where an engine dies by itself, if at all."""
_verdicts = st.sampled_from((Verdict.PASSED, Verdict.PASSED, Verdict.PASSED, *Verdict))


class AnyHistory(RuleBasedStateMachine):
    """One run, its engines and its operators."""

    done: ClassVar[Counter[str]] = Counter()
    """What was done in all runs of it."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        # Short, for the socket's path.
        place = Path(tempfile.mkdtemp(prefix="h-"))
        self.open.callback(shutil.rmtree, place)
        self.ledger, self.way = place / "ledger", fifo(place, "way")
        self.ledger.touch()
        self.house: House = self.open.enter_context(a_house(place, book(*map(self.command, COMMANDS))))
        self.asked: Counter[str] = Counter()
        self.taken = 0
        self.shown = {"before": {Verdict.PASSED}, "after": {Verdict.PASSED}}
        """What each check could ever be seen as."""

    def command(self, item: str) -> CommandItem:
        """A command that notes each run of it, and ends when and how it is told."""
        return command(item, f"echo {item} >> {self.ledger}; read code < {self.way}; exit $code")

    @property
    def session(self) -> Session | None:
        """The operator who sits there."""
        return self.house.sessions[0] if self.house.sessions else None

    @property
    def is_held(self) -> bool:
        """Whether an engine has the run."""
        return holder_of(self.house.folder.lock) is not None

    @property
    def state(self) -> RunState:
        """What the journal says."""
        return fold(read_journal(self.house.folder.path))

    def ask(self, request: Request) -> bool:
        """Whether the request was accepted; the engine may die of it, and then nobody knows."""
        session = self.session
        if session is None:
            return False
        try:
            return isinstance(session.ask(request), Accepted)
        except EngineGoneError:
            self.leave_all()
            return True

    def leave_all(self) -> None:
        """No front end is left."""
        while self.house.sessions:
            self.house.leave(self.house.sessions[0])

    def without_engine(self) -> None:
        """The engine is killed, if there is one."""
        self.leave_all()
        if self.is_held:
            self.house.end_engine(signal.SIGKILL)

    @initialize(so_far=st.integers(0, 3), point=st.sampled_from(POINTS))
    def went_well_so_far(self, so_far: int, point: str) -> None:
        """Begin anywhere on the way, so that trouble meets every part of it."""
        for _ in range(so_far):
            self.works_on(0)
        if point:
            self.without_engine()
            self.resumes(point)

    @rule(code=st.sampled_from((0, 0, 1)))
    def works_on(self, code: int) -> None:
        """An operator does the next thing that there is to do."""
        self.done["works_on"] += 1
        if self.session is None:
            self.house.sit()
        state = self.state
        if state.running:
            self.ends(code)
        elif state.lost:
            self.settles(state.lost[0], done=False)
        elif state.step != "work":
            self.goes_to_work()
            self.starts(FIRST)
        else:
            self.starts(SECOND if state.status(FIRST) is Status.PASSED else FIRST)

    @rule(point=st.sampled_from(POINTS))
    def resumes(self, point: str) -> None:
        """An operator sits down, beside whoever is there; a new engine may be one that dies on its way."""
        self.done["resumes"] += 1
        if len(self.house.sessions) < 2:
            try:
                self.house.sit(f"operator {len(self.house.sessions)}", point=point)
            except FailedError:
                # An engine that dies as soon as it takes the run up is given up on.
                assert point
                self.leave_all()

    @rule()
    def loses_a_front_end(self) -> None:
        """Its end of the connection closes, as it does when it is killed."""
        if not self.session:
            return
        self.done["loses_a_front_end"] += 1
        self.house.leave(self.house.sessions[-1])

    @rule(number=st.sampled_from((signal.SIGKILL, signal.SIGTERM)))
    def loses_the_engine(self, number: signal.Signals) -> None:
        """It is killed, or asked to end."""
        if not self.is_held:
            return
        self.done["loses_the_engine"] += 1
        self.leave_all()
        if self.is_held:
            self.house.end_engine(number)

    @rule(all_of_it=st.booleans())
    def loses_the_supervisor(self, all_of_it: bool) -> None:
        """It is killed, alone or with its command; nobody saw how that ended."""
        if not self.state.running:
            return
        self.done["loses_the_supervisor"] += 1
        for item in self.state.running:
            latest = latest_attempt(self.state, item)
            assert latest is not None
            attempt = self.house.attempt(item, latest.number)
            seen = attempt.look()
            if isinstance(seen, Running) and not all_of_it:
                os.kill(seen.supervisor.pid, signal.SIGKILL)
                gone(seen.supervisor)
            else:
                kill_attempt(attempt.folder)

    @rule()
    def is_taken_over(self) -> None:
        """The engine stands still, and an operator takes the run from it."""
        if not self.is_held:
            return
        self.done["is_taken_over"] += 1
        os.kill(self.house.engine().pid, signal.SIGSTOP)
        holder = holder_that_stands_still(self.house.folder)
        self.leave_all()
        take_over(self.house.folder, holder, operator="bert", reason="it hangs", clock=SystemClock())
        self.taken += 1

    @rule(torn=st.sampled_from((b"0000", b"000000ff 0a0b0c0d {", bytes(512))))
    def tears_the_tail(self, torn: bytes) -> None:
        """Power is cut while a record is written; it is cut off, and a copy kept."""
        self.done["tears_the_tail"] += 1
        self.without_engine()
        before = read_journal(self.house.folder.path)
        with self.house.folder.journal.open("ab") as journal:
            journal.write(torn)
        self.house.leave(self.house.sit())
        after = read_journal(self.house.folder.path)
        assert after[: len(before)] == before
        assert isinstance(after[len(before)].what, e.JournalRepaired)

    @rule(back=st.integers(2, 40), bit=st.integers(0, 7))
    def damages_the_tail(self, back: int, bit: int) -> None:
        """A bit flips in the last record: nobody goes on with it, and nothing is written to it."""
        self.done["damages_the_tail"] += 1
        self.without_engine()
        whole = self.house.folder.journal.read_bytes()
        damaged = bytearray(whole)
        damaged[-back] ^= 1 << bit
        self.house.folder.journal.write_bytes(damaged)
        with pytest.raises(CorruptJournalError):
            self.house.sit()
        assert self.house.folder.journal.read_bytes() == damaged
        self.house.folder.journal.write_bytes(whole)

    @rule(before=_verdicts, after=_verdicts)
    def changes_the_world(self, before: Verdict, after: Verdict) -> None:
        """Checks see something else from now on."""
        self.done["changes_the_world"] += 1
        checks = {
            name: ScriptedCheck(verdict=verdict, interval=0.1)
            for name, verdict in (("before", before), ("after", after))
        }
        self.house.world.tell(Script(checks=checks))
        for name, verdict in (("before", before), ("after", after)):
            self.shown[name].add(verdict)

    @rule()
    def goes_to_work(self) -> None:
        """What stands before the commands is done, as far as it can be."""
        if not self.session:
            return
        self.done["goes_to_work"] += 1
        self.ask(r.GiveInput(item="brief/BACKUP_SET", value="v"))
        self.ask(r.Confirm(item="brief/confirm-1", statement="yes"))
        if self.ask(r.ShowStep(step="work")) and not self.state.lost:
            self.wait(lambda state: "work/before" in state.items)

    @rule(item=st.sampled_from(COMMANDS))
    def starts(self, item: str) -> None:
        """A command is asked for, once."""
        if not self.session:
            return
        self.done["starts"] += 1
        self.asked[item] += self.ask(r.StartCommand(item=item))

    @rule(code=st.sampled_from((0, 0, 1)))
    def ends(self, code: int) -> None:
        """The running command comes to its end, whoever watches it."""
        if not self.state.running:
            return
        self.done["ends"] += 1
        running = self.state.running[0]
        latest = latest_attempt(self.state, running)
        assert latest is not None
        self.release(code, self.house.attempt(running, latest.number).look)

    @rule(
        item=st.sampled_from(("brief/confirm-1", "work/before", *COMMANDS, "work/after")), skip=st.booleans()
    )
    def deviates(self, item: str, skip: bool) -> None:
        """An operator goes past an item."""
        if not self.session:
            return
        self.done["deviates"] += 1
        self.ask(r.Skip(item=item, reason="x") if skip else r.Override(item=item, reason="x"))

    @rule(item=st.sampled_from(COMMANDS), done=st.booleans())
    def settles(self, item: str, done: bool) -> None:
        """A person decides what became of a command."""
        if not self.session:
            return
        self.done["settles"] += 1
        self.ask(r.SettleOutcome(item=item, done=done, reason="looked"))

    @rule()
    def finishes(self) -> None:
        """The run is ended, if that is legal."""
        if not self.session:
            return
        self.done["finishes"] += 1
        self.ask(r.Finish())

    def wait(self, true: Callable[[RunState], bool]) -> None:
        """Follow the journal until that is true, or the engine is gone."""
        deadline = time.monotonic() + WITHIN
        while self.session is not None and not true(self.session.state):
            assert time.monotonic() < deadline, self.session.state
            try:
                self.session.wait(0.2)
            except EngineGoneError:
                self.leave_all()

    def release(self, code: int, look: Callable[[], object]) -> None:
        """Tell the command how to end, as soon as it listens, unless it is gone."""
        deadline = time.monotonic() + WITHIN
        while isinstance(look(), Running | Orphaned):
            assert time.monotonic() < deadline, "the command does not listen"
            try:
                descriptor = os.open(self.way, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                # ENXIO: nobody has it open for reading, not yet or not any more (fifo(7)).
                signal.sigtimedwait([], 0.02)
                continue
            os.write(descriptor, f"{code}\n".encode())
            os.close(descriptor)
            while isinstance(look(), Running | Orphaned):
                assert time.monotonic() < deadline, "the command does not end"
                signal.sigtimedwait([], 0.02)

    @invariant()
    def replay_is_the_state(self) -> None:
        """Who followed the run knows what whoever reads its journal knows."""
        session = self.session
        if session is None:
            return
        try:
            session.wait(0)
        except EngineGoneError:
            self.leave_all()
        records = read_journal(self.house.folder.path)
        assert fold(records[: session.state.sequence]) == session.state

    @invariant()
    def nothing_ran_that_was_not_asked_for(self) -> None:
        """No command runs twice without a decision, and none starts while the last one is in doubt."""
        ran = Counter(self.ledger.read_text().split())
        known: dict[str, bool] = {}
        for record in read_journal(self.house.folder.path):
            match record.what:
                case e.CommandIntended(item=item, attempt=attempt):
                    assert known.get(item, True), f"attempt {attempt} of {item} began while one was in doubt"
                    known[item] = False
                case e.CommandEnded(item=item) | e.OutcomeSettled(item=item):
                    known[item] = True
        for item in COMMANDS:
            assert ran[item] <= self.asked[item], (ran, self.asked)

    @invariant()
    def nothing_unseen_is_green(self) -> None:
        """What is green was seen so by a check, ended with 0, or was decided by a person."""
        state = self.state
        assert_nothing_unseen_is_green(state)
        for record in read_journal(self.house.folder.path):
            if isinstance(record.what, e.CheckObserved):
                assert record.what.observation.verdict in self.shown[record.what.item.partition("/")[2]]
        if isinstance(state.ending, Finished):
            assert state.ending.with_exceptions == bool(state.deviations)

    def teardown(self) -> None:
        """From wherever it got to the run can be ended, and all that was taken over is on record."""
        try:
            self.to_the_end()
        finally:
            self.open.close()

    def to_the_end(self) -> None:
        """Leave out what is left, and finish."""
        if self.session is None:
            self.house.sit()
        while self.state.running:
            latest = latest_attempt(self.state, self.state.running[0])
            assert latest is not None
            self.release(0, self.house.attempt(self.state.running[0], latest.number).look)
            self.wait(lambda state: not state.running)
            if self.session is None:
                self.house.sit()
        if isinstance(self.state.ending, Living):
            for item in self.state.lost:
                assert self.ask(r.SettleOutcome(item=item, done=False, reason="looked"))
            self.finish_without()
        assert len(self.house.of_kind(e.LockTaken)) == self.taken
        self.nothing_ran_that_was_not_asked_for()
        self.nothing_unseen_is_green()

    def finish_without(self) -> None:
        """Skip or give whatever is not settled; checks may change under it, so more than once."""
        deadline = time.monotonic() + WITHIN
        while not isinstance(self.state.ending, Finished):
            assert time.monotonic() < deadline, self.state
            assert self.session is not None
            for item in self.session.runbook.items:
                if not settled(self.state, item):
                    self.ask(
                        r.GiveInput(item=item.id, value="v")
                        if isinstance(item, InputItem)
                        else r.Skip(item=item.id, reason="the end")
                    )
            self.ask(r.Finish())


FAULTS = (
    "loses_a_front_end",
    "loses_the_engine",
    "loses_the_supervisor",
    "is_taken_over",
    "tears_the_tail",
    "damages_the_tail",
)
