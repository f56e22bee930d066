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
    WorkMeanwhile,
    is_still_open,
    sensible,
)
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import (
    RECOVERY,
    Story,
    a_check,
    a_command,
    a_runbook,
    a_step,
    through_database,
    to_the_end,
)


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
        (at("side", Story().look("side/mail").intend("side/mail-up")), WorkMeanwhile, "side/mail-up"),
        (at("brief", Story().look("side/mail").intend("side/mail-up")), GiveValue, "brief/BACKUP_SET"),
        (at("database", through_database().intend("side/mail-up")), OpenStep, "proof"),
        (at("proof", through_database().intend("side/mail-up").intend("proof/up")), AwaitCommand, "proof/up"),
        (at("proof", to_the_end().intend("side/mail-up", 2)), OpenStep, "side"),
        (at("side", to_the_end().intend("side/mail-up", 2)), AwaitCommand, "side/mail-up"),
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


def test_a_running_commands_step_stays_open_when_its_needs_drift() -> None:
    """The operator may watch it; what it needs can be mended meanwhile."""
    story = at("database", through_database().intend("database/restore", 2))
    story.look("brief/tools", Verdict.FAILED)
    suggestion = sensible(RECOVERY, story.state)
    assert isinstance(suggestion, WorkMeanwhile)
    assert (suggestion.item.id, suggestion.step.id) == ("database/restore", "brief")


def test_what_stood_before_a_running_command_asks_for_nothing() -> None:
    """Its precondition has served; the room that it uses up is no alarm."""
    story = at("side", to_the_end().intend("side/mail-up", 2).look("side/mail", Verdict.FAILED))
    assert isinstance(sensible(RECOVERY, story.state), AwaitCommand)


def test_a_failure_elsewhere_calls_until_a_step_is_opened() -> None:
    """It comes next wherever the operator is; whoever opens another step after it has chosen."""
    story = at("side", through_database().intend("database/restore", 2))
    question = sensible(RECOVERY, story.state)
    assert named(question) == "side/mail"
    story.end("database/restore", 2, code=1)
    assert named(sensible(RECOVERY, story.state)) == "database"
    assert is_still_open(RECOVERY, story.state, question), "what is being typed still answers"
    at("side", story)
    assert named(sensible(RECOVERY, story.state)) == "side/mail"


def test_a_failure_where_the_operator_looks_or_that_was_gone_past_calls_nobody() -> None:
    """It is the next thing there anyway; what was skipped is settled."""
    story = at(
        "database", through_database().intend("database/restore", 2).end("database/restore", 2, code=1)
    )
    assert story.state.calling == ()
    story = at("side", through_database().intend("database/restore", 2)).end("database/restore", 2, code=1)
    assert story.state.calling == ("database/restore",)
    story.add(e.ItemOverridden(item="database/restore", reason="by hand"))
    assert named(sensible(RECOVERY, story.state)) == "side/mail"


@pytest.mark.parametrize(
    "story",
    [
        at("side", Story().look("side/mail").intend("side/mail-up")),
        at("side", to_the_end()),
        at("nowhere", Story()),
    ],
)
def test_a_question_is_over_when_its_step_asks_something_else(story: Story) -> None:
    """The command runs, the step is done, or it is not there any more."""
    question = Start(item=a_command("side/mail-up"))
    assert not is_still_open(RECOVERY, story.state, question)
