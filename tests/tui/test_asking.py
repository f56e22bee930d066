"""While the engine is asked the screens live: what is waited for is said, and what only looks is answered."""

import os
import signal
import threading
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Abandoned, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import LevelProof, RecoveryLevel
from aihummer_drtui.testing import Script, ScriptedCheck
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.asking import Asked, request_words
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.screens.help import HelpScreen
from aihummer_drtui.tui.screens.step import StepScreen
from aihummer_drtui.tui.screens.too_small import TooSmallScreen
from tests.engine.engine_house import PHRASE, a_house, accepted, book, command
from tests.run.story import a_confirm, a_runbook, a_step
from tests.tui.screens import past_briefing, shown
from tests.tui.test_step import through_brief


async def test_a_silent_engine_does_not_make_the_screens_look_dead(tmp_path: Path) -> None:
    """The line counts the seconds, the text can be read, and nothing is asked a second time."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            engine = house.engine().pid
            os.kill(engine, signal.SIGSTOP)
            await screens.press("enter")
            await screens.until_shown("Asking the engine to start work/do;", "(1 s). All that only looks")
            await screens.press("w")
            await screens.until_shown("THE STEP'S TEXT", "(2 s). All that only looks")
            await screens.press("w", "enter", "enter", "a")
            os.kill(engine, signal.SIGCONT)
            await screens.until_shown("+ passed   command do")
            assert "Asking" not in screens.text()
        assert len(house.of_kind(e.CommandIntended)) == 1


SAMPLES = {
    "step": "work",
    "item": "work/do",
    "value": "v",
    "statement": "yes",
    "reason": "why",
    "text": "t",
    "done": True,
    "operator": "anna",
    "host": "here",
    "front_end": "test",
    "answer": "passed",
    "outcome": "done",
    "result": "not done",
}


@pytest.mark.parametrize("kind", get_args(r.Request))
def test_every_request_has_its_words(kind: type[msgspec.Struct]) -> None:
    """With the item it is about, where it is about one."""
    fields = {field.name for field in msgspec.structs.fields(kind)}
    given = {name: value for name, value in SAMPLES.items() if name in fields}
    request = msgspec.convert({"request": kind.__struct_config__.tag, **given}, r.Request)
    words = request_words(request)
    assert ("item" not in fields) or "work/do" in words
    asked = Asked(request=request, since=10.0)
    assert asked.words(15.4, "r1") == f"Asking the engine to {words} (5 s). All that only looks goes on."
    assert asked.words(75.4, "r1") == (
        f"Asking the engine to {words} (1 min 05 s). If the engine stands still: `aihummer-drtui take r1`, "
        "in another terminal."
    )


async def test_an_answer_that_came_while_there_was_no_room_is_told_with_the_room(tmp_path: Path) -> None:
    """The gate that asked goes when its command was started, and is not left waiting for ever."""
    with a_house(tmp_path, book(command("work/swap", "true", destructive=True))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.enter_when("open the gate of work/swap")
            await screens.until_shown("HOST/DATABASE>", "3 tenants")
            await screens.write(PHRASE)
            engine = house.engine().pid
            os.kill(engine, signal.SIGSTOP)
            await screens.press("enter")
            await screens.pilot.resize_terminal(40, 10)
            await screens.until(lambda: "Too small" in screens.text(), "no room")
            os.kill(engine, signal.SIGCONT)
            await screens.until(lambda: bool(house.of_kind(e.CommandEnded)), "started")
            app = screens.app
            assert isinstance(app, RunApp)
            await screens.until(lambda: app.asked is None, "answered")
            assert "Too small" in screens.text()
            await screens.pilot.resize_terminal(80, 24)
            await screens.until_shown("+ passed   command swap", "Step 2 of 2")


async def test_what_was_not_answered_is_not_told_as_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been taken: the operator is sent to look before asking again, and sees that it was."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            engine = house.engine().pid
            monkeypatch.setattr("aihummer_drtui.engine.client.REPLY_WITHIN", 0.5)
            os.kill(engine, signal.SIGSTOP)
            await screens.press("enter")
            text = await screens.until_shown("NOT KNOWN whether it was taken: the engine did not answer")
            assert "REFUSED" not in text
            monkeypatch.undo()
            os.kill(engine, signal.SIGCONT)
            await screens.until_shown("+ passed   command do")
        assert len(house.of_kind(e.CommandIntended)) == 1


async def test_nothing_is_asked_while_there_is_no_engine(tmp_path: Path) -> None:
    """A note is refused at once, is not written when there is an engine again, and keys work then."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        dead = False

        def connect(away: Away) -> Session:
            if dead:
                raise PreconditionError("no engine can begin", hint="mend it")
            return house.sit(on_record=away.hear)

        async with shown(house, connect=connect) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            dead = True
            house.end_engine(signal.SIGKILL)
            await screens.until_shown("NO ENGINE: no engine can begin. 'r' tries again.")
            await screens.press("n")
            await screens.write("too late")
            await screens.press("enter")
            await screens.until_shown("REFUSED: there is no engine, so nobody was asked. 'r' tries again")
            dead = False
            await screens.press("r")
            await screens.until_shown("engine ok")
            await screens.press("n")
            await screens.write("in time")
            await screens.press("enter")
            await screens.until(lambda: bool(house.of_kind(e.NoteWritten)), "taken")
        assert house.of_kind(e.NoteWritten) == [e.NoteWritten(text="in time")]


async def test_whoever_reads_something_else_meanwhile_comes_back_to_what_is_so(tmp_path: Path) -> None:
    """Nothing is said to be asked that was answered; what happened is told once the step is shown again."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            engine = house.engine().pid
            os.kill(engine, signal.SIGSTOP)
            await screens.press("enter")
            await screens.until_shown("Asking the engine to start work/do;")
            await screens.press("b")
            await screens.until_shown("BRIEFING")
            os.kill(engine, signal.SIGCONT)
            app = screens.app
            await screens.until(
                lambda: app.view is not None and app.view.state.status("work/do") is Status.PASSED, "done"
            )
            await screens.press("enter")
            text = await screens.until_shown("+ passed   command do", "'o' shows what it wrote")
            assert "Asking" not in text


async def test_a_refusal_is_told_where_one_is_and_where_it_was_asked(tmp_path: Path) -> None:
    """Whoever reads the briefing when it comes need not go back to hear of it, and finds it there as well."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            app = screens.app
            assert isinstance(app, RunApp)
            engine = house.engine().pid
            os.kill(engine, signal.SIGSTOP)
            app.ask(r.ShowStep(step="nowhere"))
            await screens.press("b")
            await screens.until_shown("BRIEFING")
            os.kill(engine, signal.SIGCONT)
            await screens.until_shown("BRIEFING", "REFUSED: no step `nowhere`")
            await screens.press("enter")
            await screens.until_shown("Enter: start work/do", "REFUSED: no step `nowhere`")


async def test_a_level_that_was_reached_stays_told(tmp_path: Path) -> None:
    """The answer to the request that reached it does not wipe it away."""
    levels = (LevelProof(level=RecoveryLevel.SERVING, items=("work/confirm-1",)),)
    steps = a_step("work", a_confirm("work/confirm-1"), a_confirm("work/confirm-2"))
    with a_house(tmp_path, a_runbook(steps, levels=levels)) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.enter_when("state that you have seen it")
            app = screens.app
            assert isinstance(app, RunApp)
            await screens.until(lambda: bool(house.of_kind(e.LevelReached)) and app.asked is None, "reached")
            await screens.until_shown("recovery level: serving")


async def test_a_screen_that_is_not_composed_yet_can_be_told_something(tmp_path: Path) -> None:
    """It is on top at once and drawn a moment later; what comes in between ends nothing."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            screens.app.push_screen(HelpScreen(()))
            screens.now_on(HelpScreen).refused("this came too soon", "wait")
            await screens.until_shown("HELP: the keys")


async def test_nothing_stands_above_what_says_that_there_is_no_room(tmp_path: Path) -> None:
    """The briefing and the end of the run wait until they can be read."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        may_connect = threading.Event()

        def connect(away: Away) -> Session:
            may_connect.wait()
            return house.sit(on_record=away.hear)

        async with shown(house, connect=connect) as screens:
            await screens.pilot.resize_terminal(40, 10)
            await screens.until(lambda: "Too small" in screens.text(), "no room")
            may_connect.set()
            await screens.until(lambda: screens.app.view is not None, "connected")
            screens.now_on(TooSmallScreen)
            await screens.pilot.resize_terminal(80, 24)
            await past_briefing(screens)
            await screens.pilot.resize_terminal(40, 10)
            accepted(house.sit("bert"), r.Abandon(reason="the old host is back"))
            app = screens.app
            await screens.until(
                lambda: app.view is not None and isinstance(app.view.state.ending, Abandoned), "seen"
            )
            step = app.screen_stack[0]
            assert isinstance(step, StepScreen)
            # What its timer does, now and then.
            step.draw([])
            screens.now_on(TooSmallScreen)
            await screens.pilot.resize_terminal(80, 24)
            await screens.until_shown("ABANDONED: the old host is back")


async def test_what_was_told_is_withdrawn_when_it_is_true_no_more(tmp_path: Path) -> None:
    """A check that was red beside the one that is read; a refusal, once something else was done."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        house.world.tell(red_before())
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.press("down")
            house.world.tell(red_before(observed="still bad"))
            accepted(house.sit("bert"), r.LookAgain(item="work/before"))
            await screens.until_shown("still bad")
            house.world.tell(Script(checks={"before": ScriptedCheck(), "after": ScriptedCheck()}))
            accepted(house.sessions[-1], r.LookAgain(item="work/before"))
            await screens.until(lambda: "still bad" not in screens.text(), "withdrawn")
            screens.now_on(StepScreen).refused("no", "later")
            assert "REFUSED: no. later" in screens.text()
            assert isinstance(screens.app, RunApp)
            screens.app.ask(r.WriteNote(text="x"))
            await screens.until(lambda: "REFUSED" not in screens.text(), "withdrawn")


def red_before(observed: str = "bad") -> Script:
    """A world in which the check before the command is red."""
    red = ScriptedCheck(verdict=Verdict.FAILED, observed=observed)
    return Script(checks={"before": red, "after": ScriptedCheck()})
