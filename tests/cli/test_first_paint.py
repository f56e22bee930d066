"""What a first paint costs, in what can be counted: bytes, and modules that are loaded."""

import subprocess
import sys

import pytest

from aihummer_drtui.errors import ExitCode
from tests.cli.at_screens import ScreenTerminal, on_screens
from tests.cli.desk import Desk
from tests.cli.test_screens import environment, walk_to_work

WIRE = 12_000
"""Bytes that a first paint may cost at 80x24 (docs/screens.md)."""


def until_quiet(terminal: ScreenTerminal) -> int:
    """Take in what comes until only the clock writes, and give all bytes so far."""
    while terminal.watch(0.9) > 100:
        pass
    return len(terminal.wrote)


def test_a_first_paint_and_a_moved_selection_cost_few_bytes(desk: Desk) -> None:
    """All of it: nothing is painted twice."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
    with on_screens(desk.words("--target", desk.target), environment(desk)) as terminal:
        terminal.until_shown("=> Resume", "Enter: Resume")
        assert until_quiet(terminal) < WIRE / 3
    with on_screens(desk.words("resume"), environment(desk)) as terminal:
        terminal.until_shown("Step 2 of 3", "Enter: start work/prepare")
        assert b"Reading the journal" not in terminal.wrote, "the first paint shows the run"
        before = until_quiet(terminal)
        assert before < WIRE / 3
        terminal.press("\x1b[B")
        terminal.until_shown("COMMAND work/swap")
        assert until_quiet(terminal) - before < 1_000


HOME = "import aihummer_drtui.cli.home, aihummer_drtui.tui.home"
STEP = "import aihummer_drtui.cli.tui, aihummer_drtui.cli.runbook_kept, aihummer_drtui.tui.app"


@pytest.mark.parametrize(
    ("code", "unneeded"),
    [
        (HOME, "markdown_it aihummer_drtui.plain aihummer_drtui.engine.session psycopg httpx cryptography"),
        (
            STEP,
            "markdown_it aihummer_drtui.runbook.lint aihummer_drtui.plain.dialogue psycopg httpx",
        ),
    ],
)
def test_a_first_screen_loads_nothing_that_it_does_not_show(code: str, unneeded: str) -> None:
    """Each of them takes as long as a screen is drawn in."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not {*unneeded.split()} & {*told.stdout.split()}
