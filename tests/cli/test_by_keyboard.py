"""Every flow by keyboard alone, at 80x24, without colour: the real program on a real terminal."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Abandoned, Finished
from tests.cli.at_screens import WITHIN, ScreenTerminal, give_the_set, on_screens
from tests.cli.desk import PHRASE, Desk, passing, red
from tests.engine.engine_house import kill_attempt

E = TypeVar("E", bound=e.Event)
F1, F3, F8 = "\x1bOP", "\x1bOR", "\x1b[19~"
GREY = {0, 7, 8, 15, 16, 231, *range(232, 256)}


def colours(written: bytes) -> set[str]:
    """The colours that were asked for, as ECMA-48 (8.3.117, SGR) and xterm have them; greys are none."""
    found = set()
    for sequence in re.findall(rb"\x1b\[([0-9;:]*)m", written):
        told = [int(part or 0) for part in re.split(rb"[;:]", sequence)]
        while told:
            first = told.pop(0)
            if first in {38, 48} and told[:1] == [2]:
                shade, told = told[1:4], told[4:]
                found |= {f"{shade}"} if len(set(shade)) > 1 else set()
            elif first in {38, 48} and told[:1] == [5]:
                shade, told = told[1:2], told[2:]
                found |= {f"{shade}"} if not set(shade) <= GREY else set()
            elif first in {*range(31, 37), *range(41, 47), *range(91, 97), *range(101, 107)}:
                found.add(f"{first}")
    return found


@contextmanager
def in_mono(desk: Desk, words: list[str]) -> Iterator[ScreenTerminal]:
    """The program at 80x24 without colour; nothing that it wrote asked for one."""
    environment = {**desk.environment(), "TERM": "xterm-256color", "NO_COLOR": "1"}
    with on_screens(words, environment) as terminal:
        yield terminal
        assert terminal.wrote
        assert colours(bytes(terminal.wrote)) == set()


def recorded(terminal: ScreenTerminal, desk: Desk, kind: type[E], true: Callable[[list[E]], bool]) -> list[E]:
    """Take in what comes until that is true of what the journal holds of that kind."""
    deadline = time.monotonic() + WITHIN
    while not true(found := desk.of_kind(kind)):
        assert time.monotonic() < deadline, terminal.text
        terminal.watch(0.1)
    return found


def begun(terminal: ScreenTerminal) -> None:
    """Go past the briefing, give the value, state what is asked."""
    give_the_set(terminal)
    terminal.enter_when("state that you have seen it")


def looked_into(terminal: ScreenTerminal, key: str, shown: str) -> None:
    """Open a screen and go back."""
    terminal.press(key)
    terminal.until_shown(shown)
    terminal.press(F3)
    terminal.until(lambda text: shown not in text, f"back from {shown}")


def left(terminal: ScreenTerminal) -> int:
    """Leave, and give the exit code."""
    while terminal.process.poll() is None:
        terminal.press("q")
        terminal.watch(0.5)
    return terminal.end()


def test_u01_a_healthy_recovery(desk: Desk) -> None:
    """From the briefing through the gate to the end."""
    with in_mono(desk, desk.run_words("--mode", "real")) as terminal:
        begun(terminal)
        terminal.enter_when("go to step 2")
        terminal.enter_when("start work/prepare")
        terminal.enter_when("open the gate of work/swap")
        terminal.until_shown("HOST/DATABASE>")
        terminal.pass_gate(PHRASE)
        terminal.enter_when("go to step 3")
        terminal.enter_when("state that you have seen it")
        terminal.enter_when("finish the run")
        terminal.until_shown("Recovery level: PROVEN")
        assert left(terminal) == ExitCode.OK
    assert isinstance(desk.now().ending, Finished)


def test_u01_a_recovery_with_trouble(desk: Desk) -> None:
    """An override, a command that fails twice, a skip, a note, everything there is to read; then given up."""
    desk.world.tell(passing(gateway_env=red()))
    desk.write_runbook(prepare="echo it broke; exit 1")
    with in_mono(desk, desk.run_words("--mode", "real")) as terminal:
        begun(terminal)
        terminal.until_shown("x failed", "v=override")
        terminal.press("v")
        terminal.until_shown("Override look/gateway-env")
        terminal.say("known")
        (overridden,) = recorded(terminal, desk, e.ItemOverridden, bool)
        assert overridden.reason == "known"
        terminal.enter_when("go to step 2")
        terminal.enter_when("start work/prepare")
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("a")
        recorded(terminal, desk, e.CommandEnded, lambda ended: len(ended) == 2)
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("o")
        terminal.until_shown("| it broke")
        terminal.press("x")
        terminal.until_shown("Skip work/prepare")
        terminal.say("not needed")
        recorded(terminal, desk, e.ItemSkipped, bool)
        terminal.press("n")
        terminal.until_shown("Put a note on record")
        terminal.say("so it is")
        assert recorded(terminal, desk, e.NoteWritten, bool) == [e.NoteWritten(text="so it is")]
        for key, shown in (("e", "TIMELINE"), (F1, "HELP"), (":", "Every action that is legal now")):
            terminal.until_shown("Step 2 of 3")
            looked_into(terminal, key, shown)
        terminal.until_shown("Step 2 of 3")
        terminal.press(F8)
        terminal.until_shown("Give this run up")
        terminal.say("the old host is back")
        recorded(terminal, desk, e.RunAbandoned, bool)
        assert left(terminal) == ExitCode.FAILED
    assert isinstance(desk.now().ending, Abandoned)


def test_u01_a_command_that_is_stopped_and_one_that_nobody_saw_end(desk: Desk) -> None:
    """Stopped by a key; after a crash, decided by a person with a reason."""
    way = desk.pipe("way")
    desk.write_runbook(prepare=f"cat {way}", probe="echo saw it; exit 0")
    with in_mono(desk, desk.run_words("--mode", "real")) as terminal:
        begun(terminal)
        terminal.enter_when("go to step 2")
        terminal.enter_when("start work/prepare")
        terminal.until_shown("> running")
        terminal.press("t")
        (stopped,) = recorded(terminal, desk, e.CommandEnded, bool)
        assert stopped.kind is e.EndKind.STOPPED
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("a")
        recorded(terminal, desk, e.CommandStarted, lambda started: len(started) == 2)
        left(terminal)
    desk.end_engine(signal.SIGKILL)
    kill_attempt(desk.folder().attempt("work/prepare", 2))
    with in_mono(desk, desk.words("resume")) as terminal:
        recorded(terminal, desk, e.OutcomeProbed, bool)
        terminal.until(lambda text: "AWAY" in text or "Enter: decide" in text, "what became of it")
        while "AWAY" in terminal.text:
            terminal.press("\r")
            terminal.watch(0.5)
        terminal.enter_when("decide what became of work/prepare")
        terminal.until_shown("UNKNOWN OUTCOME of work/prepare", "saw it")
        terminal.press("d")
        terminal.until_shown("Decide: work/prepare was done")
        terminal.say("I saw it too")
        (settled,) = recorded(terminal, desk, e.OutcomeSettled, bool)
        assert (settled.done, settled.reason) == (True, "I saw it too")
        terminal.until_shown("+ passed")
        assert left(terminal) == ExitCode.PRECONDITION


def test_u01_home(desk: Desk) -> None:
    """An unfinished run is looked at, come back to, and given up."""
    with in_mono(desk, desk.run_words("--mode", "real")) as terminal:
        begun(terminal)
        left(terminal)
    with in_mono(desk, desk.words("--target", desk.target)) as terminal:
        terminal.until_shown("=> Resume")
        terminal.press("v")
        terminal.until_shown("Enter: back --")
        terminal.press("\r")
        terminal.enter_when("Resume")
        terminal.until_shown("Step 1 of 3")
        terminal.press("q")
        terminal.until_shown("You left run")
        terminal.press("a")
        terminal.until_shown("reason")
        terminal.say("enough")
        recorded(terminal, desk, e.RunAbandoned, bool)
        terminal.until_shown("is abandoned")
        assert left(terminal) == ExitCode.OK
    assert isinstance(desk.now().ending, Abandoned)
