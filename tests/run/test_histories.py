"""Any history: random journals fold, and random requests never make a run claim what was not seen."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import fold, follow
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.settled import level_of
from aihummer_drtui.run.suggestion import (
    AwaitCheck,
    FinishRun,
    GiveValue,
    OpenStep,
    Start,
    StateIt,
    sensible,
)
from aihummer_drtui.run.unattended import next_unattended
from aihummer_drtui.runbook.model import Item, LevelProof, RecoveryLevel
from tests.run.any_run import ARun, ATabletop
from tests.run.happenings import EVENTS, ITEMS, assert_nothing_unseen_is_green, journal_of
from tests.run.story import (
    RECOVERY,
    Story,
    a_check,
    a_command,
    a_confirm,
    a_runbook,
    a_step,
    an_input,
)


@given(st.lists(EVENTS, max_size=40), st.sampled_from((e.Mode.DRILL, e.Mode.TABLETOP)), st.data())
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


@given(st.lists(EVENTS, max_size=25), st.sampled_from((e.Mode.DRILL, e.Mode.TABLETOP)))
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


@given(st.lists(EVENTS, max_size=10))
@settings(deadline=None)
def test_the_fold_of_what_was_written_is_the_fold_of_what_is_read(happened: list[e.Event]) -> None:
    """Going through the journal's JSON changes nothing."""
    records = journal_of(happened)
    again = json.decode(json.encode(records), type=list[e.Record])
    assert again == records
    assert fold(again) == fold(records)


ARun.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestARun = ARun.TestCase
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
