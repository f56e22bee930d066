"""`runs`, `status`, `abandon`: looking at runs without sitting down to them, and giving one up."""

import json
import signal

from aihummer_drtui.run.state import Abandoned, Living
from tests.cli.desk import PHRASE, Desk, passing, red
from tests.cli.test_sitting import lose_the_outcome

UNATTENDED = ("--yes", "--confirm", PHRASE)


def test_no_runs_yet(desk: Desk) -> None:
    """Said to the person; nothing for the program; `status` has nothing to show (exit 2)."""
    ended = desk.call(desk.words("runs"), code=0)
    assert (ended.stdout, "drill" in ended.stderr) == ("", True)
    assert desk.call(desk.words("runs", "--json"), code=0).stderr == ""
    assert "there is no run yet" in desk.call(desk.words("status"), code=2).stderr


def test_runs_are_listed_newest_first(desk: Desk) -> None:
    """One line each: id, time, mode, target, where it stands; unreadable ones too."""
    desk.call(desk.run_words(*UNATTENDED), code=0)
    desk.call(desk.run_words(), code=3)
    newest = desk.folder().id
    lines = desk.call(desk.words("runs"), code=0).stdout.splitlines()
    assert len(lines) == 2
    assert "unfinished at step look" in next(line for line in lines if newest in line)
    assert any("completed, level proven" in line for line in lines)
    desk.end_engine()
    desk.folder().journal.write_bytes(b"what is this\n")
    objects = [
        json.loads(line) for line in desk.call(desk.words("runs", "--json"), code=0).stdout.splitlines()
    ]
    assert {one["readable"] for one in objects} == {True, False}
    assert "cannot be read" in desk.call(desk.words("runs"), code=0).stdout


def test_status_shows_where_a_run_stands(desk: Desk) -> None:
    """Steps, items, what is red and why; exit 3 while it is not finished, 0 once it is proven."""
    desk.world.tell(passing(gateway_env=red("two lines are missing")))
    desk.call(desk.run_words(*UNATTENDED, "--patience", "0"), code=1)
    shown = desk.call(desk.words("status"), code=3).stdout
    assert "> Look" in shown
    assert "observed: two lines are missing" in shown
    assert all(len(line) <= 80 for line in shown.splitlines() if str(desk.place) not in line)
    state = json.loads(desk.call(desk.words("status", "--json"), code=3).stdout)
    assert state["state"]["items"]["look/gateway-env"]["status"] == "failed"
    desk.world.tell(passing())
    desk.call(desk.words("resume", *UNATTENDED), code=0)
    assert "Recovery level: PROVEN" in desk.call(desk.words("status"), code=0).stdout


def test_status_of_an_unknown_outcome_is_4(desk: Desk) -> None:
    """Nobody may take it for a mere pause."""
    terminal = lose_the_outcome(desk, "exit 1")
    terminal.answer("UNKNOWN OUTCOME", "quit")
    terminal.end()
    assert "? unknown" in desk.call(desk.words("status"), code=4).stdout


def test_status_needs_no_engine(desk: Desk) -> None:
    """A run whose engine died is told all the same, and none is started for it."""
    desk.call(desk.run_words(), code=3)
    desk.end_engine()
    before = desk.folder().journal.read_bytes()
    desk.call(desk.words("status"), code=3)
    assert desk.folder().journal.read_bytes() == before


def test_a_run_is_given_up_with_a_reason(desk: Desk) -> None:
    """It stays as a record, and the target is free for the next."""
    desk.call(desk.run_words(), code=3)
    run = desk.folder().id
    assert "--reason" in desk.call(desk.words("abandon", run), code=2).stderr
    assert "a reason is missing" in desk.call(desk.words("abandon", run, "--reason", " "), code=1).stderr
    ended = desk.call(desk.words("abandon", run, "--reason", "false alarm", "--json"), code=0)
    assert json.loads(ended.stdout)["run"] == run
    ending = desk.now().ending
    assert isinstance(ending, Abandoned)
    assert ending.reason == "false alarm"
    assert "abandoned" in desk.call(desk.words("runs"), code=0).stdout
    desk.call(desk.words("status"), code=1)
    desk.call(desk.run_words(), code=3)


def test_a_run_whose_target_is_gone_can_be_given_up(desk: Desk) -> None:
    """A sandbox that was taken down leaves no run that nobody can end."""
    desk.call(desk.run_words(), code=3)
    desk.end_engine(signal.SIGTERM)
    desk.target.unlink()
    desk.call(desk.words("abandon", desk.folder().id, "--reason", "the sandbox is gone"), code=0)
    assert isinstance(desk.now().ending, Abandoned)


def test_a_run_whose_target_file_is_damaged_can_be_given_up(desk: Desk) -> None:
    """Half a target.toml is as good as none."""
    desk.call(desk.run_words(), code=3)
    desk.end_engine(signal.SIGTERM)
    desk.target.write_text("name = ")
    desk.call(desk.words("abandon", desk.folder().id, "--reason", "the host is gone"), code=0)
    assert isinstance(desk.now().ending, Abandoned)


def test_a_run_with_a_running_command_is_not_given_up(desk: Desk) -> None:
    """Exit 1: its end is waited for, or it is stopped first."""
    pipe = desk.pipe("go")
    desk.write_runbook(prepare=f"cat {pipe}")
    terminal = desk.sit(desk.run_words())
    for question, answer in (("INPUT", ""), ("CONFIRM look", "yes"), ("COMMAND work/prepare", "start")):
        terminal.answer(question, answer)
    terminal.expect("While it runs")
    ended = desk.call(desk.words("abandon", desk.folder().id, "--reason", "enough"), code=1)
    assert "work/prepare is still running" in ended.stderr
    assert isinstance(desk.now().ending, Living)
    terminal.type("stop")
    terminal.expect("stopped by the operator")
