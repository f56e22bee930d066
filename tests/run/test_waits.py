"""Whose turn it was while nothing ran."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.run import events as e
from aihummer_drtui.run.objectives import clocks
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.run.waits import Span, Waits, waits
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.run.story import Story, a_check, a_command, a_confirm, a_record, a_runbook, a_step, declared, seen

BOOK = a_runbook(a_step("s", a_confirm("s/say"), a_check("s/look"), a_command("s/do"), a_confirm("s/end")))


def told(*happened: tuple[float, e.Event]) -> Waits:
    """The waits of a run that was declared at 0."""
    records = [a_record(1, declared(), at=0.0)]
    records += [a_record(2 + n, what, at=at) for n, (at, what) in enumerate(happened)]
    return waits(BOOK, records)


SHOW = e.StepShown(step="s")
SAY = e.ItemConfirmed(item="s/say", statement="yes")
LOOK = e.CheckObserved(item="s/look", observation=seen(Verdict.PASSED))
RED = e.CheckObserved(item="s/look", observation=seen(Verdict.FAILED))
BEGIN = e.CommandIntended(item="s/do", attempt=1, script="true", values={})
END = e.CommandEnded(item="s/do", attempt=1, kind=e.EndKind.EXITED, code=0, took=30.0)
FINISH = e.RunFinished(level=RecoveryLevel.NONE, with_exceptions=False, unproven=())


def test_each_stretch_belongs_to_whoever_had_to_act() -> None:
    """A statement, a look, a start; while the command runs nobody is waited for; then the end."""
    found = told((1, SHOW), (10, SAY), (14, LOOK), (20, BEGIN), (50, END))
    assert found.checks == (Span(begin=10.0, end=14.0),)
    assert found.people == (
        Span(begin=0.0, end=10.0),
        Span(begin=14.0, end=20.0),
        Span(begin=50.0, end=inf),
    )


def test_no_records_are_no_run() -> None:
    """As for every fold: said as what it is, and not as the end of an iteration."""
    with pytest.raises(ValueError, match="this one is empty"):
        waits(BOOK, [])


def test_a_red_check_waits_for_a_person() -> None:
    """Somebody has to mend it; looks that see the same change nothing."""
    found = told((0, SHOW), (5, SAY), (6, RED), (60, RED), (120, RED), (180, LOOK), (190, BEGIN))
    assert found.people == (Span(begin=0.0, end=5.0), Span(begin=6.0, end=190.0))


def test_nobody_is_waited_for_after_the_end() -> None:
    """A finished run waits for nothing."""
    found = told((0, SHOW), (5, SAY), (6, LOOK), (7, BEGIN), (9, END), (30, FINISH))
    assert found.people[-1] == Span(begin=9.0, end=30.0)


def test_a_span_is_cut_where_the_run_is() -> None:
    """One that goes on counts up to now."""
    assert Span(begin=10.0, end=inf).within(25.0) == 15.0
    assert Span(begin=10.0, end=20.0).within(5.0) == 0.0


@given(st.lists(st.sampled_from([SAY, LOOK, RED, BEGIN, END, SHOW]), max_size=12), st.data())
def test_stretches_never_overlap_and_never_exceed_the_time_outside_commands(
    events: list[e.Event], data: st.DataObject
) -> None:
    """Whatever happened in whatever order."""
    ats = sorted(data.draw(st.lists(st.floats(0, 500), min_size=len(events), max_size=len(events))))
    happened = [*zip(ats, events, strict=True)]
    found = told(*happened)
    spans = sorted((*found.people, *found.checks), key=lambda span: span.begin)
    assert all(one.end <= two.begin for one, two in pairwise(spans))
    assert all(span.begin < span.end for span in spans)


def test_a_whole_story_adds_up() -> None:
    """In commands, waited for people, waited for checks: together the run."""
    story = Story().add(SHOW).add(SAY).add(LOOK).add(BEGIN).add(END)
    found = waits(BOOK, story.records)
    whole = clocks(story.state, story.state.latest).since_declared
    waited = sum(span.within(whole) for span in (*found.people, *found.checks))
    assert waited <= whole
