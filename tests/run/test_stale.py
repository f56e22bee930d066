"""What is to be looked at again once somebody attaches."""

import pytest

from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.settled import settled
from aihummer_drtui.run.stale import not_looked_again, standing_as_seen
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import CheckItem
from tests.run.story import Story, a_check, a_command, a_runbook, a_step

BOOK = a_runbook(a_step("work", a_check("work/one"), a_check("work/two"), a_command("work/do")))
ONE = BOOK.steps[0].items[0]


def ids(checks: tuple[CheckItem, ...]) -> list[str]:
    """Their ids."""
    return [check.id for check in checks]


@pytest.mark.parametrize("verdict", Verdict)
def test_what_was_settled_is_looked_at_again_until_it_was_seen(verdict: Verdict) -> None:
    """So that a step which was done comes to be done again by itself."""
    story = Story().look("work/one", verdict)
    was_settled = settled(fold(story.records), ONE)
    assert ids(not_looked_again(BOOK, fold(story.records))) == []
    story.sit()
    assert ids(not_looked_again(BOOK, fold(story.records))) == (["work/one"] if was_settled else [])
    story.look("work/one", verdict)
    assert ids(not_looked_again(BOOK, fold(story.records))) == []


def test_what_drifted_is_looked_at_again() -> None:
    """It had passed once, and may be mended by now."""
    story = Story().look("work/one").look("work/one", Verdict.FAILED).sit()
    assert ids(not_looked_again(BOOK, fold(story.records))) == ["work/one"]


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("costly", [True, False])
def test_what_counts_though_an_engine_may_be_gone_that_saw_it(verdict: Verdict, costly: bool) -> None:
    """Costly looks that stand: a new engine repeats them, and nobody waits for it."""
    story = Story().look("work/one", verdict, costly=costly).look("work/two").sit()
    stands = costly and verdict in {Verdict.PASSED, Verdict.UNPROVEN}
    assert ids(standing_as_seen(BOOK, fold(story.records))) == (["work/one"] if stands else [])


@pytest.mark.parametrize("costly", [True, False])
def test_a_precondition_that_has_served_is_not_looked_at_again(costly: bool) -> None:
    """What a command needed may be otherwise once it ran well; until then it is still to be seen."""
    story = Story().look("work/one", costly=costly).look("work/two").sit()
    story.intend("work/do", rests_on=("work/one",))
    assert "work/one" in ids((*not_looked_again(BOOK, story.state), *standing_as_seen(BOOK, story.state)))
    story.end("work/do")
    assert ids(not_looked_again(BOOK, story.state)) == ["work/two"]
    assert ids(standing_as_seen(BOOK, story.state)) == []
