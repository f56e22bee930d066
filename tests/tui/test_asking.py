"""While the engine is asked the screens live: what is waited for is said, and what only looks is answered."""

import os
import signal
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.asking import Asked, request_words
from aihummer_drtui.tui.away import Away
from tests.engine.engine_house import PHRASE, a_house, book, command
from tests.tui.screens import shown
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
    assert Asked(request=request, since=10.0).words(75.4) == (
        f"Asking the engine to {words} (1 min 05 s). All that only looks goes on."
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
