"""What stands before an irreversible command, and what follows where nobody saw how one ended."""

from pathlib import Path

import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.testing import Script, ScriptedCheck
from aihummer_drtui.tui.screens.gate import GateScreen
from aihummer_drtui.tui.screens.step import StepScreen
from aihummer_drtui.tui.screens.unknown import UnknownScreen
from tests.engine.engine_house import PHRASE, House, a_house, accepted, book, command, text_of
from tests.tui.screens import Screens, shown
from tests.tui.test_run_screens import lose
from tests.tui.test_step import through_brief


async def at_the_gate(screens: Screens) -> None:
    """Go to the gate of the book's irreversible command."""
    await through_brief(screens)
    await screens.enter_when("open the gate of work/swap")
    await screens.until_shown("GATE: work/swap is IRREVERSIBLE")


async def test_a_gate_stays_shut_while_nobody_knows_what_the_target_is(tmp_path: Path) -> None:
    """It says why and what helps; the right words do not open it; going back does nothing."""
    with a_house(tmp_path, book(command("work/swap", "true", destructive=True))) as house:
        house.world.tell(Script(checks={"before": ScriptedCheck(), "after": ScriptedCheck()}, host=""))
        async with shown(house) as screens:
            await screens.until_shown("BRIEFING", "It cannot be identified now: the database does not say")
            await screens.press("f3")
            await screens.enter_when("give BACKUP_SET")
            await screens.until_shown("BACKUP_SET> /backups/newest")
            await screens.press("enter")
            await screens.enter_when("state that you have seen it")
            await screens.enter_when("go to step 2")
            await screens.enter_when("open the gate of work/swap")
            await screens.until_shown("The target cannot be identified: the database does not say who it is")
            await screens.until_shown("hint: look at the server")
            await screens.write(PHRASE)
            await screens.press("enter")
            await screens.until_shown("REFUSED")
            screens.now_on(GateScreen)
            await screens.press("f3")
            screens.now_on(StepScreen)
        assert not house.of_kind(e.CommandIntended)


async def test_a_gate_of_another_command_than_it_shows_is_left(tmp_path: Path) -> None:
    """While it was read somebody accepted an edited runbook: it would run something else than it says."""
    with a_house(tmp_path, book(command("work/swap", "true", destructive=True))) as house:
        async with shown(house) as screens:
            await at_the_gate(screens)
            edited = text_of(book(command("work/swap", "echo another", destructive=True)))
            accepted(house.sit("bert"), r.AcceptRunbook(text=edited, reason="mended"))
            await screens.until(lambda: isinstance(screens.app.screen, StepScreen), "left")
            await screens.until_shown("The runbook was edited meanwhile: read work/swap anew")
            await screens.enter_when("open the gate of work/swap")
            await screens.until_shown("GATE: work/swap is IRREVERSIBLE", "echo another")
        assert not house.of_kind(e.CommandIntended)


async def test_a_gate_is_left_when_somebody_else_has_passed_it(tmp_path: Path) -> None:
    """What it tells is true no more, and nobody types words for what has been done."""
    with a_house(tmp_path, book(command("work/swap", "true", destructive=True))) as house:
        async with shown(house) as screens:
            await at_the_gate(screens)
            bert = house.sit("bert")
            accepted(bert, r.StartCommand(item="work/swap", confirmation=PHRASE))
            await screens.until(lambda: isinstance(screens.app.screen, StepScreen), "left")
            await screens.until_shown("+ passed   command swap")
        assert len(house.of_kind(e.CommandIntended)) == 1


async def test_a_gate_shows_nothing_of_the_target_raw(tmp_path: Path) -> None:
    """Host and database are what a server says they are."""
    with a_house(tmp_path, book(command("work/swap", "true", destructive=True))) as house:
        checks = {"before": ScriptedCheck(), "after": ScriptedCheck()}
        house.world.tell(Script(checks=checks, host="h\x1b]0;t\x07\u202e"))
        async with shown(house) as screens:
            await at_the_gate(screens)
            await screens.until_shown("It acts on host h\\x1b]0;t\\x07\\u202e, database")


async def test_an_irreversible_command_that_failed_is_started_again_by_its_gate_alone(tmp_path: Path) -> None:
    """Neither `a` nor the palette passes it."""
    with a_house(tmp_path, book(command("work/swap", "exit 3", destructive=True))) as house:
        async with shown(house) as screens:
            await at_the_gate(screens)
            await screens.write(PHRASE)
            await screens.press("enter")
            await screens.until_shown("x failed   command swap", "Enter: see why work/swap failed")
            await screens.press("a")
            await screens.until_shown("GATE: work/swap is IRREVERSIBLE")
            await screens.press("enter")
            await screens.until_shown("Enter does not pass this gate")
            await screens.press("f3", "colon")
            await screens.write("start work/swap")
            await screens.press("enter")
            await screens.until_shown("GATE: work/swap is IRREVERSIBLE")
        assert len(house.of_kind(e.CommandIntended)) == 1


async def at_the_unknown(screens: Screens, house: House) -> None:
    """Go to the screen of the lost outcome, once its probe has answered."""
    await screens.until(lambda: bool(house.of_kind(e.OutcomeProbed)))
    await screens.until(lambda: "WHILE YOU" in screens.text() or "Enter: decide" in screens.text())
    if "WHILE YOU" in screens.text():
        await screens.press("enter")
    await screens.enter_when("decide what became of work/swap")
    await screens.until_shown("UNKNOWN OUTCOME of work/swap", "The probe says: ")


@pytest.mark.parametrize(
    ("probe", "said", "safe"),
    [
        ("echo none; exit 1", "The probe says: not done: none", "Safe: count it as not done (x)"),
        ("echo half; exit 10", "The probe says: partial: half", "Look at output and target by hand"),
        ("echo odd; exit 5", "The probe says: unknown: ", "Decide nothing from memory"),
    ],
)
async def test_what_is_safe_follows_from_what_the_probe_saw(
    tmp_path: Path, probe: str, said: str, safe: str
) -> None:
    """A person decides; that it was not done lets it be started again, and runs nothing."""
    with a_house(tmp_path, book(command("work/swap", "sleep 600", probe=probe))) as house:
        lose(house, "work/swap")
        async with shown(house) as screens:
            await at_the_unknown(screens, house)
            text = screens.text()
            assert said in text
            assert safe in text
            await screens.press("x")
            await screens.until_shown("Decide: work/swap was not done", "can be started again")
            agrees = "not done" in said
            assert ("your word against what was seen" in screens.text()) is not agrees
            await screens.write("looked")
            await screens.press("enter")
            await screens.until_shown("Enter: start work/swap")
        assert len(house.of_kind(e.CommandIntended)) == 1


async def test_to_say_done_against_the_probe_is_a_deviation(tmp_path: Path) -> None:
    """It is said before it is done, and going back decides nothing."""
    with a_house(tmp_path, book(command("work/swap", "sleep 600", probe="exit 1"))) as house:
        lose(house, "work/swap")
        async with shown(house) as screens:
            await at_the_unknown(screens, house)
            await screens.press("d")
            await screens.until_shown("Decide: work/swap was done", "ends the run with exceptions")
            await screens.press("f3")
            screens.now_on(UnknownScreen)
            await screens.press("f3")
            screens.now_on(StepScreen)
        assert not house.of_kind(e.OutcomeSettled)
