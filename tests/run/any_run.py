"""A run that is asked for anything at any time, with what may never come of it: a state machine."""

from collections.abc import Callable
from typing import assert_never

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import begin, fold, follow
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.outdating import outdated_by, rests_on, stated_after
from aihummer_drtui.run.overlap import steps_with_work
from aihummer_drtui.run.settled import latest_attempt, level_of, told_level_of, unmet_needs, unproven_items
from aihummer_drtui.run.state import (
    CheckState,
    CommandState,
    Finished,
    Living,
    Lost,
    ObservedState,
    RunState,
    Status,
    Underway,
)
from aihummer_drtui.run.suggestion import (
    AnswerIt,
    AwaitCheck,
    AwaitCommand,
    FinishRun,
    GiveValue,
    MendCheck,
    NothingLeft,
    OpenStep,
    ResolveUnknown,
    SayProbe,
    Start,
    StartAgain,
    StateIt,
    Suggestion,
    TellEnd,
    WorkMeanwhile,
    sensible,
)
from aihummer_drtui.run.tabletop import belongs
from aihummer_drtui.run.unattended import next_unattended
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome, Verdict
from aihummer_drtui.runbook.model import CommandItem, InputItem, RecoveryLevel
from tests.run.happenings import CHECKS, COMMANDS, ITEMS, assert_nothing_unseen_is_green
from tests.run.story import (
    RECOVERY,
    a_record,
    declared,
    seen,
)


def asked_for(state: RunState, suggestion: Suggestion) -> r.Request | None:  # noqa: PLR0912
    """The request that takes up a suggestion; None where there is only waiting."""
    match suggestion:
        case ResolveUnknown(item=item):
            return r.SettleOutcome(item=item.id, done=False, reason="looked")
        case OpenStep(step=step) | WorkMeanwhile(step=step):
            return r.ShowStep(step=step.id)
        case GiveValue(item=item):
            return r.GiveInput(item=item.id, value="v1")
        case StateIt(item=item):
            return r.Confirm(item=item.id, statement="I saw it")
        case AwaitCheck(item=item) | MendCheck(item=item):
            return r.LookAgain(item=item.id)
        case Start(item=item) | StartAgain(item=item):
            return r.StartCommand(item=item.id)
        case AwaitCommand(item=item):
            assert item.id in state.running
            return r.StopCommand(item=item.id)
        case AnswerIt(item=item):
            return r.AnswerCheck(item=item.id, answer=Answer.PASSED)
        case TellEnd(item=item):
            return r.TellOutcome(item=item.id, outcome=ToldOutcome.DONE)
        case SayProbe(item=item):
            return r.AnswerProbe(item=item.id, result=ProbeResult.NOT_DONE)
        case FinishRun():
            return r.Finish()
        case NothingLeft():
            return None
        case _ as never:
            assert_never(never)


class ARun(RuleBasedStateMachine):
    """An engine without effects: requests are judged by `refusal` and journalled as the engine does."""

    mode = e.Mode.DRILL

    def __init__(self) -> None:
        super().__init__()
        self.records: list[e.Record] = [a_record(1, declared(self.mode))]
        self.state = begin(self.records[0])
        self.started_in_doubt = False
        self.ended: dict[str, float] = {}
        self.went_past = False
        self.by_itself = False

    def record(self, what: e.Event) -> None:
        """Journal an event, and the level when it changes."""
        record = a_record(len(self.records) + 1, what)
        self.records.append(record)
        self.state = follow(self.state, record)
        if isinstance(what, e.CommandEnded | e.OutcomeLost | e.OutcomeTold) and belongs(what, self.mode):
            self.ended[what.item] = record.boottime
        self.went_past |= isinstance(what, e.ItemSkipped | e.ItemOverridden | e.RunbookAccepted)
        level = level_of(RECOVERY, self.state)
        if level is not self.state.level and isinstance(self.state.ending, Living):
            self.record(e.LevelReached(level=level))
        told = told_level_of(RECOVERY, self.state)
        if told is not self.state.told_level and isinstance(self.state.ending, Living):
            self.record(e.LevelTold(level=told))

    def ask(self, request: r.Request, outcome: Callable[[], None] = lambda: None) -> bool:
        """Whether the request was legal; then it has happened."""
        if refusal(RECOVERY, self.state, request) is not None:
            return False
        self.happen(request)
        outcome()
        return True

    def happen(self, request: r.Request) -> None:  # noqa: PLR0912
        """Journal what an accepted request leads to."""
        match request:
            case r.Attach(operator=operator):
                self.record(e.SittingOpened(sitting="1", operator=operator, host="h", front_end="plain"))
            case r.ShowStep(step=step):
                self.record(e.StepShown(step=step))
            case r.GiveInput(item=item, value=value):
                given = RECOVERY.item(item)
                assert isinstance(given, InputItem)
                self.record(
                    e.InputGiven(
                        item=item,
                        variable=given.variable,
                        value=value,
                        outdates=stated_after(RECOVERY, item),
                    )
                )
            case r.Confirm(item=item, statement=statement):
                self.record(e.ItemConfirmed(item=item, statement=statement))
            case r.StartCommand(item=item):
                self.start(item)
            case r.SettleOutcome(item=item, done=done, reason=reason):
                self.record(e.OutcomeSettled(item=item, attempt=self.number(item), done=done, reason=reason))
            case r.Skip(item=item, reason=reason):
                self.record(e.ItemSkipped(item=item, reason=reason))
            case r.Override(item=item, reason=reason):
                self.record(e.ItemOverridden(item=item, reason=reason))
            case r.AcceptRunbook(reason=reason):
                self.record(e.RunbookAccepted(sha256="1" * 64, difference="d", reason=reason))
            case r.Finish():
                self.record(
                    e.RunFinished(
                        level=level_of(RECOVERY, self.state),
                        with_exceptions=bool(self.state.deviations),
                        unproven=unproven_items(RECOVERY, self.state),
                    )
                )
            case r.Abandon(reason=reason):
                self.record(e.RunAbandoned(reason=reason))
            case r.WriteNote(text=text):
                self.record(e.NoteWritten(text=text))
            case r.AnswerCheck(item=item, answer=answer):
                self.record(e.CheckAnswered(item=item, answer=answer, said=""))
            case r.TellOutcome(item=item, outcome=outcome):
                told = e.OutcomeTold(item=item, attempt=self.number(item), outcome=outcome, said="x")
                self.record(told)
            case r.AnswerProbe(item=item, result=result):
                self.record(e.ProbeAnswered(item=item, attempt=self.number(item), result=result, said="x"))
            case r.LookAgain() | r.ProbeOutcome() | r.StopCommand():
                pass
            case _ as never:
                assert_never(never)

    def number(self, item: str) -> int:
        """The latest attempt's number."""
        latest = latest_attempt(self.state, item)
        return 0 if latest is None else latest.number

    def start(self, item: str) -> None:
        """Journal intent and start, remembering whether an attempt before it was in doubt."""
        command = RECOVERY.item(item)
        assert isinstance(command, CommandItem)
        latest = latest_attempt(self.state, item)
        if latest is not None and isinstance(latest.end, Lost | Underway):
            self.started_in_doubt = True
        number = self.number(item) + 1
        script, values, outdates = command.script, self.state.values, outdated_by(RECOVERY, item)
        begun: e.Event
        if self.mode is e.Mode.TABLETOP:
            begun = e.CommandRehearsed(
                item=item, attempt=number, script=script, values=values, outdates=outdates
            )
        else:
            begun = e.CommandIntended(
                item=item,
                attempt=number,
                script=script,
                values=values,
                outdates=outdates,
                rests_on=rests_on(RECOVERY, item),
            )
        self.record(begun)
        self.record(e.CommandStarted(item=item, attempt=number, pid=5, start_ticks=1, boot_id="b"))

    def end(self, item: str, code: int = 0, kind: e.EndKind = e.EndKind.EXITED) -> None:
        """Journal the end of the running attempt."""
        self.record(e.CommandEnded(item=item, attempt=self.number(item), kind=kind, code=code, took=1.0))

    @initialize(things=st.integers(0, 20), by_itself=st.booleans())
    def went_well_so_far(self, things: int, by_itself: bool) -> None:
        """Begin anywhere on the way, so that trouble meets every part of it; go on with a person or not."""
        self.by_itself = by_itself
        for _ in range(things):
            self.take_up(sensible(RECOVERY, self.state))

    @rule()
    def attaches(self) -> None:
        """An operator comes (back)."""
        self.ask(r.Attach(operator="ada", host="h", front_end="plain"))

    @rule(step=st.sampled_from(("brief", "database", "side", "proof")))
    def shows(self, step: str) -> None:
        """A step is opened."""
        self.ask(r.ShowStep(step=step))

    @rule(
        item=st.sampled_from(CHECKS),
        verdict=st.sampled_from((*Verdict, Verdict.PASSED)),
        costly=st.booleans(),
    )
    def looks_anywhere(self, item: str, verdict: Verdict, costly: bool) -> None:
        """A check gives an answer, whichever step is shown."""
        self.looks(item, verdict, costly=costly)

    def looks(self, item: str, verdict: Verdict, *, costly: bool = False) -> None:
        """Journal an answer of a check."""
        looked = e.CheckObserved(item=item, observation=seen(verdict), costly=costly)
        self.ask(r.LookAgain(item=item), lambda: self.record(looked))

    @rule(value=st.sampled_from(("v1", "v1", "v2")))
    def gives(self, value: str) -> None:
        """The backup set is named."""
        self.ask(r.GiveInput(item="brief/BACKUP_SET", value=value))

    @rule(item=st.sampled_from(("brief/confirm-1", "proof/confirm-1")))
    def confirms(self, item: str) -> None:
        """A person states something, in whatever order."""
        self.ask(r.Confirm(item=item, statement="I saw it"))

    @rule(item=st.sampled_from(COMMANDS))
    def starts(self, item: str) -> None:
        """A command is asked for."""
        self.ask(r.StartCommand(item=item))

    @precondition(lambda self: self.state.lost)
    @rule()
    def starts_what_was_lost(self) -> None:
        """An impatient operator asks for it again."""
        for item in self.state.lost:
            assert not self.ask(r.StartCommand(item=item))

    @precondition(lambda self: self.state.running)
    @rule()
    def looks_too_early(self) -> None:
        """Everything behind a running command is looked at, and passes."""
        for item in outdated_by(RECOVERY, self.state.running[0]):
            if item in CHECKS:
                self.looks(item, Verdict.PASSED)

    @precondition(lambda self: self.state.running)
    @rule(
        data=st.data(),
        kind=st.sampled_from((e.EndKind.EXITED, e.EndKind.EXITED, *e.EndKind)),
        code=st.sampled_from((0, 0, 1)),
    )
    def ends(self, data: st.DataObject, kind: e.EndKind, code: int) -> None:
        """A running command ends, one way or another."""
        self.end(data.draw(st.sampled_from(self.state.running)), code, kind)

    @precondition(lambda self: self.state.running)
    @rule(probed=st.sampled_from((*ProbeResult, None)))
    def loses(self, probed: ProbeResult | None) -> None:
        """Power is cut: what ran has no outcome; a new engine probes it."""
        for item in self.state.running:
            number = self.number(item)
            self.record(e.OutcomeLost(item=item, attempt=number, why="cut"))
            if probed is not None:
                self.record(e.OutcomeProbed(item=item, attempt=number, result=probed, observed="x"))

    @rule(item=st.sampled_from(CHECKS), answer=st.sampled_from((*Answer, Answer.PASSED)))
    def answers(self, item: str, answer: Answer) -> None:
        """Somebody says what a check finds: legal in a tabletop only."""
        was_legal = self.ask(r.AnswerCheck(item=item, answer=answer))
        assert self.mode is e.Mode.TABLETOP or not was_legal

    @rule(item=st.sampled_from(COMMANDS), outcome=st.sampled_from(ToldOutcome))
    def tells(self, item: str, outcome: ToldOutcome) -> None:
        """Somebody says how a command ended: legal in a tabletop only, of one that is rehearsed."""
        was_rehearsed = self.state.rehearsed(item) and item in self.state.running
        was_legal = self.ask(r.TellOutcome(item=item, outcome=outcome))
        assert was_rehearsed or not was_legal

    @rule(taken=st.booleans(), torn=st.booleans())
    def gets_a_new_engine(self, taken: bool, torn: bool) -> None:
        """The one before was killed or taken over from, a record perhaps cut off: nobody sits there."""
        if torn:
            self.record(e.JournalRepaired(bytes_cut=7, copy="journal.broken.1"))
        if taken:
            self.record(e.LockTaken(holder="engine, process 5", reason="it hangs"))
        before = self.state
        self.record(e.EngineStarted(pid=6, start_ticks=2))
        assert self.state.sittings == ()
        assert (self.state.items, self.state.ending) == (before.items, before.ending)

    @rule(item=st.sampled_from(COMMANDS), done=st.booleans())
    def settles(self, item: str, done: bool) -> None:
        """The operator decides what a lost outcome was."""
        self.ask(r.SettleOutcome(item=item, done=done, reason="because"))

    @rule(item=st.sampled_from(ITEMS), skip=st.booleans())
    def deviates(self, item: str, skip: bool) -> None:
        """The operator goes past an item."""
        self.ask(r.Skip(item=item, reason="x") if skip else r.Override(item=item, reason="x"))

    @rule()
    def accepts(self) -> None:
        """An edited runbook is accepted."""
        self.ask(r.AcceptRunbook(text="x", reason="typo"))

    @rule()
    def follows_the_suggestion(self) -> None:
        """The operator does the sensible thing, and it goes well."""
        self.take_up(sensible(RECOVERY, self.state))

    @rule()
    def finishes(self) -> None:
        """The operator ends the run, if that is legal."""
        self.ask(r.Finish())

    def take_up(self, suggestion: Suggestion) -> None:
        """Do what is suggested; it is legal, and it goes well."""
        request = asked_for(self.state, suggestion)
        if request is None:
            return
        assert self.ask(request), (suggestion, refusal(RECOVERY, self.state, request))
        match suggestion:
            case AwaitCheck(item=item) | MendCheck(item=item):
                self.record(e.CheckObserved(item=item.id, observation=seen(Verdict.PASSED)))
            case AwaitCommand(item=item):
                self.end(item.id)
            case _:
                pass

    @invariant()
    def nothing_unseen_is_green(self) -> None:
        """No command has passed without exit 0 or a person's decision, no check without a look."""
        assert_nothing_unseen_is_green(self.state)

    @invariant()
    def nothing_is_started_while_in_doubt(self) -> None:
        """A lost outcome is settled before its command can run again."""
        assert not self.started_in_doubt

    @invariant()
    def a_level_rests_on_what_was_seen(self) -> None:
        """No item of a level reached is overridden, skipped, unproven or out of date."""
        level = level_of(RECOVERY, self.state)
        proofs = {proof.level: proof.items for proof in RECOVERY.levels}
        for item in proofs.get(level, ()):
            known = self.state.items[item]
            assert known.status is Status.PASSED
            assert known.deviation is None
            assert not isinstance(known, CheckState) or known.fresh

    @invariant()
    def what_verifies_a_command_was_seen_after_it(self) -> None:
        """A look that counts is never older than the end of a command that it comes after."""
        for command in COMMANDS:
            ended = self.ended.get(command, 0.0)
            for item in outdated_by(RECOVERY, command):
                known = self.state.items.get(item)
                if isinstance(known, CheckState) and known.fresh:
                    assert known.at.boottime > ended

    @invariant()
    def a_deviation_is_never_forgotten(self) -> None:
        """A run that went past anything ends with exceptions, and a clean one without."""
        assert bool(self.state.deviations) >= self.went_past
        if isinstance(self.state.ending, Finished):
            assert self.state.ending.with_exceptions == bool(self.state.deviations)

    @invariant()
    def no_command_is_legal_before_what_its_step_needs(self) -> None:
        """Whatever runs at the same time, and in whatever order steps were opened."""
        for command in COMMANDS:
            step = RECOVERY.step_of(command)
            assert step is not None
            if unmet_needs(RECOVERY, self.state, step):
                assert refusal(RECOVERY, self.state, r.StartCommand(item=command)) is not None

    @invariant()
    def the_suggestion_is_legal(self) -> None:
        """What is offered first is never refused, to a person and where there is none."""
        for suggestion in (sensible(RECOVERY, self.state), next_unattended(RECOVERY, self.state)):
            request = asked_for(self.state, suggestion)
            if request is not None:
                assert refusal(RECOVERY, self.state, request) is None, suggestion

    @invariant()
    def waiting_is_sensible_only_without_other_work(self) -> None:
        """While a command is waited for, no step that has what it needs lies idle."""
        suggestion = sensible(RECOVERY, self.state)
        if isinstance(suggestion, AwaitCommand):
            assert not steps_with_work(RECOVERY, self.state)

    def teardown(self) -> None:
        """From wherever the run got to, good outcomes end it within bounds, and replay tells the same."""
        assert fold(self.records) == self.state
        next_thing = next_unattended if self.by_itself else sensible
        for _ in range(5 * len(ITEMS)):
            suggestion = next_thing(RECOVERY, self.state)
            if isinstance(suggestion, NothingLeft):
                return
            self.take_up(suggestion)
            assert_nothing_unseen_is_green(self.state)
        pytest.fail(f"still {sensible(RECOVERY, self.state)}")


class ATabletop(ARun):
    """The same trouble in a tabletop: what is told counts, and what would be seen is refused or ignored."""

    mode = e.Mode.TABLETOP

    @invariant()
    def nothing_is_executed_and_nothing_is_proven(self) -> None:
        """Whatever was told."""
        assert self.state.executing == ()
        assert self.state.level is RecoveryLevel.NONE
        assert level_of(RECOVERY, self.state) is RecoveryLevel.NONE
        for known in self.state.items.values():
            assert not isinstance(known, ObservedState)
            assert not isinstance(known, CommandState) or all(one.rehearsed for one in known.attempts)
