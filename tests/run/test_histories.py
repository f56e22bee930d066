"""Any history: random journals fold, and random requests never make a run claim what was not seen."""

from collections.abc import Callable
from typing import assert_never

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import json

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import begin, fold, follow
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.overlap import steps_with_work
from aihummer_drtui.run.settled import latest_attempt, level_of, told_level_of, unmet_needs, unproven_items
from aihummer_drtui.run.state import (
    AnsweredState,
    CheckState,
    CommandState,
    ConfirmState,
    Finished,
    InputState,
    LeftOutState,
    Living,
    Lost,
    ObservedState,
    Outcome,
    RunState,
    Settled,
    Status,
    Told,
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
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem, Item, LevelProof, RecoveryLevel
from tests.run.story import (
    RECOVERY,
    Story,
    a_check,
    a_command,
    a_confirm,
    a_record,
    a_runbook,
    a_step,
    an_input,
    declared,
    seen,
)

CHECKS = tuple(item.id for item in RECOVERY.items if isinstance(item, CheckItem))
COMMANDS = tuple(item.id for item in RECOVERY.items if isinstance(item, CommandItem))
ITEMS = tuple(item.id for item in RECOVERY.items)

_items = st.sampled_from((*ITEMS, "gone/away"))
_numbers = st.integers(1, 3)
_words = st.sampled_from(("a", "b", "because"))
_events: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(e.SittingOpened, sitting=_words, operator=_words, host=_words, front_end=_words),
    st.builds(e.SittingClosed, sitting=_words, reason=_words),
    st.builds(e.EngineStarted, pid=_numbers, start_ticks=_numbers),
    st.builds(e.EngineStopped, reason=_words),
    st.builds(e.JournalRepaired, bytes_cut=_numbers, copy=_words),
    st.builds(e.LockTaken, holder=_words, reason=_words),
    st.builds(e.RunbookAccepted, sha256=_words, difference=_words, reason=_words),
    st.builds(e.StepShown, step=_words),
    st.builds(e.CheckObserved, item=_items, observation=st.sampled_from(Verdict).map(seen)),
    st.builds(e.ItemConfirmed, item=_items, statement=_words),
    st.builds(e.InputGiven, item=_items, variable=st.sampled_from(("A", "B")), value=_words),
    st.builds(
        e.CommandIntended,
        item=_items,
        attempt=_numbers,
        script=st.sampled_from(('x "$A"', "x")),
        values=st.dictionaries(st.sampled_from(("A", "B")), _words),
        outdates=st.lists(_items, max_size=3).map(tuple),
    ),
    st.builds(
        e.CommandStarted, item=_items, attempt=_numbers, pid=_numbers, start_ticks=_numbers, boot_id=_words
    ),
    st.builds(
        e.CommandEnded,
        item=_items,
        attempt=_numbers,
        kind=st.sampled_from(e.EndKind),
        code=st.sampled_from((0, 1)),
        took=st.floats(0, 9),
    ),
    st.builds(e.OutcomeLost, item=_items, attempt=_numbers, why=_words),
    st.builds(
        e.OutcomeProbed,
        item=_items,
        attempt=_numbers,
        result=st.sampled_from(ProbeResult),
        observed=_words,
    ),
    st.builds(e.OutcomeSettled, item=_items, attempt=_numbers, done=st.booleans(), reason=_words),
    st.builds(e.CheckAnswered, item=_items, answer=st.sampled_from(Answer), said=_words),
    st.builds(
        e.CommandRehearsed,
        item=_items,
        attempt=_numbers,
        script=st.sampled_from(('x "$A"', "x")),
        values=st.dictionaries(st.sampled_from(("A", "B")), _words),
        outdates=st.lists(_items, max_size=3).map(tuple),
    ),
    st.builds(
        e.OutcomeTold,
        item=_items,
        attempt=_numbers,
        outcome=st.sampled_from(ToldOutcome),
        said=_words,
        would_take=st.none() | st.floats(0, 9),
    ),
    st.builds(
        e.ProbeAnswered, item=_items, attempt=_numbers, result=st.sampled_from(ProbeResult), said=_words
    ),
    st.builds(e.LevelTold, level=st.sampled_from(RecoveryLevel)),
    st.builds(e.ItemSkipped, item=_items, reason=_words),
    st.builds(e.ItemOverridden, item=_items, reason=_words),
    st.builds(e.NoteWritten, text=_words),
    st.builds(e.LevelReached, level=st.sampled_from(RecoveryLevel)),
    st.builds(
        e.RunFinished,
        level=st.sampled_from(RecoveryLevel),
        with_exceptions=st.booleans(),
        unproven=st.just(()),
    ),
    st.builds(e.RunAbandoned, reason=_words),
)


def journal_of(happened: list[e.Event], mode: e.Mode = e.Mode.DRILL) -> list[e.Record]:
    """The journal of a run in which that happened."""
    return [a_record(1 + index, what) for index, what in enumerate([declared(mode), *happened])]


def assert_nothing_unseen_is_green(state: RunState) -> None:
    """Whatever passed was observed, ended with exit 0, was settled by a person, was stated or given.

    In a tabletop nothing was observed and nothing ended: it was told to have gone well, and says so.
    """
    told = state.declared.mode is e.Mode.TABLETOP
    assert not told or state.level is RecoveryLevel.NONE
    for one in state.items.values():
        if one.status is not Status.PASSED:
            continue
        match one:
            case ObservedState(observation=observation):
                assert not told
                assert observation.verdict is Verdict.PASSED
            case AnsweredState(answered=answered):
                assert told
                assert answered is Answer.PASSED
            case CommandState(attempts=attempts):
                end = attempts[-1].end
                assert attempts[-1].rehearsed is told
                if isinstance(end, Outcome):
                    assert not told
                    assert (end.kind, end.code) == (e.EndKind.EXITED, 0)
                elif isinstance(end, Told):
                    assert told
                    assert end.told is ToldOutcome.DONE
                else:
                    assert isinstance(end, Settled)
                    assert end.done
            case ConfirmState() | InputState():
                pass
            case LeftOutState():
                pytest.fail("an item nobody saw is green")
            case _ as never:
                assert_never(never)


@given(st.lists(_events, max_size=40), st.sampled_from((e.Mode.DRILL, e.Mode.TABLETOP)), st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_history_folds(happened: list[e.Event], mode: e.Mode, data: st.DataObject) -> None:
    """The fold is total, the same every time, and goes on from any prefix as if read at once."""
    records = journal_of(happened, mode)
    whole = fold(records)
    assert fold(iter(records)) == whole
    cut = data.draw(st.integers(1, len(records)))
    state = fold(records[:cut])
    for record in records[cut:]:
        state = follow(state, record)
    assert state == whole
    assert whole.sequence == len(records)
    assert_nothing_unseen_is_green(whole)


@given(st.lists(_events, max_size=25), st.sampled_from((e.Mode.DRILL, e.Mode.TABLETOP)))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_history_can_be_judged(happened: list[e.Event], mode: e.Mode) -> None:
    """No state, however odd, makes the suggestion, the level or a refusal fail."""
    state = fold(journal_of(happened, mode))
    sensible(RECOVERY, state)
    next_unattended(RECOVERY, state)
    level_of(RECOVERY, state)
    for item in ITEMS:
        refusal(RECOVERY, state, r.StartCommand(item=item))
        refusal(RECOVERY, state, r.Skip(item=item, reason="x"))
    refusal(RECOVERY, state, r.Finish())


@given(st.lists(_events, max_size=10))
@settings(deadline=None)
def test_the_fold_of_what_was_written_is_the_fold_of_what_is_read(happened: list[e.Event]) -> None:
    """Going through the journal's JSON changes nothing."""
    records = journal_of(happened)
    again = json.decode(json.encode(records), type=list[e.Record])
    assert again == records
    assert fold(again) == fold(records)


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
                self.record(e.InputGiven(item=item, variable=given.variable, value=value))
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
        begun = e.CommandRehearsed if self.mode is e.Mode.TABLETOP else e.CommandIntended
        self.record(
            begun(
                item=item,
                attempt=number,
                script=command.script,
                values=self.state.values,
                outdates=outdated_by(RECOVERY, item),
            )
        )
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

    @rule(item=st.sampled_from(CHECKS), verdict=st.sampled_from((*Verdict, Verdict.PASSED)))
    def looks_anywhere(self, item: str, verdict: Verdict) -> None:
        """A check gives an answer, whichever step is shown."""
        self.looks(item, verdict)

    def looks(self, item: str, verdict: Verdict) -> None:
        """Journal an answer of a check."""
        looked = e.CheckObserved(item=item, observation=seen(verdict))
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


ARun.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestARun = ARun.TestCase


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


ATabletop.TestCase.settings = ARun.TestCase.settings
TestATabletop = ATabletop.TestCase


_makers: dict[str, Callable[[str], Item]] = {"k": a_check, "c": a_command, "i": an_input, "f": a_confirm}


@given(st.lists(st.tuples(st.text("kcif", min_size=1, max_size=4), st.booleans()), min_size=1, max_size=4))
@settings(deadline=None)
def test_any_runbook_is_walked_to_its_end_without_a_way_back(kinds: list[tuple[str, bool]]) -> None:
    """With good outcomes the suggestions lead through every runbook, each item once, to its highest level."""
    steps = tuple(
        a_step(
            f"s{number}",
            *(_makers[kind](f"s{number}/{kind.upper()}{place}") for place, kind in enumerate(items)),
            needs=(f"s{number - 1}",) if needs and number else (),
        )
        for number, (items, needs) in enumerate(kinds)
    )
    every = tuple(item.id for step in steps for item in step.items)
    book = a_runbook(*steps, levels=(LevelProof(level=RecoveryLevel.PROVEN, items=every),))
    story = Story()
    for _ in range(len(every) + len(steps)):
        match sensible(book, story.state):
            case OpenStep(step=step):
                story.add(e.StepShown(step=step.id))
            case GiveValue(item=item):
                story.give(item.id)
            case StateIt(item=item):
                story.add(e.ItemConfirmed(item=item.id, statement="x"))
            case AwaitCheck(item=item):
                story.look(item.id)
            case Start(item=item):
                assert refusal(book, story.state, r.StartCommand(item=item.id)) is None
                story.intend(item.id, outdates=outdated_by(book, item.id)).end(item.id)
            case other:
                pytest.fail(f"not on a way without trouble: {other}")
    assert sensible(book, story.state) == FinishRun()
    assert refusal(book, story.state, r.Finish()) is None
    assert level_of(book, story.state) is RecoveryLevel.PROVEN
