"""One complete drill by keys alone at 80x24: from home to PROVEN, on the real sandbox."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import read_marker
from aihummer_drtui.sandbox.status import cluster_of
from tests.cli.at_screens import AGAIN, READ, ScreenTerminal, on_screens
from tests.cli.calling import PROGRAM
from tests.cli.desk import Desk
from tests.cli.test_drill import PHRASE, is_proven

pytestmark = pytest.mark.postgres

DOWN = "\x1b[B"
LONG = 120.0
"""Seconds for what takes one or two on a quiet machine."""
WAITING = ("Enter: nothing", "Enter: watch")
UNWELL = ("Enter: see why", "Enter: look at", "Enter: decide")


@contextmanager
def home(desk: Desk) -> Iterator[ScreenTerminal]:
    """The program without arguments, as an operator types it."""
    words = [str(PROGRAM), "--state-dir", str(desk.state)]
    environment = {**desk.environment(), "TERM": "xterm-256color", "TZ": "UTC", "NO_COLOR": "1"}
    with on_screens(words, environment, within=LONG) as terminal:
        terminal.until_shown("AiHummer disaster recovery", "Enter: ")
        yield terminal


def next_thing(terminal: ScreenTerminal) -> tuple[str, str]:
    """What Enter does, and the item that is marked as next: what an operator looks at."""
    rows = terminal.text.split("\n")
    offered = next((row for row in reversed(rows) if row.startswith(" Enter: ")), "")
    return offered.strip(), next((row for row in rows if row.startswith("=> ")), "")


def steady(terminal: ScreenTerminal) -> str:
    """What Enter does, once it has stood there long enough to be read, and to be heard."""
    seen, since = next_thing(terminal), time.monotonic()
    while (left := since + READ - time.monotonic()) > 0:
        terminal.watch(left)
        if next_thing(terminal) != seen:
            seen, since = next_thing(terminal), time.monotonic()
    return seen[0]


def enter(terminal: ScreenTerminal) -> None:
    """Press Enter, and wait until another thing is next."""
    before, deadline = next_thing(terminal), time.monotonic() + LONG
    while next_thing(terminal) == before:
        assert time.monotonic() < deadline, terminal.text
        terminal.press("\r")
        again = time.monotonic() + AGAIN
        while next_thing(terminal) == before and (left := again - time.monotonic()) > 0:
            terminal.watch(left)


def give_value(terminal: ScreenTerminal, variable: str) -> None:
    """Choose what is offered first; the sets are gone through by their arrows."""
    terminal.until_shown("Enter: give this value")
    terminal.until(lambda shown: entered(shown, variable) != "", "a value stands in the line")
    if variable == "BACKUP_SET":
        terminal.until_shown("PARTS: ", "key ", "skew: ")
        terminal.press(DOWN)
    terminal.press_while("Enter: give this value", "\r")
    terminal.until_shown(f"{variable} = ")


def entered(shown: str, variable: str) -> str:
    """What stands in the line of that prompt."""
    prompt = f"{variable}> "
    return next((row.removeprefix(prompt) for row in shown.split("\n") if row.startswith(prompt)), "")


def go_on(terminal: ScreenTerminal, until: str) -> None:
    """Do what Enter offers, as an operator who reads each line, until that is offered; all is well."""
    while until not in (offered := offer(terminal)):
        assert not offered.startswith(UNWELL), terminal.text
        enter(terminal)
        if offered.startswith("Enter: give "):
            give_value(terminal, offered.removeprefix("Enter: give "))


def offer(terminal: ScreenTerminal) -> str:
    """Wait until Enter does something else than wait, and give what."""
    while (offered := steady(terminal)).startswith(WAITING) or not offered:
        terminal.until(lambda _: next_thing(terminal)[0] != offered, f"`{offered}` comes to an end")
    return offered


def pass_gate(terminal: ScreenTerminal, command: str) -> str:
    """Read the gate, see that Enter does not pass it, type host and database; gives what it said."""
    enter(terminal)
    said = terminal.until_shown(f"GATE: {command} is IRREVERSIBLE", "It acts on", "It destroys", "Undo:")
    terminal.press("\r")
    terminal.until_shown("Enter does not pass this gate")
    terminal.pass_gate(PHRASE)
    terminal.until(lambda shown: "never by Enter alone" not in shown, f"{command} is started")
    return said


@contextmanager
def database_held(desk: Desk) -> Iterator[None]:
    """While this lasts no database can be created: whoever restores one waits (LOCK, "SHARE")."""
    layout = Layout(root=desk.state / "sandbox")
    cluster = cluster_of(layout, read_marker(layout))
    assert cluster is not None
    with cluster.connected() as superuser, superuser.transaction():
        superuser.execute("LOCK TABLE pg_database IN SHARE MODE")
        yield


def recorded(desk: Desk, terminal: ScreenTerminal, kind: type[e.Event], item: str = "") -> None:
    """Wait until the journal holds such an event."""
    deadline = time.monotonic() + LONG
    while not any(item in ("", getattr(one, "item", "")) for one in desk.of_kind(kind)):
        assert time.monotonic() < deadline, f"no {kind} of {item} recorded"
        terminal.watch(0.05)


def test_u01_a_whole_drill_by_keys_alone_survives_the_death_of_its_screens(office: Desk) -> None:
    """From home to PROVEN at 80x24 without colour, gates typed by hand, killed in the middle of a restore.

    Whoever comes back by home's first line hears what happened meanwhile, and nothing was run twice.
    """
    with home(office) as terminal:
        terminal.press(DOWN)
        terminal.until_shown("Enter: Drill")
        terminal.press_while("=> Drill", "\r")
        terminal.until_shown("BRIEFING", "DRILL: commands act on a sandbox only", "Enter=go on")
        terminal.press_while("BRIEFING", "\r")
        go_on(terminal, "open the gate of database/restore-database")
        with database_held(office):
            said = pass_gate(terminal, "database/restore-database")
            assert f"host {PHRASE.partition('/')[0]}, database aihummer" in said
            terminal.until_shown("> running  command restore-database")
            terminal.process.kill()
            terminal.process.wait()
            recorded(office, terminal, e.SittingClosed)
        recorded(office, terminal, e.CommandEnded, "database/restore-database")
    with home(office) as terminal:
        run = office.folder().id
        terminal.until_shown(f"=> Resume {run}: DRILL of training stand-in", f"Enter: Resume {run}")
        terminal.press_while("=> Resume", "\r")
        terminal.until_shown("WHILE YOU WERE AWAY", "+ passed: database/restore-database: exit code 0")
        terminal.press_while("WHILE YOU WERE AWAY", "\r")
        go_on(terminal, "open the gate of blobs/restore-blobs")
        pass_gate(terminal, "blobs/restore-blobs")
        go_on(terminal, "finish the run")
        terminal.enter_when("finish the run")
        terminal.until_shown(
            "THE END OF THE RUN", "*** COMPLETED. Recovery level: PROVEN ***", "Deviations: none"
        )
        terminal.press_while("THE END OF THE RUN", "\r")
        terminal.until_shown("AiHummer disaster recovery", f"Run {run} has ended", "=> Runs so far")
        terminal.press("q")
        assert terminal.end() == ExitCode.OK
        assert terminal.settings() == terminal.before
        assert b"Recovery level: PROVEN" in terminal.wrote
    assert is_proven(office)
    assert [one.attempt for one in office.of_kind(e.CommandIntended) if one.item.startswith("database/")] == [
        1
    ]
    ended = [one.code for one in office.of_kind(e.CommandEnded)]
    assert ended == [0] * len(ended)
