"""Which steps can be worked on now."""

import pytest

from aihummer_drtui.run.overlap import going_refused, open_steps, running_in, steps_with_work
from aihummer_drtui.run.verdict import Verdict
from tests.run.story import RECOVERY, Story, through_database, to_the_end


def ids(steps: tuple[object, ...]) -> list[str]:
    """The ids of steps."""
    return [str(getattr(step, "id", step)) for step in steps]


@pytest.mark.parametrize(
    ("story", "can_go", "with_work"),
    [
        (Story(), ["brief", "side"], ["brief", "side"]),
        (through_database(), ["side", "proof"], ["side", "proof"]),
        (through_database().intend("database/restore", 2), ["database", "side"], ["side"]),
        (through_database().intend("side/mail-up"), ["side", "proof"], ["proof"]),
        (
            through_database().intend("database/restore", 2).look("brief/tools", Verdict.FAILED),
            ["brief", "database", "side"],
            ["brief", "side"],
        ),
        (to_the_end(), [], []),
    ],
)
def test_steps_that_can_be_worked_on(story: Story, can_go: list[str], with_work: list[str]) -> None:
    """Needs decide, and nothing else does; a running command keeps its own step open."""
    assert ids(open_steps(RECOVERY, story.state)) == can_go
    assert ids(steps_with_work(RECOVERY, story.state)) == with_work


def test_the_running_command_of_a_step_is_found() -> None:
    """And none where nothing runs."""
    story = Story().intend("side/mail-up")
    database, side = RECOVERY.steps[1], RECOVERY.steps[2]
    running = running_in(story.state, side)
    assert running is not None
    assert running.id == "side/mail-up"
    assert running_in(story.state, database) is None


@pytest.mark.parametrize(
    ("story", "step", "reason", "hint"),
    [
        (Story(), "nowhere\x1b", "no step `nowhere\\x1b`", "there are: brief, database"),
        (
            Story(),
            "database",
            "`database` needs what is not done yet: `brief` (still open there: brief/BACKUP_SET",
            "you can go to: brief, side",
        ),
        (through_database(), "brief", "step `brief` is done", "you can go to: side, proof"),
        (to_the_end(), "proof", "step `proof` is done", "every step is done"),
    ],
)
def test_where_there_is_nothing_to_go_to(story: Story, step: str, reason: str, hint: str) -> None:
    """Said with what is missing, and where one can go instead."""
    refused = going_refused(RECOVERY, story.state, step)
    assert refused is not None
    assert reason in refused.reason
    assert hint in refused.hint


def test_a_step_with_work_or_with_a_running_command_can_be_gone_to() -> None:
    """Also back to the command that runs."""
    story = through_database().intend("side/mail-up")
    assert going_refused(RECOVERY, story.state, "side") is None
    assert going_refused(RECOVERY, story.state, "proof") is None
