"""The sensible next thing."""

import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run.suggestion import (
    AwaitCheck,
    AwaitCommand,
    FinishRun,
    GiveValue,
    MendCheck,
    NothingLeft,
    OpenStep,
    ResolveUnknown,
    Start,
    StartAgain,
    StateIt,
    Suggestion,
    sensible,
)
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import RECOVERY, Story, a_check, a_runbook, a_step, through_database, to_the_end


def at(step: str, story: Story) -> Story:
    """The story with that step shown."""
    return story.add(e.StepShown(step=step))


def named(suggestion: Suggestion) -> str:
    """The id of what the suggestion is about; empty when it is the run as a whole."""
    match suggestion:
        case OpenStep(step=step):
            return step.id
        case FinishRun() | NothingLeft():
            return ""
        case _:
            return suggestion.item.id


@pytest.mark.parametrize(
    ("story", "kind", "what"),
    [
        (Story(), OpenStep, "brief"),
        (at("proof", Story()), OpenStep, "brief"),
        (at("not-in-this-runbook", Story()), OpenStep, "brief"),
        (at("brief", Story()), GiveValue, "brief/BACKUP_SET"),
        (at("brief", Story().give("brief/BACKUP_SET")), StateIt, "brief/confirm-1"),
        (at("side", Story()), AwaitCheck, "side/mail"),
        (at("side", Story().look("side/mail").sit()), AwaitCheck, "side/mail"),
        (at("side", Story().look("side/mail", Verdict.FAILED)), MendCheck, "side/mail"),
        (at("side", Story().look("side/mail", Verdict.UNKNOWN)), MendCheck, "side/mail"),
        (at("side", Story().look("side/mail", Verdict.UNPROVEN)), Start, "side/mail-up"),
        (at("side", Story().look("side/mail").intend("side/mail-up")), AwaitCommand, "side/mail-up"),
        (at("side", Story().look("side/mail").ran("side/mail-up", code=1)), StartAgain, "side/mail-up"),
        (at("side", Story().lose("database/restore")), ResolveUnknown, "database/restore"),
        (at("database", through_database()), OpenStep, "side"),
        (
            at("proof", through_database().look("database/restored", Verdict.FAILED)),
            OpenStep,
            "database",
        ),
        (at("proof", to_the_end()), FinishRun, ""),
        (
            to_the_end().add(e.RunFinished(level=RecoveryLevel.PROVEN, with_exceptions=False, unproven=())),
            NothingLeft,
            "",
        ),
    ],
)
def test_the_next_thing(story: Story, kind: type[Suggestion], what: str) -> None:
    """A tired operator is offered one thing, and it is the right one."""
    suggestion = sensible(RECOVERY, story.state)
    assert isinstance(suggestion, kind)
    assert named(suggestion) == what


def test_steps_that_need_each_other_do_not_look_finished() -> None:
    """A circle of needs leads to a step, and never to an end that nobody reached."""
    circle = a_runbook(
        a_step("one", a_check("one/a"), needs=("two",)), a_step("two", a_check("two/a"), needs=("one",))
    )
    assert named(sensible(circle, Story().state)) == "one"
    assert named(sensible(circle, at("one", Story()).state)) == "one/a"


def test_a_run_goes_back_to_the_step_that_another_value_put_in_doubt() -> None:
    """Another backup set means another look at its dump before anything else."""
    story = at("proof", through_database().give("brief/BACKUP_SET", "v2"))
    assert named(sensible(RECOVERY, story.state)) == "brief"
    story.look("brief/tools")
    assert named(sensible(RECOVERY, story.state)) == "database"
