"""What is done next where nobody is there to choose."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.outdating import outdated_by
from aihummer_drtui.run.unattended import next_unattended, order_of_work
from aihummer_drtui.runbook.model import Item, Runbook
from tests.run.story import (
    RECOVERY,
    Story,
    a_check,
    a_command,
    a_confirm,
    a_runbook,
    a_step,
    an_input,
    through_database,
)

TWO_LONG_ONES = a_runbook(
    a_step("ready", a_check("ready/k")),
    a_step("database", a_command("database/c"), a_check("database/k"), needs=("ready",)),
    a_step("blobs", a_command("blobs/c"), a_confirm("blobs/f"), needs=("ready",)),
    a_step("start", a_command("start/c"), needs=("database", "blobs")),
)


def test_the_order_begins_what_can_be_begun_before_it_waits() -> None:
    """Both long commands run before either is waited for; the rest comes in the page's order."""
    assert [item.id for item in order_of_work(TWO_LONG_ONES)] == [
        "ready/k", "database/c", "blobs/c", "database/k", "blobs/f", "start/c"
    ]  # fmt: skip


def test_needs_that_cannot_be_met_lose_no_item() -> None:
    """A circle, and a step that is not there: everything is in the order all the same."""
    circle = a_runbook(
        a_step("one", a_check("one/a"), needs=("two",)), a_step("two", a_check("two/a"), needs=("one",))
    )
    assert [item.id for item in order_of_work(circle)] == ["one/a", "two/a"]
    assert isinstance(next_unattended(circle, Story().state), s.OpenStep)


@pytest.mark.parametrize(
    ("story", "kind", "what"),
    [
        (Story(), s.OpenStep, "ready"),
        (Story().look("ready/k").add(e.StepShown(step="database")).intend("database/c"), s.OpenStep, "blobs"),
        (
            Story().look("ready/k").intend("database/c").intend("blobs/c").add(e.StepShown(step="blobs")),
            s.OpenStep,
            "database",
        ),
        (
            Story().look("ready/k").intend("database/c").intend("blobs/c").add(e.StepShown(step="database")),
            s.AwaitCommand,
            "database/c",
        ),
        (
            Story().look("ready/k").intend("database/c").ran("blobs/c").add(e.StepShown(step="database")),
            s.AwaitCommand,
            "database/c",
        ),
        (
            Story().look("ready/k").ran("database/c").look("database/k").intend("blobs/c"),
            s.OpenStep,
            "blobs",
        ),
        (
            Story().look("ready/k").ran("database/c").intend("blobs/c").add(e.StepShown(step="database")),
            s.AwaitCheck,
            "database/k",
        ),
        (
            Story().look("ready/k").add(e.StepShown(step="database")).intend("database/c").intend("blobs/c")
            .end("blobs/c", code=1),
            s.OpenStep,
            "blobs",
        ),
        (Story().look("ready/k").intend("database/c").lose("blobs/c"), s.ResolveUnknown, "blobs/c"),
    ],
)  # fmt: skip
def test_the_next_thing(story: Story, kind: type[s.Suggestion], what: str) -> None:
    """Start what can be started, wait in the page's order, and meet failures at once."""
    suggestion = next_unattended(TWO_LONG_ONES, story.state)
    assert isinstance(suggestion, kind)
    assert (suggestion.step if isinstance(suggestion, s.OpenStep) else suggestion.item).id == what  # type: ignore[union-attr]


def test_the_last_command_of_all_is_waited_for() -> None:
    """With everything else settled, only its end is missing."""
    story = through_database().look("side/mail").add(e.StepShown(step="side")).intend("side/mail-up")
    story.ran("proof/up").look("proof/healthz").ran("proof/prove")
    story.add(e.ItemConfirmed(item="proof/confirm-1", statement="yes"))
    assert next_unattended(RECOVERY, story.state) == s.AwaitCommand(item=RECOVERY.steps[2].items[1])  # type: ignore[arg-type]


_makers: dict[str, Callable[[str], Item]] = {"k": a_check, "c": a_command, "i": an_input, "f": a_confirm}
_steps = st.tuples(st.text("kcif", min_size=1, max_size=4), st.sets(st.integers(1, 4), max_size=2))


def a_book(kinds: list[tuple[str, set[int]]]) -> Runbook:
    """A runbook of these items, each step needing those that stand so many above it."""
    return a_runbook(
        *(
            a_step(
                f"s{number}",
                *(_makers[kind](f"s{number}/{kind.upper()}{place}") for place, kind in enumerate(items)),
                needs=tuple(f"s{number - back}" for back in sorted(backs) if number - back >= 0),
            )
            for number, (items, backs) in enumerate(kinds)
        )
    )


def asked_in_order(book: Runbook, lasts: Callable[[], int]) -> tuple[list[str], list[str]]:
    """What is asked for when each command lasts so many turns, and what still ran when one was waited for."""
    story, left, asked, waited = Story(), dict[str, int](), list[str](), list[str]()
    while True:
        suggestion = next_unattended(book, story.state)
        match suggestion:
            case s.FinishRun():
                return asked, waited
            case s.OpenStep(step=step):
                story.add(e.StepShown(step=step.id))
            case s.GiveValue(item=item):
                story.give(item.id)
            case s.StateIt(item=item):
                story.add(e.ItemConfirmed(item=item.id, statement="x"))
            case s.AwaitCheck(item=item):
                story.look(item.id)
            case s.Start(item=item):
                assert refusal(book, story.state, r.StartCommand(item=item.id)) is None
                story.intend(item.id, outdates=outdated_by(book, item.id))
                left[item.id] = lasts()
            case s.AwaitCommand(item=item):
                left[item.id] = 0
                waited.append(item.id)
            case other:
                pytest.fail(f"not on a way without trouble: {other}")
        if not isinstance(suggestion, s.OpenStep | s.AwaitCommand):
            asked.append(suggestion.item.id)
        for command in [command for command, turns in left.items() if turns <= 0]:
            story.end(command)
            del left[command]
        left = {command: turns - 1 for command, turns in left.items()}


@given(st.lists(_steps, min_size=1, max_size=5), st.data())
@settings(deadline=None)
def test_the_order_does_not_depend_on_how_long_commands_take(
    kinds: list[tuple[str, set[int]]], data: st.DataObject
) -> None:
    """Any runbook, any durations: everything is asked for once, in the runbook's own order of work."""
    book = a_book(kinds)
    asked, _ = asked_in_order(book, lambda: data.draw(st.integers(0, 12)))
    assert asked == [item.id for item in order_of_work(book)]
    assert sorted(asked) == sorted(item.id for item in book.items)


def test_two_long_commands_overlap() -> None:
    """Neither is waited for before both run."""
    asked, waited = asked_in_order(TWO_LONG_ONES, lambda: 100)
    assert asked.index("blobs/c") == asked.index("database/c") + 1
    assert waited == ["database/c", "blobs/c", "start/c"]
