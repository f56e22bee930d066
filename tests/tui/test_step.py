"""The screen of a step: Enter walks a healthy recovery, and never through a gate."""

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.events import Paste

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Finished
from aihummer_drtui.run.verdict import Choice, Verdict
from aihummer_drtui.testing import Script, ScriptedCheck
from aihummer_drtui.tui.screens.briefing import BriefingScreen
from aihummer_drtui.tui.screens.completion import CompletionScreen
from aihummer_drtui.tui.screens.gate import GateScreen
from aihummer_drtui.tui.screens.step import StepScreen
from aihummer_drtui.tui.screens.value import ValueScreen
from aihummer_drtui.tui.widgets.typed import ByHand, Typed
from tests.engine.engine_house import PHRASE, WITHIN, a_house, book, command, fifo
from tests.run.story import a_confirm, a_runbook, a_step
from tests.tui.screens import Screens, ScriptedFacts, past_briefing, shown


async def through_brief(screens: Screens) -> None:
    """Walk the first step of the book."""
    await past_briefing(screens)
    await screens.enter_when("give BACKUP_SET")
    await screens.until_shown("/backups/newest")
    await screens.until(lambda: "BACKUP_SET> /backups/newest" in screens.text())
    await screens.press("enter")
    await screens.enter_when("state that you have seen it")
    await screens.enter_when("go to step 2")


async def test_enter_alone_walks_a_healthy_recovery(tmp_path: Path) -> None:
    """From the briefing to the end of the run, every act named before it is done."""
    with a_house(tmp_path, book(command("work/do", "echo done it"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.enter_when("start work/do")
            await screens.enter_when("finish the run")
            await screens.until(lambda: isinstance(screens.app.screen, CompletionScreen))
            await screens.until_shown("COMPLETED")
        assert screens.app.view is not None
        assert isinstance(screens.app.view.state.ending, Finished)
        assert not house.of_kind(e.ItemSkipped)


async def test_no_gate_is_passed_by_enter_or_by_a_paste(tmp_path: Path) -> None:
    """The words are typed by hand, and compared by the engine."""
    with a_house(tmp_path, book(command("work/swap", "echo swapped", destructive=True))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.enter_when("open the gate of work/swap")
            await screens.until_shown("GATE: work/swap is IRREVERSIBLE", "3 tenants", "echo swapped", "Undo")
            await screens.press("enter", "enter", "enter")
            assert "Enter does not pass this gate" in screens.text()
            screens.app.screen.post_message(Paste(f"{PHRASE}\n"))
            screens.now_on(GateScreen).query_one(ByHand).post_message(Paste(f"{PHRASE}\n"))
            await screens.until_shown("not pasted")
            await screens.write("other/aihummer")
            await screens.press("enter")
            await screens.until_shown("REFUSED")
            assert not house.of_kind(e.CommandIntended)
            screens.now_on(GateScreen).query_one(ByHand).value = ""
            await screens.write(PHRASE)
            await screens.press("enter")
            await screens.until_shown("+ passed   command swap")
        assert len(house.of_kind(e.CommandIntended)) == 1


async def test_the_way_back_leads_nowhere_from_the_first_screen(tmp_path: Path) -> None:
    """Escape comes by itself on a slow line (the beginning of an arrow key); it ends nothing."""
    with a_house(tmp_path, book(command("work/do", "echo done it"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("f3", "escape", "escape")
            assert screens.now_on(StepScreen).is_running
            await screens.press("f1")
            await screens.until_shown("HELP")
            await screens.press("f3", "f3")
            await screens.enter_when("start work/do")


async def test_a_key_that_came_too_soon_answers_nothing(tmp_path: Path) -> None:
    """Enter held down does not run through what nobody could have read."""
    with a_house(tmp_path, book(command("work/do", "true"), variable="DUMP")) as house:
        async with shown(house, settle=3600.0) as screens:
            await screens.until_shown("BRIEFING", "It answers as")
            await screens.press("enter", "q", "enter")
            screens.now_on(BriefingScreen)
            await screens.press("f3")
            await screens.until_shown("Enter: give DUMP")
            await screens.press("enter", "enter", "enter")
            screens.now_on(StepScreen)
            await screens.press("g")
            await screens.until_shown("DUMP> /backups/newest")
            await screens.press("enter", "enter")
            screens.now_on(ValueScreen)
            assert not house.of_kind(e.InputGiven)


async def test_a_value_is_waited_for(tmp_path: Path) -> None:
    """Enter before anything is known gives nothing; what then comes takes the words about it away."""
    way = threading.Event()
    with a_house(tmp_path, book(command("work/do", "true"), variable="DUMP")) as house:
        async with shown(house, facts=SlowFacts(world=house.world, way=way)) as screens:
            await past_briefing(screens)
            await screens.enter_when("give DUMP")
            await screens.until_shown("Looking for what there is to choose from")
            await screens.press("enter")
            await screens.until_shown("Still looking for what there is")
            way.set()
            text = await screens.until_shown("DUMP> only", "Change what stands in the line")
            assert "Still looking" not in text


@dataclass(kw_only=True)
class SlowFacts(ScriptedFacts):
    """Knows no choices but a suggestion, and only when told to say so."""

    way: threading.Event

    def choices(self, variable: str) -> tuple[Choice, ...]:  # noqa: ARG002
        """None, after a while."""
        assert self.way.wait(WITHIN)
        return ()

    def suggestion(self, variable: str) -> str | None:  # noqa: ARG002
        """What stands in the line."""
        return "only"


async def test_a_check_that_is_not_green_says_what_to_do(tmp_path: Path) -> None:
    """Word, sign, observed, expected; looked at again by itself, by Enter and by `a`."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        house.world.tell(
            Script(
                checks={
                    "before": ScriptedCheck(
                        verdict=Verdict.FAILED, observed="[bold]no[/] \x1b[2J", interval=0
                    )
                }
            )
        )
        async with shown(house) as screens:
            await through_brief(screens)
            text = await screens.until_shown("Enter: look at work/before again")
            assert "x failed   check   before" in text
            assert "observed: [bold]no[/] \\x1b[2J" in text
            assert "expected: before is right" in text
            house.world.tell(Script(checks={"before": ScriptedCheck(), "after": ScriptedCheck()}))
            await screens.press("a")
            await screens.until_shown("+ passed   check   before", "Enter: start work/do")


async def test_selecting_another_item_changes_what_enter_does(tmp_path: Path) -> None:
    """It is always named; on what is settled it leads back."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("up")
            text = await screens.until_shown("Enter: back to what comes next: start work/do")
            assert "CHECK work/before" in text
            await screens.press("enter")
            await screens.until_shown("COMMAND work/do")
            await screens.press("down")
            await screens.until_shown("CHECK work/after")


async def test_a_running_command_is_watched_paused_searched(tmp_path: Path) -> None:
    """Its output and its progress, with phase, rate and time left; it can be stopped."""
    said = '{"phase":"copying","done":50,"total":100,"unit":"blobs","elapsed":10}'
    way = fifo(tmp_path, "way")
    script = f"echo '{said}' >&$DRTUI_PROGRESS_FD; for i in $(seq 1 99); do echo line $i; done; cat {way}"
    with a_house(tmp_path, book(command("work/do", script))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.enter_when("start work/do")
            text = await screens.until_shown("line 99", "copying: 50 blobs of 100 blobs (50 %)")
            assert "5 blobs/s, about 10 s left" in text
            assert "following" in text
            await screens.press("pageup")
            await screens.until_shown("PAUSED")
            assert "line 99" not in screens.text()
            await screens.press("slash")
            await screens.write("LINE 17")
            await screens.press("enter")
            await screens.until_shown("| line 17")
            await screens.press("f")
            await screens.until_shown("line 99", "following")
            await screens.press("t")
            await screens.until_shown("x failed   command do", "stopped by the operator")
            await screens.until_shown("Enter: see why work/do failed")
            assert len(house.of_kind(e.CommandIntended)) == 1


async def test_another_step_can_be_gone_on_with_while_a_command_runs(tmp_path: Path) -> None:
    """Enter leads there, and a failure calls back."""
    way = fifo(tmp_path, "way")
    two = a_runbook(
        a_step("one", command("one/work", f"cat {way}; exit 3")),
        a_step("two", a_confirm("two/confirm-1"), a_confirm("two/confirm-2")),
    )
    with a_house(tmp_path, two) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.enter_when("start one/work")
            await screens.enter_when("go on with step 2: two while work runs")
            await screens.until_shown("Step 2 of 2", "Enter: state that", "> one/work: running for")
            way.write_text("")
            await screens.until_shown("x failed: one/work: exit code 3", "Enter: go to step 1")


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (250, 80)])
async def test_everything_fits(tmp_path: Path, size: tuple[int, int]) -> None:
    """From 80x24 to 250x80 the banner, what Enter does and the keys are there."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house, size=size) as screens:
            await through_brief(screens)
            text = await screens.until_shown("Enter: start work/do")
            assert "[ DRILL ]" in text.split("\n")[0]
            assert "engine ok" in text.split("\n")[0]
            assert "F1=help" in text.split("\n")[-1]
            assert text.isascii()


async def test_a_value_is_chosen_or_typed(tmp_path: Path) -> None:
    """Each choice with what it means; none is taken for markup; an empty one is not given."""
    with a_house(tmp_path, book(command("work/do", "true"), variable="DUMP")) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.enter_when("give DUMP")
            text = await screens.until_shown("=> 1. /backups/newest", "2. /backups/older")
            assert "[bold]not markup[/bold]" in text
            await screens.press("down")
            await screens.until_shown("DUMP> /backups/older")
            screens.now_on(ValueScreen).query_one(Typed).value = ""
            await screens.press("enter")
            await screens.until_shown("A value is needed")
            await screens.write("/other/set")
            await screens.press("enter")
            await screens.until_shown("DUMP = /other/set", "Enter: state that")
            await screens.press("up", "g")
            await screens.until_shown("Give DUMP")
            await screens.press("f3")
            await screens.until_shown("DUMP = /other/set")
        assert [one.value for one in house.of_kind(e.InputGiven) if isinstance(one, e.InputGiven)] == [
            "/other/set"
        ]


async def test_training_unfolds_the_text_and_adds_hints(tmp_path: Path) -> None:
    """Below every item, also a check and a command; a drill has neither there."""
    for mode in (e.Mode.TRAINING, e.Mode.DRILL):
        place = tmp_path / mode
        place.mkdir()
        with a_house(place, book(command("work/do", "true")), mode=mode) as house:
            async with shown(house, size=(80, 35)) as screens:
                await through_brief(screens)
                await screens.until_shown("Enter: start work/do")
                text = screens.text()
                is_training = mode is e.Mode.TRAINING
                assert ("TRAINING: read it before you start it" in text) is is_training
                assert ("-- the step's text --" in text) is is_training


async def test_a_step_without_a_checklist_is_read_and_left(tmp_path: Path) -> None:
    """It shows what it says, and not the item of another step; arrows and an item's keys do nothing there."""
    runbook = a_runbook(a_step("read"), a_step("work", a_confirm("work/confirm-1")))
    with a_house(tmp_path, runbook) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.until_shown("Step 2 of 2", "CONFIRM work/confirm-1")
            await screens.press("1")
            await screens.until_shown("Step 1 of 2", "Undo:   u")
            assert "CONFIRM work/confirm-1" not in screens.text()
            await screens.press("down", "up", "a", "x", "v", "o", "w", "w", "z", "z")
            await screens.press("2")
            await screens.until_shown("Step 2 of 2")
