"""What of the journal's growth is said aloud in line mode."""

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.plain.news import lines_of
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold, follow
from tests.run.story import RECOVERY, a_record, through_database


def grown(what: e.Event, *, wall: str, actor: str = "ada") -> Growth:
    """The journal grew by that, a second later by the clock that goes on."""
    records = through_database().records
    before = fold(records)
    record = a_record(len(records) + 1, what)
    record = e.Record(
        **{name: getattr(record, name) for name in record.__struct_fields__} | {"wall": wall, "actor": actor}
    )
    return Growth(before=before, record=record, after=follow(before, record))


def said(growth: Growth) -> list[str]:
    """In line mode."""
    return lines_of([growth], RECOVERY, None, lambda _: [])


def test_s06_a_clock_that_was_set_is_said_whatever_came_with_it() -> None:
    """Also with an event that is no news itself, and before all else."""
    growth = grown(e.NoteWritten(text="x"), wall="2025-05-31T23:00:00+00:00")
    (line,) = said(growth)
    assert line.startswith("  WARNING: this host's wall clock was set back by 1 h")


def test_a_clock_that_goes_evenly_is_no_news() -> None:
    """Nor is an operator's own note."""
    growth = grown(e.NoteWritten(text="x"), wall="2025-06-01T00:00:10+00:00")
    assert said(growth) == []


def test_s08_what_the_engine_notes_is_said() -> None:
    """That it slept, say: it is no operator's word."""
    growth = grown(e.NoteWritten(text="it slept"), wall="2025-06-01T00:00:10+00:00", actor="engine")
    assert said(growth) == ["  it slept"]


def test_s04_a_taking_over_is_said() -> None:
    """With who held the run and why it was taken."""
    taken = e.LockTaken(holder="engine, process 5", reason="it hangs")
    assert said(grown(taken, wall="2025-06-01T00:00:10+00:00")) == [
        "  taken over from engine, process 5: it hangs"
    ]
