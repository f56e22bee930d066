"""What no longer stands in the way, what a level rests on, and the latest attempt."""

import pytest
from msgspec.structs import replace

from aihummer_drtui.run import events as e
from aihummer_drtui.run.settled import (
    latest_attempt,
    level_of,
    settled,
    step_done,
    unmet_needs,
    unproven_items,
)
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from aihummer_drtui.runbook.model import Item, LevelProof, RecoveryLevel, Step
from tests.run.story import (
    RECOVERY,
    Story,
    through_database,
    to_the_end,
)

RESTORE = "database/restore"


def item(item_id: str) -> Item:
    """The item of that id in the recovery runbook."""
    found = RECOVERY.item(item_id)
    assert found is not None
    return found


def step(step_id: str) -> Step:
    """The step of that id in the recovery runbook."""
    found = RECOVERY.step(step_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("item_id", "story", "is_settled"),
    [
        ("side/mail", Story(), False),
        ("side/mail", Story().look("side/mail"), True),
        ("side/mail", Story().look("side/mail", Verdict.UNPROVEN), True),
        ("side/mail", Story().look("side/mail", Verdict.FAILED), False),
        ("side/mail", Story().look("side/mail", Verdict.UNKNOWN), False),
        ("side/mail", Story().look("side/mail").sit(), False),
        ("side/mail", Story().look("side/mail", Verdict.UNPROVEN).sit(), False),
        ("side/mail", Story().add(e.ItemSkipped(item="side/mail", reason="x")), True),
        ("side/mail", Story().add(e.ItemSkipped(item="side/mail", reason="x")).sit(), True),
        ("side/mail", Story().add(e.ItemOverridden(item="side/mail", reason="x")), True),
        (RESTORE, Story().intend(RESTORE), False),
        (RESTORE, Story().ran(RESTORE), True),
        (RESTORE, Story().ran(RESTORE).sit(), True),
        (RESTORE, Story().ran(RESTORE, code=1), False),
        (RESTORE, Story().lose(RESTORE), False),
        (RESTORE, Story().lose(RESTORE, probe=ProbeResult.DONE), False),
        ("brief/BACKUP_SET", Story().give("brief/BACKUP_SET"), True),
        (
            "brief/confirm-1",
            Story().add(e.ItemConfirmed(item="brief/confirm-1", statement="x")),
            True,
        ),
    ],
)
def test_when_an_item_no_longer_stands_in_the_way(item_id: str, story: Story, is_settled: bool) -> None:
    """Settled means seen good in this sitting, unprovable here, or gone past with a reason."""
    assert settled(story.state, item(item_id)) is is_settled


def test_a_step_is_done_with_all_its_items_and_meets_the_needs_of_others() -> None:
    """One open item keeps the step, and with it the steps that need it."""
    story = through_database()
    assert step_done(story.state, step("database"))
    assert unmet_needs(RECOVERY, story.state, step("proof")) == ()
    story.look("database/restored", Verdict.FAILED)
    assert not step_done(story.state, step("database"))
    assert unmet_needs(RECOVERY, story.state, step("proof")) == (step("database"),)


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ((), RecoveryLevel.PROVEN),
        ((e.ItemOverridden(item="proof/healthz", reason="x"),), RecoveryLevel.NONE),
        ((e.ItemOverridden(item="database/restored", reason="x"),), RecoveryLevel.UP),
        ((e.ItemSkipped(item="proof/confirm-1", reason="x"),), RecoveryLevel.SERVING),
        (tuple(Story().look("proof/healthz", Verdict.UNPROVEN).records), RecoveryLevel.NONE),
        (tuple(Story().ran("proof/prove", attempt=2, code=1).records), RecoveryLevel.SERVING),
        (tuple(Story().lose("proof/prove", attempt=2).records), RecoveryLevel.SERVING),
        (tuple(Story().intend("proof/up", 2, ("proof/healthz",)).records), RecoveryLevel.NONE),
        (tuple(Story().sit().records), RecoveryLevel.NONE),
    ],
)
def test_a_level_needs_every_item_of_it_and_of_those_below_seen_good(
    change: tuple[e.Event | e.Record, ...], level: RecoveryLevel
) -> None:
    """Nothing overridden, skipped, unproven, failed, in doubt or out of date supports a level."""
    story = to_the_end()
    for one in change:
        what = one.what if isinstance(one, e.Record) else one
        if not isinstance(what, e.RunDeclared):
            story.add(what)
    assert level_of(RECOVERY, story.state) is level


def test_a_level_without_items_is_never_reached() -> None:
    """Having looked at nothing proves nothing."""
    empty = replace(RECOVERY, levels=(LevelProof(level=RecoveryLevel.UP, items=()),))
    assert level_of(empty, to_the_end().state) is RecoveryLevel.NONE
    assert level_of(replace(RECOVERY, levels=()), to_the_end().state) is RecoveryLevel.NONE


def test_unproven_items_come_in_reading_order() -> None:
    """The end of a run names what nobody could prove."""
    story = Story().look("proof/healthz", Verdict.UNPROVEN).look("brief/tools", Verdict.UNPROVEN)
    assert unproven_items(RECOVERY, story.look("side/mail").state) == ("brief/tools", "proof/healthz")


def test_the_latest_attempt() -> None:
    """The number after it is the next attempt's."""
    assert latest_attempt(Story().state, RESTORE) is None
    assert latest_attempt(Story().look("side/mail").state, "side/mail") is None
    latest = latest_attempt(Story().ran(RESTORE).intend(RESTORE, attempt=2).state, RESTORE)
    assert latest is not None
    assert latest.number == 2


@pytest.mark.parametrize(
    ("code", "then", "counts"),
    [(0, None, True), (1, None, False), (0, Verdict.FAILED, False), (0, Verdict.UNKNOWN, False)],
)
def test_a_precondition_that_has_served_counts_as_it_was_seen(
    code: int, then: Verdict | None, counts: bool
) -> None:
    """Nobody need look again; what was seen to be otherwise all the same is in the way of a second start."""
    story = (
        Story()
        .look("side/mail")
        .intend("side/mail-up", rests_on=("side/mail",))
        .end("side/mail-up", code=code)
    )
    story.sit()
    if then is not None:
        story.look("side/mail", then)
        story.sit()
    mail = RECOVERY.item("side/mail")
    assert mail is not None
    assert settled(story.state, mail) is counts


def test_a_precondition_has_not_served_a_command_that_is_to_be_repeated() -> None:
    """Another value was given, so the command drifted and needs it once more."""
    story = Story().give("brief/BACKUP_SET", "v1").look("side/mail")
    story.intend("side/mail-up", script="up $BACKUP_SET", rests_on=("side/mail",), BACKUP_SET="v1")
    story.end("side/mail-up").sit()
    mail = RECOVERY.item("side/mail")
    assert mail is not None
    assert settled(story.state, mail)
    assert not settled(story.give("brief/BACKUP_SET", "v2").state, mail)
