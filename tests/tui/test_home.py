"""Home: unfinished runs first, Enter resumes the newest, a real recovery asks once more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from aihummer_drtui.run import events as e
from aihummer_drtui.run.events import Mode
from aihummer_drtui.tui.choices import Begin, Choice, GiveUp, HomeFacts, LookAt, Plainly, Resume, offered
from aihummer_drtui.tui.home import HomeApp
from aihummer_drtui.tui.widgets.banner import now
from tests.run.story import Story, through_database

UNFINISHED = through_database().intend("side/mail-up").add(e.StepShown(step="side")).state
RUN = UNFINISHED.declared.run


@asynccontextmanager
async def at_home(
    facts: HomeFacts, *, settle: float = 0.0, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[HomeApp, Pilot[Choice]]]:
    """Home under a pilot."""
    app = HomeApp(facts, settle=settle)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def text_of(app: HomeApp) -> str:
    """What the screen shows."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


async def pressed(facts: HomeFacts, *keys: str) -> Choice | None:
    """What is chosen by those keys."""
    async with at_home(facts) as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
    return app.return_value


async def test_enter_alone_resumes_the_newest_unfinished_run() -> None:
    """It stands first, with its mode, target, step and what runs in it."""
    facts = HomeFacts(target="Target shop", unfinished=(UNFINISHED,))
    async with at_home(facts) as (app, pilot):
        text = text_of(app)
        assert text.split("\n")[1] == "Target shop"
        assert f"=> Resume {RUN}: DRILL of" in text
        assert "at step side" in text
        assert "running: side/mail-up" in text
        assert f"Enter: Resume {RUN}" in text
        assert text.isascii()
        # The way back leads nowhere from here, and ends nothing.
        await pilot.press("f3", "escape", "enter")
    assert app.return_value == Resume(run=RUN)


async def test_a_run_can_be_looked_at_or_given_up_with_a_reason() -> None:
    """Both only where a run is selected."""
    facts = HomeFacts(target="Target shop", unfinished=(UNFINISHED,))
    assert await pressed(facts, "v") == LookAt(run=RUN)
    assert await pressed(facts, "a", "enter", "w", "h", "y", "enter") == GiveUp(run=RUN, reason="why")
    assert await pressed(facts, "down", "a", "v", "q") is None


async def test_a_real_recovery_asks_when_the_outage_began() -> None:
    """Enter alone says now; going back declares nothing."""
    facts = HomeFacts(target="Target shop")
    assert await pressed(facts, "enter", "f3", "q") is None
    assert await pressed(facts, "enter", "enter") == Begin(mode=Mode.REAL)
    typed = await pressed(facts, "enter", *"2026", "enter")
    assert typed == Begin(mode=Mode.REAL, incident_at="2026")


async def test_an_enter_too_many_declares_nothing() -> None:
    """Home opens where a run was left or has ended, often by Enter."""
    async with at_home(HomeFacts(target="Target shop"), settle=3600.0) as (app, pilot):
        await pilot.press("enter", "enter", "enter")
        await pilot.pause()
        assert "Enter: Recover for REAL" in text_of(app)
    assert app.return_value is None


async def test_a_real_recovery_is_not_declared_by_an_enter_that_was_on_its_way() -> None:
    """Nor by the one that opened the question."""
    async with at_home(HomeFacts(target="Target shop")) as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        app.settle = 3600.0
        await pilot.press("enter")
        await pilot.pause()
        assert "Declare a REAL recovery" in text_of(app)


async def test_every_choice_can_be_reached() -> None:
    """In the order in which they stand."""
    facts = HomeFacts(target="No target yet")
    choices = [one.choice for one in offered(facts, now())]
    assert choices[1:] == [
        Begin(mode=Mode.DRILL),
        Begin(mode=Mode.TABLETOP),
        Begin(mode=Mode.TRAINING),
        Plainly.READINESS,
        Plainly.BACKUPS,
        Plainly.RUNS,
    ]
    for place, choice in enumerate(choices[1:], 1):
        assert await pressed(facts, *["down"] * place, "enter") == choice


async def test_from_a_run_that_ended_enter_leads_to_nothing_real() -> None:
    """It ended by an Enter, and one more of it leads to the runs so far; an unfinished one is resumed."""
    assert await pressed(HomeFacts(target="t", news="Run x is over."), "enter") == Plainly.RUNS
    unfinished = HomeFacts(target="t", news="Run x is over.", unfinished=(UNFINISHED,))
    assert isinstance(await pressed(unfinished, "enter"), Resume)


async def test_a_talk_that_is_not_finished_stands_behind_a_recovery() -> None:
    """Enter alone must not lead into an exercise while a real run waits; of it nothing runs."""
    talk = Story(mode=Mode.TABLETOP).add(e.StepShown(step="side")).rehearse("side/mail-up")
    facts = HomeFacts(target="t", unfinished=(talk.state, UNFINISHED))
    first, second, *_ = offered(facts, now())
    assert first.words.startswith("Resume r1: DRILL")
    assert second.words.startswith("Resume r1: TABLETOP")
    assert second.below.startswith("at step side, tabletop: nothing was executed, nothing is proven;")


async def test_news_and_help_are_shown() -> None:
    """What became of the last choice; the keys."""
    async with at_home(HomeFacts(target="t", news="Run x is abandoned.")) as (app, pilot):
        assert "Run x is abandoned." in text_of(app)
        await pilot.press("f1")
        await pilot.pause()
        assert "read where the selected run stands" in text_of(app)
        # There is no run to note something down in, and no engine.
        assert "n=note" not in text_of(app)
        await pilot.press("f3")
        await pilot.pause()
        assert "Recover for REAL" in text_of(app)


async def test_the_mouse_is_off_until_it_is_asked_for() -> None:
    """On, it would break the marking of text."""
    async with at_home(HomeFacts(target="t")) as (app, pilot):
        await pilot.press("m")
        await pilot.pause()
        assert "The mouse is on" in text_of(app)
        await pilot.press("m")
        await pilot.pause()
        assert "The mouse is off" in text_of(app)
