"""Hints belong to training, and fit what stands there."""

import pytest

from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.hints import hint_lines
from aihummer_drtui.run.verdict import Verdict
from tests.run.story import RECOVERY, Story


def training() -> Story:
    """A training run that has just begun."""
    return Story(mode=Mode.TRAINING)


@pytest.mark.parametrize("mode", [Mode.REAL, Mode.DRILL, Mode.TABLETOP])
def test_only_training_has_hints(mode: Mode) -> None:
    """Whoever recovers is not lectured."""
    assert [hint_lines(Story(mode=mode).state, item) for item in RECOVERY.items] == [
        () for _ in RECOVERY.items
    ]


@pytest.mark.parametrize(
    ("story", "item", "words"),
    [
        (training(), "brief/BACKUP_SET", "a wrong one goes far"),
        (training(), "brief/confirm-1", "with your own eyes"),
        (training(), "brief/tools", "never changes anything"),
        (training().look("brief/tools", Verdict.FAILED), "brief/tools", "hold observed against expected"),
        (training().look("brief/tools", Verdict.UNKNOWN), "brief/tools", "hold observed against expected"),
        (training().look("brief/tools", Verdict.UNPROVEN), "brief/tools", "nobody can know this here"),
        (training(), "database/restore", "say aloud what it destroys"),
        (training(), "proof/up", "read it before you start it"),
        (training().intend("proof/up"), "proof/up", "goes on without this terminal"),
        (training().ran("proof/up", code=1), "proof/up", "read its last lines first"),
        (training().lose("proof/up"), "proof/up", "let the probe look"),
    ],
)
def test_each_kind_of_item_has_its_hint(story: Story, item: str, words: str) -> None:
    """And another where it failed than before it was begun."""
    found = RECOVERY.item(item)
    assert found is not None
    (line,) = hint_lines(story.state, found)
    assert line.startswith("TRAINING: ")
    assert words in line
