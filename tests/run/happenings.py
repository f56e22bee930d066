"""Any journal: events in any order, and what every state they fold to has to hold."""

from typing import assert_never

import pytest
from hypothesis import strategies as st

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import (
    AnsweredState,
    CommandState,
    ConfirmState,
    InputState,
    LeftOutState,
    ObservedState,
    Outcome,
    RunState,
    Settled,
    Status,
    Told,
)
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome, Verdict
from aihummer_drtui.runbook.model import CheckItem, CommandItem, RecoveryLevel
from tests.run.story import (
    RECOVERY,
    a_record,
    declared,
    seen,
)

CHECKS = tuple(item.id for item in RECOVERY.items if isinstance(item, CheckItem))
COMMANDS = tuple(item.id for item in RECOVERY.items if isinstance(item, CommandItem))
ITEMS = tuple(item.id for item in RECOVERY.items)

_items = st.sampled_from((*ITEMS, "gone/away"))
_numbers = st.integers(1, 3)
_words = st.sampled_from(("a", "b", "because"))
EVENTS: st.SearchStrategy[e.Event] = st.one_of(
    st.builds(e.SittingOpened, sitting=_words, operator=_words, host=_words, front_end=_words),
    st.builds(e.SittingClosed, sitting=_words, reason=_words),
    st.builds(e.EngineStarted, pid=_numbers, start_ticks=_numbers),
    st.builds(e.EngineStopped, reason=_words),
    st.builds(e.JournalRepaired, bytes_cut=_numbers, copy=_words),
    st.builds(e.LockTaken, holder=_words, reason=_words),
    st.builds(e.RunbookAccepted, sha256=_words, difference=_words, reason=_words),
    st.builds(e.StepShown, step=_words),
    st.builds(
        e.CheckObserved,
        item=_items,
        observation=st.sampled_from(Verdict).map(seen),
        costly=st.booleans(),
    ),
    st.builds(e.ItemConfirmed, item=_items, statement=_words),
    st.builds(e.InputGiven, item=_items, variable=st.sampled_from(("A", "B")), value=_words),
    st.builds(
        e.CommandIntended,
        item=_items,
        attempt=_numbers,
        script=st.sampled_from(('x "$A"', "x")),
        values=st.dictionaries(st.sampled_from(("A", "B")), _words),
        outdates=st.lists(_items, max_size=3).map(tuple),
        rests_on=st.lists(_items, max_size=3).map(tuple),
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
