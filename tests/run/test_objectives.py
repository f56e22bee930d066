"""The clocks of a recovery."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.objectives import Clocks, clocks, elapsed, losses
from aihummer_drtui.run.state import Moment
from aihummer_drtui.run.verdict import Brought, Observation, Part, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import RECOVERY, a_record, declared


def moment(boottime: float, *, boot: str = "b", minute: int = 0) -> Moment:
    """A point in time; `minute` past midnight by the wall clock."""
    return Moment(boot_id=boot, boottime=boottime, wall=f"2025-06-01T01:{minute:02d}:00+00:00")


def journal(*happened: tuple[float, e.Event]) -> list[e.Record]:
    """A journal of one boot with events at these seconds, declared at 0."""
    first = a_record(1, declared(incident_at="2025-05-31T23:50:00Z"), at=0.0)
    return [first, *(a_record(2 + index, what, at=at) for index, (at, what) in enumerate(happened))]


def told(*happened: tuple[float, e.Event], now: float) -> Clocks:
    """The clocks at `now` seconds."""
    return clocks(fold(journal(*happened)), moment(now))


def began(item: str) -> e.CommandIntended:
    """The first attempt of a command."""
    return e.CommandIntended(item=item, attempt=1, script="s", values={})


def ended(item: str, took: float) -> e.CommandEnded:
    """Its good end."""
    return e.CommandEnded(item=item, attempt=1, kind=e.EndKind.EXITED, code=0, took=took)


def test_within_one_boot_the_boot_clock_counts() -> None:
    """A wall clock set back by an hour does not shorten a recovery."""
    assert elapsed(moment(10.0, minute=30), moment(70.0, minute=0)) == 60.0
    assert elapsed(moment(70.0), moment(10.0)) == 0.0


def test_across_boots_the_wall_clock_counts() -> None:
    """The boot clock begins anew with a boot; the label is all there is."""
    assert elapsed(moment(5_000.0, minute=10), moment(3.0, boot="c", minute=25)) == 900.0
    assert elapsed(moment(1.0, minute=25), moment(3.0, boot="c", minute=10)) == 0.0


def test_a_run_in_which_nothing_happened_yet() -> None:
    """What has not happened is None, never zero."""
    assert told(now=30.0) == Clocks(
        since_incident=630.0,
        since_declared=30.0,
        to_first_command=None,
        to_serving=None,
        to_proven=None,
        in_commands=0.0,
        waiting=30.0,
    )


def test_an_incident_that_is_said_to_come_is_counted_from_the_declaration() -> None:
    """A year typed wrong makes no negative clock."""
    state = fold([a_record(1, declared(incident_at="2026-01-01T00:00:00Z"), at=0.0)])
    assert clocks(state, moment(5.0)).since_incident == 5.0


def test_levels_stop_their_clocks_when_they_are_reached_first() -> None:
    """Serving and proven are counted from the declaration."""
    seen = told(
        (5.0, began("a/x")),
        (40.0, e.LevelReached(level=RecoveryLevel.SERVING)),
        (50.0, e.LevelReached(level=RecoveryLevel.UP)),
        (90.0, e.LevelReached(level=RecoveryLevel.PROVEN)),
        now=100.0,
    )
    assert (seen.to_first_command, seen.to_serving, seen.to_proven) == (5.0, 40.0, 90.0)


def test_commands_that_overlap_count_once() -> None:
    """Two restores side by side for a minute are one minute in commands."""
    seen = told(
        (10.0, began("a/x")),
        (20.0, began("b/y")),
        (50.0, ended("a/x", 40.0)),
        (60.0, ended("b/y", 40.0)),
        (80.0, began("c/z")),
        now=100.0,
    )
    assert seen.in_commands == 50.0 + 20.0
    assert seen.waiting == 30.0


def test_a_command_inside_another_adds_nothing() -> None:
    """The span of the longer one covers it."""
    seen = told(
        (0.0, began("a/x")),
        (10.0, began("b/y")),
        (20.0, ended("b/y", 10.0)),
        (50.0, ended("a/x", 50.0)),
        now=50.0,
    )
    assert seen.in_commands == 50.0


def test_an_attempt_whose_end_nobody_saw_is_not_counted_for_ever() -> None:
    """Neither a lost nor a settled outcome makes a command run on in the report."""
    lost = e.OutcomeLost(item="a/x", attempt=1, why="cut")
    settled = e.OutcomeSettled(item="a/x", attempt=1, done=True, reason="x")
    assert told((10.0, began("a/x")), (20.0, lost), now=100.0).in_commands == 0.0
    assert told((10.0, began("a/x")), (20.0, lost), (30.0, settled), now=100.0).in_commands == 0.0


def test_the_clocks_of_an_ended_run_stand_still() -> None:
    """A report read a week later tells the same times."""
    gave_up = (60.0, e.RunAbandoned(reason="x"))
    assert told((10.0, began("a/x")), gave_up, now=9_999.0) == told((10.0, began("a/x")), gave_up, now=60.0)


@pytest.mark.parametrize("minute", [0, 30])
def test_a_command_that_went_on_over_a_reboot(minute: int) -> None:
    """Spans that begin in another boot are put in place by the wall clock, and never exceed the run."""
    records = [
        a_record(1, declared(), at=0.0),
        a_record(2, began("a/x"), boot="c", at=600.0),
    ]
    seen = clocks(fold(records), moment(1_000.0, boot="c", minute=minute))
    assert seen.since_declared == 3_600.0 + minute * 60.0
    assert seen.in_commands == seen.since_declared - 600.0


@given(
    st.lists(st.tuples(st.floats(0, 1_000), st.floats(0, 2_000), st.booleans()), max_size=8),
    st.floats(0, 2_000),
)
def test_commands_and_waiting_make_up_the_whole(spans: list[tuple[float, float, bool]], more: float) -> None:
    """Whatever overlaps: time in commands and time waiting add up to the time since the declaration."""
    happened: list[tuple[float, e.Event]] = []
    for index, (begin, took, over) in enumerate(sorted(spans)):
        happened.append((begin, began(f"s/{index}")))
        if over:
            happened.append((begin, ended(f"s/{index}", took)))
    seen = told(*happened, now=1_000.0 + more)
    assert seen.in_commands >= 0.0
    assert seen.waiting >= 0.0
    assert seen.in_commands + seen.waiting == pytest.approx(seen.since_declared)


DATABASE_AT = datetime(2025, 5, 31, 20, tzinfo=UTC)


def brought(item: str, verdict: Verdict, **moments: datetime) -> e.CheckObserved:
    """A look that tells which moments come back."""
    brings = tuple(Brought(part=Part(part), moment=moment) for part, moment in moments.items())
    seen = Observation(verdict=verdict, expected="x", observed="y", brings=brings)
    return e.CheckObserved(item=item, observation=seen)


def lost(*looks: e.CheckObserved) -> dict[str, float]:
    """What is lost of each part, in seconds, with the outage at midnight UTC."""
    state = fold([a_record(1, declared()), *(a_record(2 + n, look) for n, look in enumerate(looks))])
    return {one.part.value: one.seconds for one in losses(RECOVERY, state)}


def test_losses_are_counted_from_each_part_to_the_outage() -> None:
    """Database and blobs were not taken at one moment."""
    blobs_at = DATABASE_AT + timedelta(minutes=10)
    chosen = brought("brief/tools", Verdict.PASSED, database=DATABASE_AT, blobs=blobs_at)
    assert lost(chosen) == {"database": 4 * 3600.0, "blobs": 4 * 3600.0 - 600}
    assert lost() == {}


def test_what_was_reached_counts_more_than_what_was_chosen() -> None:
    """By the runbook's order, whatever was looked at last; a look that failed tells of no moment."""
    chosen = brought("brief/tools", Verdict.UNPROVEN, database=DATABASE_AT, blobs=DATABASE_AT)
    reached = brought("database/restored", Verdict.PASSED, database=DATABASE_AT + timedelta(hours=3))
    failed = brought("database/restored", Verdict.FAILED, database=DATABASE_AT + timedelta(hours=3))
    assert lost(reached, chosen) == {"database": 3600.0, "blobs": 4 * 3600.0}
    assert lost(chosen, failed)["database"] == 4 * 3600.0


def test_a_point_after_the_outage_loses_nothing() -> None:
    """Commits that were archived while the outage was not yet noticed."""
    assert lost(brought("brief/tools", Verdict.PASSED, database=DATABASE_AT + timedelta(days=1))) == {
        "database": 0.0
    }
