"""The timeline: bars by tables, and the screen by keys."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import Moment
from aihummer_drtui.run.verdict import Brought, Observation, Part, Verdict
from aihummer_drtui.runbook.model import RecoveryLevel
from aihummer_drtui.tui.gantt import gantt_lines, read_happened
from aihummer_drtui.tui.screens.timeline import TimelineScreen
from tests.engine.engine_house import a_house, accepted, book, command
from tests.run.story import RECOVERY, a_record, declared
from tests.tui.screens import shown
from tests.tui.test_step import through_brief

NAME = 24


def a_journal(*happened: tuple[float, e.Event], incident: str) -> tuple[e.Record, ...]:
    """A journal that was declared at 0, midnight of 1 June."""
    records = [a_record(1, declared(incident_at=incident), at=0.0)]
    records += [a_record(2 + n, what, at=at) for n, (at, what) in enumerate(happened)]
    return tuple(records)


def lines_of(
    *happened: tuple[float, e.Event],
    incident: str = "2025-05-31T23:50:00Z",
    width: int = 80,
    now: float = 0.0,
) -> list[str]:
    """What is drawn."""
    records = a_journal(*happened, incident=incident)
    state = fold(records)
    at = Moment(boot_id="b", boottime=now, wall=records[-1].wall) if now else state.latest
    return [line.text for line in gantt_lines(RECOVERY, state, read_happened(RECOVERY, records), at, width)]


def row(lines: list[str], name: str) -> str:
    """The bar with that name."""
    return next(line[NAME:] for line in lines if line[:NAME].strip() == name)


STORY: tuple[tuple[float, e.Event], ...] = (
    (10.0, e.StepShown(step="side")),
    (100.0, e.CommandIntended(item="side/mail-up", attempt=1, script="up", values={})),
    (400.0, e.CommandEnded(item="side/mail-up", attempt=1, kind=e.EndKind.EXITED, code=0, took=300.0)),
    (600.0, e.LevelReached(level=RecoveryLevel.SERVING)),
    (700.0, e.ItemSkipped(item="side/mail", reason="x")),
    (900.0, e.LevelReached(level=RecoveryLevel.PROVEN)),
    (1000.0, e.NoteWritten(text="noted")),
)


@pytest.mark.parametrize("width", [80, 120, 250])
def test_the_clocks_stand_in_their_order_on_one_line(width: int) -> None:
    """Incident, declared, started, serving, proven; the RTO's end where it is within reach."""
    lines = lines_of(*STORY, width=width)
    assert [letter for letter in row(lines, "clocks") if letter != "-"] == list("IDSVPR")
    told = "\n".join(lines)
    assert "S first command started 11 min 40 s after the incident" in told
    assert "P proven 25 min after the incident" in told
    assert "R end of the RTO of 1 h: 33 min 20 s left" in told
    bars = [line for line in lines if line[:NAME].strip()][:12]
    assert all(len(line) <= width - 2 for line in bars)


def test_waits_on_people_are_drawn_apart() -> None:
    """Where the command runs nobody is waited for, and the other way round."""
    lines = lines_of(*STORY)
    runs = {at for at, cell in enumerate(row(lines, "mail-up")) if cell == "="}
    waited = {at for at, cell in enumerate(row(lines, "waits on people")) if cell == "w"}
    assert runs
    assert waited
    # The columns at both ends of a bar are shared.
    assert len(runs & waited) <= 2
    assert "!" in row(lines, "deviations")
    assert "nothing ran while people were waited for 5 min 10 s, checks 6 min 30 s" in "\n".join(lines)


def test_the_end_of_the_rto_is_drawn_through_the_rows() -> None:
    """Over it, the line lies within the run."""
    lines = lines_of(*STORY, now=7_200.0)
    column = row(lines, "clocks").index("R")
    assert row(lines, "2. database")[column] == "|"
    assert "OVER by 1 h 10 min" in "\n".join(lines)


def test_an_outage_of_days_before_does_not_squeeze_the_run() -> None:
    """It is told, and not drawn."""
    lines = lines_of(*STORY, incident="2025-05-20T00:00:00Z")
    assert "I" not in row(lines, "clocks")
    assert any(line.startswith("I incident 2025-05-20") for line in lines)
    assert "R" not in row(lines, "clocks")


def test_what_has_not_happened_is_said() -> None:
    """Not yet, never zero."""
    lines = lines_of((1.0, e.StepShown(step="brief")))
    assert "P proven: not yet" in lines
    assert "Lost: not known; no check told which moment comes back" in lines


def test_what_is_lost_is_drawn_against_the_rpo() -> None:
    """On a scale of its own: hours of data do not fit on minutes of a run."""
    incident = datetime(2025, 5, 31, 23, 50, tzinfo=UTC)
    brings = (
        Brought(part=Part.DATABASE, moment=incident - timedelta(hours=12)),
        Brought(part=Part.BLOBS, moment=incident - timedelta(hours=36)),
    )
    seen = Observation(verdict=Verdict.PASSED, expected="x", observed="y", brings=brings)
    lines = lines_of((1.0, e.CheckObserved(item="brief/tools", observation=seen)))
    database, blobs = row(lines, "database"), row(lines, "blobs")
    assert database.count("#") == pytest.approx(blobs.count("#") / 3, abs=2)
    assert database.index("|") == blobs.index("|")
    told = "\n".join(lines)
    assert "12 h lost, within" in told
    assert "1 d 12 h lost, OVER the RPO" in told


def test_a_hundred_thousand_events_are_gone_through_once() -> None:
    """Looks that see the same cost next to nothing; the events that are told are few."""
    look = Observation(verdict=Verdict.PASSED, expected="x", observed="y")
    looks = [(at / 10, e.CheckObserved(item="brief/tools", observation=look)) for at in range(6, 20_000)]
    records = a_journal((0.5, e.StepShown(step="brief")), *looks, incident="2025-05-31T23:50:00Z")
    happened = read_happened(RECOVERY, records)
    assert happened.sequence == len(records)
    assert len(happened.lines) == 2
    assert len(happened.waits.people) <= 2


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_screen_scrolls_from_the_bars_to_the_events(tmp_path: Path, size: tuple[int, int]) -> None:
    """And takes in what happens while it is open."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house, size=size) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("e")
            text = await screens.until_shown("TIMELINE", "clocks", "1. brief", "waits on people")
            assert text.isascii()
            await screens.press(*["pagedown"] * 3)
            await screens.until_shown("stated brief/confirm-1")
            assert "clocks" in screens.now_on(TimelineScreen).as_text()


async def test_the_last_event_comes_without_another(tmp_path: Path) -> None:
    """What is recorded soon after the journal was read is not left out until something else happens."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house, size=(120, 60)) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("e")
            await screens.until_shown("TIMELINE", "clocks", "stated brief/confirm-1")
            accepted(house.sit("bert"), r.WriteNote(text="the last word"))
            await screens.until_shown("the last word")


def test_the_events_keep_their_style() -> None:
    """No foreign text becomes markup."""
    records = a_journal((1.0, e.NoteWritten(text="[bold]x\x1b[2J")), incident="2025-05-31T23:50:00Z")
    told = "\n".join(line.text for line in read_happened(RECOVERY, records).lines)
    assert "[bold]x\\x1b[2J" in told
