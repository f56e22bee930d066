"""A complete small drill through a real engine, its supervisors and commands, in well under a second.

Its operator answers as the run suggests, comes back when the engine is gone, and remembers what was
asked and what was answered; its commands leave marks. From these four accounts (journal, marks, requests,
replies) `judge` says whether anything was lost, done twice, or called green without having been seen.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, assert_never

import msgspec

from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import Finished, Lost, RunState
from aihummer_drtui.run.verdict import ProbeResult
from aihummer_drtui.runbook.model import LevelProof, RecoveryLevel, Runbook
from tests.engine.engine_house import PHRASE, WITHIN, House, a_house, book, command, gone

LINGER: Final = 0.2
"""Seconds that the drill's engines wait for somebody: nobody comes who is not there at once."""


def marking(name: str, marks: Path) -> str:
    """A command that leaves a mark when it begins and one when it has done its work."""
    return f'echo "{name} began" >> {marks}\necho "{name} done" >> {marks}\n'


def probing(name: str, marks: Path) -> str:
    """A probe that says what the marks say."""
    done, began = (f'grep -qx "{name} {word}" {marks}' for word in ("done", "began"))
    return f"if {done}; then exit 0; fi; {began} && exit 10; exit 1"


def drill_book(marks: Path) -> Runbook:
    """An input, a confirm, a precondition, a command, an irreversible one, and what verifies them."""
    commands = [
        command(
            f"work/{name}",
            marking(name, marks),
            probe=probing(name, marks),
            destructive=name == "swap",
        )
        for name in ("prepare", "swap")
    ]
    levels = tuple(
        LevelProof(level=level, items=("work/prepare", "work/swap", "work/after"))
        for level in (RecoveryLevel.UP, RecoveryLevel.SERVING, RecoveryLevel.PROVEN)
    )
    return msgspec.structs.replace(book(*commands), levels=levels)


PATIENCE = 3
"""How often an operator is refused by one engine before another one is tried."""


@dataclass(kw_only=True)
class SmallDrill:
    """One such drill and what its operator remembers of it."""

    house: House
    marks: Path
    asked: Counter[str] = field(default_factory=Counter)
    """How often each command was asked to start."""
    promised: int = 0
    """The highest sequence number that the engine named: what the journal must hold whatever happens."""
    refusals: list[r.Refused] = field(default_factory=list)
    errors: list[DrtuiError] = field(default_factory=list)
    """Why there was no engine, each time that there was none."""
    meanwhile: Callable[[], object] = lambda: None
    """What else happens each time that the engine is gone, before anybody comes back."""

    def sit(self, *before: str) -> Session:
        """Sit down; a new engine is started by the words `before` in front of its own."""
        return self.house.sit(linger=LINGER, before=before)

    def run(self, *before: str, sittings: int = 3) -> RunState:
        """Go on until the run has ended; the first engine is started by the words `before`.

        An engine that ends, or cannot begin, is followed by another one, which nothing is in front of.
        """
        for _ in range(sittings):
            try:
                return self._one_sitting(before)
            except (EngineGoneError, DrtuiError) as error:
                self.errors.append(error)
                self.meanwhile()
                self.check_promises()
                before = ()
        raise AssertionError(f"not ended after {sittings} sittings: {self.errors}")

    def _one_sitting(self, before: tuple[str, ...]) -> RunState:
        session = self.sit(*before)
        engine = self.house.engine()
        borne = len(self.refusals) + PATIENCE
        try:
            while not isinstance(session.state.ending, Finished):
                self.step(session)
                if len(self.refusals) == borne:
                    # Each thread of an engine may meet the fault anew; a person tries another one.
                    os.kill(engine.pid, signal.SIGTERM)
                    gone(engine)
        finally:
            self.promised = max(self.promised, session.announced)
            self.house.leave(session)
        gone(engine)
        return session.state

    def step(self, session: Session) -> None:
        """Do the one sensible thing."""
        suggestion = s.sensible(session.runbook, session.state)
        request = self._answer(session.state, suggestion)
        if request is None:
            session.wait(WITHIN)
        else:
            self.ask(session, request)

    def ask(self, session: Session, request: r.Request) -> r.Reply:
        """Ask, and remember what was asked and answered."""
        if isinstance(request, r.StartCommand):
            self.asked[request.item] += 1
        reply = session.ask(request)
        match reply:
            case r.Accepted(sequence=sequence):
                self.promised = max(self.promised, sequence)
            case r.Refused():
                self.refusals.append(reply)
                session.wait(0.05)
        return reply

    def _answer(self, state: RunState, suggestion: s.Suggestion) -> r.Request | None:
        match suggestion:
            case s.OpenStep(step=step):
                return r.ShowStep(step=step.id)
            case s.GiveValue(item=item):
                return r.GiveInput(item=item.id, value="/backups/1")
            case s.StateIt(item=item):
                return r.Confirm(item=item.id, statement="they know")
            case s.Start(item=item) | s.StartAgain(item=item):
                return r.StartCommand(item=item.id, confirmation=PHRASE if item.destructive else "")
            case s.ResolveUnknown(item=item):
                return self._resolve(state, item.id)
            case s.FinishRun():
                return r.Finish()
            case s.AwaitCheck() | s.AwaitCommand() | s.WorkMeanwhile() | s.NothingLeft():
                return None
            case s.AnswerIt() | s.TellEnd() | s.SayProbe():
                raise AssertionError(f"only a tabletop is told: {suggestion}")
            case s.MendCheck():
                raise AssertionError(f"a check is not green in a world where all is well: {state}")
            case _ as never:
                assert_never(never)

    def _resolve(self, state: RunState, item: str) -> r.Request:
        """Decide as the probe says; a person would look as well."""
        latest = latest_attempt(state, item)
        assert latest is not None
        assert isinstance(latest.end, Lost)
        if latest.end.probed is None:
            return r.ProbeOutcome(item=item)
        done = latest.end.probed.result is ProbeResult.DONE
        return r.SettleOutcome(item=item, done=done, reason="the probe says so")

    def count(self, mark: str) -> int:
        """How often that mark was left."""
        return self.marks.read_text().splitlines().count(mark) if self.marks.exists() else 0

    def check_promises(self) -> None:
        """What was answered is in the journal, whatever became of the engine since."""
        assert len(read_journal(self.house.folder.path)) >= self.promised

    def judge(self) -> None:
        """Nothing was lost, nothing done twice without a decision, nothing green that was not seen."""
        records = read_journal(self.house.folder.path)
        self.check_promises()
        state = fold(records)
        assert isinstance(state.ending, Finished)
        events = [record.what for record in records]
        for name in ("prepare", "swap"):
            item = f"work/{name}"
            intents = [one for one in events if isinstance(one, e.CommandIntended) and one.item == item]
            assert [one.attempt for one in intents] == list(range(1, len(intents) + 1))
            assert self.count(f"{name} began") <= len(intents) <= self.asked[item]
            passed = [
                one
                for one in events
                if isinstance(one, e.CommandEnded)
                and one.item == item
                and (one.kind, one.code) == (e.EndKind.EXITED, 0)
            ]
            assert len(passed) <= self.count(f"{name} done")
            assert self.count(f"{name} done") >= 1
        looks = Counter(looked.check for looked in self.house.world.looked())
        observed = Counter(one.item.partition("/")[2] for one in events if isinstance(one, e.CheckObserved))
        assert all(observed[check] <= looks[check] for check in observed)
        assert not state.deviations
        assert state.ending.level is RecoveryLevel.PROVEN
        assert not self.house.of_kind(e.ItemOverridden)


@contextmanager
def a_small_drill(place: Path, *, marks: Path | None = None) -> Iterator[SmallDrill]:
    """Declare such a drill in a new folder below `place`; nothing of it goes on after the block."""
    marks = marks or place / "marks"
    with a_house(place, drill_book(marks)) as house:
        yield SmallDrill(house=house, marks=marks)
