"""Deviations, notes, unknown outcomes, the palette, the steps, the record: each by keys at 80x24."""

import os
import signal
import time
from pathlib import Path

import pytest
from textual.events import Key

from aihummer_drtui.engine.attempt_seen import Running
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.testing import Script, ScriptedCheck
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.screens.choosing import ChoosingScreen
from aihummer_drtui.tui.screens.completion import CompletionScreen
from aihummer_drtui.tui.screens.step import StepScreen
from aihummer_drtui.tui.screens.unknown import UnknownScreen
from aihummer_drtui.tui.view import Connection
from tests.engine.engine_house import WITHIN, House, a_house, accepted, book, command, fifo, gone, until
from tests.run.story import a_confirm, a_runbook, a_step
from tests.tui.screens import Screens, past_briefing, shown
from tests.tui.test_step import through_brief


async def test_a_skip_needs_a_reason_and_says_what_follows(tmp_path: Path) -> None:
    """Going back does nothing; the reason goes into the record as it was typed."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("x")
            await screens.until_shown("Skip work/do", "WITH EXCEPTIONS", "Enter: skip it")
            await screens.press("enter")
            assert "Type the reason first" in screens.text()
            await screens.press("f3")
            assert not house.of_kind(e.ItemSkipped)
            await screens.press("x")
            await screens.write("not needed [b]")
            await screens.press("enter")
            await screens.until_shown("- skipped  command do", "Enter: finish the run")
        assert house.of_kind(e.ItemSkipped) == [e.ItemSkipped(item="work/do", reason="not needed [b]")]


async def test_a_red_check_can_be_overridden_only_when_it_was_seen(tmp_path: Path) -> None:
    """And says that commands start as if it had passed."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        house.world.tell(
            Script(checks={"before": ScriptedCheck(verdict=Verdict.FAILED), "after": ScriptedCheck()})
        )
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("x failed   check   before", "v=override")
            await screens.press("v")
            await screens.until_shown("Override work/before, which is failed", "as if it had passed")
            await screens.write("known")
            await screens.press("enter")
            await screens.until_shown("x overrode check   before", "Enter: start work/do")


async def test_a_note_is_kept(tmp_path: Path) -> None:
    """At any time."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.press("n")
            await screens.write("the proxy was down too")
            await screens.press("enter")
            await screens.until(lambda: bool(house.of_kind(e.NoteWritten)))
            assert isinstance(screens.app.screen, StepScreen)
            await screens.press("e")
            await screens.until_shown("TIMELINE", "1. brief")
            await screens.press("pagedown")
            await screens.until_shown("note: the proxy was down too (anna)")


async def test_an_unknown_outcome_is_decided_by_a_person(tmp_path: Path) -> None:
    """What was started, what the probe sees, what is safe; then a reason."""
    way = fifo(tmp_path, "way")
    swap = command("work/swap", f"cat {way}", probe="echo saw it; exit 0")
    with a_house(tmp_path, book(swap)) as house:
        lose(house, "work/swap")
        async with shown(house) as screens:
            # The engine finds it lost right before, or right after, this sitting opens.
            await screens.until(lambda: bool(house.of_kind(e.OutcomeProbed)))
            await screens.until(lambda: "WHILE YOU" in screens.text() or "Enter: decide" in screens.text())
            if "WHILE YOU WERE AWAY" in screens.text():
                await screens.press("enter")
            await screens.enter_when("decide what became of work/swap")
            text = await screens.until_shown("UNKNOWN OUTCOME of work/swap", "The probe says: done: saw it")
            assert "killed" in text
            assert "Safe: count it as done" in text
            await screens.press("enter")
            await screens.until(lambda: len(house.of_kind(e.OutcomeProbed)) > 1)
            await screens.until(lambda: isinstance(screens.app.screen, UnknownScreen))
            await screens.press("d")
            await screens.until_shown("Decide: work/swap was done", "It counts as passed")
            await screens.write("saw it too")
            await screens.press("enter")
            await screens.until_shown("+ passed   command swap")
        settled = house.of_kind(e.OutcomeSettled)
        assert [(one.done, one.reason) for one in settled if isinstance(one, e.OutcomeSettled)] == [
            (True, "saw it too")
        ]


def lose(house: House, item: str) -> None:
    """Start the command; kill the engine, the supervisor and the command itself."""
    session = house.sit()
    accepted(session, r.ShowStep(step="brief"))
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="/b"))
    accepted(session, r.Confirm(item="brief/confirm-1", statement="yes"))
    accepted(session, r.ShowStep(step="work"))
    until(session, lambda state: state.status("work/before") is Status.PASSED)
    accepted(session, r.StartCommand(item=item))
    seen = house.attempt(item).look()
    assert isinstance(seen, Running)
    house.end_engine(signal.SIGKILL)
    os.kill(seen.supervisor.pid, signal.SIGKILL)
    gone(seen.supervisor)
    os.killpg(seen.child.pid, signal.SIGKILL)
    gone(seen.child)
    house.leave(session)


async def test_every_legal_action_is_in_the_palette(tmp_path: Path) -> None:
    """It is narrowed by typing, and Enter does what is selected."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("colon")
            text = await screens.until_shown("Every action that is legal now")
            for words in (
                "look at work/before again",
                "start work/do",
                "skip work/do",
                "go to step 1: brief",
            ):
                assert words in text
            assert "stop work/do" not in text
            await screens.write("start do")
            await screens.until(lambda: "skip" not in screens.text())
            await screens.press("enter")
            await screens.until_shown("+ passed   command do")
            await screens.press("colon")
            await screens.write("note")
            await screens.press("enter")
            await screens.until_shown("Put a note on record")


async def at_once(screens: Screens, *keys: str) -> None:
    """Press keys that all come in one read, as when one of them is held on a slow line."""
    for key in keys:
        screens.app.post_message(Key(key, None))
    await screens.pilot.pause()


@pytest.mark.parametrize("key", ["s", "colon", "n"])
async def test_a_second_enter_of_the_same_read_closes_nothing(tmp_path: Path, key: str) -> None:
    """What the first one chose is done once, and the screens stay."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.until_shown("Enter: give BACKUP_SET")
            await screens.press(key)
            await screens.write("x" if key == "n" else "2" if key == "s" else "note")
            await at_once(screens, "enter", "enter", "enter")
            wanted = {"s": "Step 2 of 2", "colon": "Put a note on record", "n": "Step 1 of 2"}
            await screens.until_shown(wanted[key])


async def test_enter_that_is_held_probes_once(tmp_path: Path) -> None:
    """While a probe is asked for, the next Enter waits for its answer."""
    with a_house(tmp_path, book(command("work/do", "sleep 600", probe="exit 5"))) as house:
        lose(house, "work/do")
        async with shown(house) as screens:
            await screens.until(lambda: bool(house.of_kind(e.OutcomeProbed)), "probed by itself")
            await screens.until(lambda: "WHILE YOU" in screens.text() or "Enter: decide" in screens.text())
            if "WHILE YOU" in screens.text():
                await screens.press("enter")
            await screens.enter_when("decide what became of work/do")
            await screens.until_shown("UNKNOWN OUTCOME of work/do")
            before = len(house.of_kind(e.OutcomeProbed))
            await at_once(screens, *["enter"] * 5)
            await screens.until(lambda: len(house.of_kind(e.OutcomeProbed)) > before, "probed again")
            app = screens.app
            assert isinstance(app, RunApp)
            await screens.until(lambda: app.asked is None, "answered")
            assert "Probing" not in screens.text()
            await screens.press("n")
            await screens.write("after it")
            await screens.press("enter")
            await screens.until(lambda: bool(house.of_kind(e.NoteWritten)), "nothing else was asked before")
        assert len(house.of_kind(e.OutcomeProbed)) == before + 1


async def test_steps_are_gone_to_by_number_and_from_the_list(tmp_path: Path) -> None:
    """One whose needs are not met says so, and can be read all the same."""
    two = a_runbook(
        a_step("one", a_confirm("one/confirm-1")), a_step("two", a_confirm("two/confirm-1"), needs=("one",))
    )
    with a_house(tmp_path, two) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.until_shown("Step 1 of 2")
            await screens.press("2")
            await screens.until_shown("Step 2 of 2", "step `two` needs what is not done yet")
            await screens.press("s")
            await screens.until(lambda: isinstance(screens.app.screen, ChoosingScreen))
            await screens.until_shown("1 . one (open)", "2 - two (waits for its needs)")
            await screens.press("up", "enter")
            await screens.until_shown("Step 1 of 2")
            await screens.press("9")
            assert isinstance(screens.app.screen, StepScreen)


async def test_the_step_text_and_the_help_can_be_read(tmp_path: Path) -> None:
    """`w` folds the text away again; help explains each key once."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Step 2 of 2")
            await screens.press("w")
            await screens.until_shown("THE STEP'S TEXT")
            await screens.press("z")
            assert "check   before" not in screens.text()
            await screens.press("z", "w")
            await screens.until_shown("-- COMMAND work/do")
            await screens.press("f1")
            text = await screens.until_shown("HELP", "do what the line above the footer says")
            assert text.count("explain the keys") == 1
            await screens.press("f3")
            await screens.until_shown("Enter: start work/do")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("s",), ("Up, Down   choose the row", "PgUp, PgDn go ten rows")),
        (("n",), ("PgUp, PgDn scroll what is to be read",)),
        (("g",), ("Up, Down   choose the row", "PgUp, PgDn scroll what is to be read")),
    ],
)
async def test_help_names_every_key_of_a_screen(
    tmp_path: Path, keys: tuple[str, ...], told: tuple[str, ...]
) -> None:
    """Also where letters are typed: what scrolls and what chooses."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.until_shown("Enter: give BACKUP_SET")
            await screens.press(*keys, "f1")
            await screens.until_shown("HELP: the keys", *told)


async def test_a_key_that_does_nothing_about_an_item_says_so(tmp_path: Path) -> None:
    """Nobody takes the screens for dead."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await past_briefing(screens)
            await screens.until_shown("Enter: give BACKUP_SET")
            await screens.press("down", "g")
            await screens.until_shown("'g' (give value) does nothing about brief/confirm-1 as it stands.")


async def test_again_is_offered_for_what_has_run(tmp_path: Path) -> None:
    """Of a command that never ran the footer does not say so: Enter is what starts it."""
    with a_house(tmp_path, book(command("work/do", "exit 3"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            assert "a=again" not in screens.text()
            await screens.press("enter")
            await screens.until_shown("x failed   command do", "a=again")


async def test_who_comes_back_hears_what_happened(tmp_path: Path) -> None:
    """While nobody was attached the command ended; the place is where it was left."""
    way = fifo(tmp_path, "way")
    with a_house(tmp_path, book(command("work/do", f"cat {way}"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.enter_when("start work/do")
            await screens.until_shown("> running  command do")
            await screens.press("q")
        seen = house.attempt("work/do").look()
        assert isinstance(seen, Running)
        recorded(house, e.SittingClosed)
        way.write_text("")
        gone(seen.supervisor)
        recorded(house, e.CommandEnded)
        async with shown(house) as screens:
            await screens.until_shown("WHILE YOU WERE AWAY", "+ passed: work/do: exit code 0")
            await screens.press("enter")
            await screens.until_shown("+ passed   command do")


def recorded(house: House, kind: type[e.Event]) -> None:
    """Wait until the journal holds such an event."""
    deadline = time.monotonic() + WITHIN
    while not house.of_kind(kind):
        assert time.monotonic() < deadline, f"no {kind} recorded"


async def test_an_engine_that_is_gone_is_told_and_had_again(tmp_path: Path) -> None:
    """The banner says so without colour; `r` tries again."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        dead = False

        def connect(away: Away) -> Session:
            if dead:
                raise PreconditionError("no engine can begin", hint="mend it")
            return house.sit(on_record=away.hear)

        async with shown(house, connect=connect) as screens:
            await through_brief(screens)
            dead = True
            house.end_engine(signal.SIGKILL)
            await screens.until_shown("NO ENGINE", "no engine can begin", "r=reconnect")
            dead = False
            await screens.press("r")
            await screens.until_shown("engine ok")
            assert screens.app.view is not None
            assert screens.app.view.connection is Connection.LIVE


async def test_a_run_that_has_ended_is_shown_as_it_ended(tmp_path: Path) -> None:
    """Nothing is to be looked at again; giving it up needs a reason."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            await screens.until_shown("Enter: start work/do")
            await screens.press("f8")
            await screens.write("the old host is back")
            await screens.press("enter")
            await screens.until(lambda: isinstance(screens.app.screen, CompletionScreen))
            await screens.until_shown("ABANDONED: the old host is back", "The record lies in", "ended")
        async with shown(house) as screens:
            await screens.until(lambda: isinstance(screens.app.screen, CompletionScreen))
            await screens.press("f3")
            await screens.until_shown("+ passed   check   before")
