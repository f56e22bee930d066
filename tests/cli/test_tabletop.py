"""`tabletop` by the real command line: talked through by typing, nothing executed, nothing looked at."""

import json
import signal
from pathlib import Path

import pytest

from aihummer_drtui.engine.folder import list_runs
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Finished, Status
from aihummer_drtui.runbook.model import RecoveryLevel
from tests.cli.at_screens import on_screens
from tests.cli.desk import Desk, Terminal, linear

GIVE, SAY, PREPARE = "INPUT look/BACKUP_SET", "CONFIRM look/confirm-1", "COMMAND work/prepare"
GATE, DONE = "COMMAND work/swap", "CONFIRM done/confirm-1"
ENV, HEALTHZ = "CHECK look/gateway-env", "CHECK work/healthz"
PREPARED, SWAPPED = "REHEARSED work/prepare", "REHEARSED work/swap"
PHRASE = "tabletop/aihummer"
NOTHING = "tabletop: nothing was executed, nothing is proven"
ANSWERS = f"""
"look/BACKUP_SET" = "/backups/1"
"look/confirm-1" = "yes"
"look/gateway-env" = "passed all lines are there"
"work/prepare" = "start"
"told:work/prepare" = "failed no room"
"again:work/prepare" = "attempt 2"
"told:work/prepare attempt 2" = "done took 5m"
"work/swap" = "{PHRASE}"
"told:work/swap" = "unknown the session was cut"
"probe:work/swap" = "done the new name is there"
"outcome:work/swap" = "done"
"work/healthz" = "unproven nobody could ask it"
"done/confirm-1" = "yes"
"""


def words(desk: Desk, *more: str | Path) -> list[str]:
    """The words that begin a tabletop by this desk's runbook, or join it. No target is named."""
    return desk.words("tabletop", "--runbook", desk.runbook, *more)


def touching(desk: Desk) -> None:
    """Commands and probes that would leave something behind."""
    desk.write_runbook(prepare=f"touch {desk.place}/prepared", probe=f"touch {desk.place}/probed")


def nothing_happened(desk: Desk) -> bool:
    """Whether no look was begun, and no command and no probe has left its mark."""
    marks = [desk.place / "prepared", desk.place / "probed"]
    attempts = list((desk.folder().path / "attempts").iterdir())
    return not desk.world.looked() and not attempts and not any(mark.exists() for mark in marks)


def briefed(terminal: Terminal) -> None:
    """Answer everything up to the first command."""
    terminal.answer(GIVE, "/backups/1")
    terminal.answer(SAY, "yes")
    terminal.answer(ENV, "passed")


def test_a_person_talks_a_recovery_through_by_typing(desk: Desk) -> None:
    """Every kind of item, a fault and an unknown outcome on the way; nothing happens; it ends with 1."""
    touching(desk)
    terminal = desk.sit(words(desk, "--operator", "ada"))
    terminal.expect("TABLETOP: nothing is executed, nothing is looked at; what happens is told")
    terminal.answer(GIVE, "/backups/1")
    terminal.answer(SAY, "yes")
    assert "Nobody looks. What does it find?" in terminal.answer(ENV, "")
    terminal.expect("Nothing is answered by itself.")
    terminal.answer(ENV, "failed two lines are missing")
    assert "answered by ada: failed: two lines are missing" in terminal.answer(ENV, "Passed: they were added")
    prepare = terminal.answer(PREPARE, "start")
    assert f"touch {desk.place}/prepared" in prepare
    assert "with BACKUP_SET" not in prepare
    assert "Nothing of it is executed" in prepare
    assert "How did it end?" in terminal.answer(PREPARED, "")
    terminal.expect("Nothing is told by itself.")
    terminal.answer(PREPARED, "unknown the session was cut")
    assert f"touch {desk.place}/probed" in terminal.answer("UNKNOWN OUTCOME of work/prepare", "what")
    terminal.answer("UNKNOWN OUTCOME of work/prepare", "not done nothing is there")
    decide = terminal.answer("UNKNOWN OUTCOME of work/prepare", "probe")
    assert "why unknown: it was told so: the session was cut" in decide
    assert "the probe, as answered: not done: nothing is there" in decide
    terminal.answer("UNKNOWN OUTCOME of work/prepare", "not done")
    terminal.answer(PREPARE, "")
    terminal.answer(PREPARED, "done took 20m it went well")
    gate = terminal.answer(GATE, "")
    assert "It destroys: The old one." in gate
    assert "host tabletop, database aihummer" in gate
    terminal.expect("Enter does not pass this gate")
    terminal.answer(GATE, "db1/aihummer")
    terminal.expect("REFUSED:")
    terminal.answer(GATE, PHRASE)
    terminal.answer(SWAPPED, "partly two of five")
    assert "told by ada: partly done: two of five" in terminal.answer("FAILED work/swap", PHRASE)
    terminal.answer(SWAPPED, "done")
    terminal.answer(HEALTHZ, "passed")
    terminal.answer(DONE, "yes")
    assert terminal.end() == 1
    assert "*** TABLETOP GONE THROUGH, WITH EXCEPTIONS ***" not in terminal.text
    assert f"This was a {NOTHING}." in terminal.text
    assert "As told, the commands would have taken: 20 min" in terminal.text
    assert linear(terminal.text)
    assert nothing_happened(desk)
    ending = desk.now().ending
    assert isinstance(ending, Finished)
    assert ending.level is RecoveryLevel.NONE


def test_verbs_tell_of_any_item_and_help_names_them(desk: Desk) -> None:
    """What was so may no longer be so: a check is answered otherwise at any prompt."""
    terminal = desk.sit(words(desk))
    briefed(terminal)
    helped = terminal.answer(PREPARE, "help")
    assert "start" in helped
    explained = terminal.answer(PREPARE, "answer gateway-env failed a line was lost")
    assert "answer [CHECK] ANSWER WORDS" in explained
    assert "tell [COMMAND] END WORDS" in explained
    assert "output [COMMAND]" not in explained
    drifted = terminal.answer(ENV, "answer passed it is back")
    assert "! drifted" in drifted
    terminal.answer(PREPARE, "tell done")
    terminal.expect("REFUSED: work/prepare is not under way")
    terminal.answer(PREPARE, "answer nothing passed")
    terminal.expect("The checks: look/gateway-env, work/healthz")
    terminal.answer(PREPARE, "start")
    terminal.answer(PREPARED, "tell prepare failed took 3m no room")
    assert "it would have taken 3 min" in terminal.answer("FAILED work/prepare", "rerun prepare")
    terminal.answer(PREPARE, "quit")
    assert terminal.end() == 3
    assert nothing_happened(desk)


def test_a_facilitator_joins_and_each_sees_what_the_other_says(desk: Desk) -> None:
    """The same words typed in a second terminal join; an open question goes on by itself."""
    operator = desk.sit(words(desk, "--operator", "olga"))
    operator.prompted(GIVE)
    facilitator = desk.sit(words(desk, "--operator", "finn"))
    facilitator.expect("is not finished: going on with run")
    facilitator.prompted(GIVE)
    operator.expect("finn attached")
    operator.type("/backups/1")
    operator.answer(SAY, "yes")
    operator.prompted(ENV)
    facilitator.answer(ENV, "failed the file is empty")
    operator.expect("look/gateway-env: answered: failed: the file is empty (finn)")
    operator.expect("Still open: CHECK look/gateway-env")
    operator.type("passed it was restored from the escrow")
    operator.answer(PREPARE, "start")
    operator.prompted(PREPARED)
    facilitator.answer(PREPARED, "done")
    operator.expect("+ work/prepare: told: done (finn)")
    operator.prompted(GATE)
    facilitator.answer(GATE, "answer gateway-env failed it was the wrong escrow")
    assert "look/gateway-env: answered: failed: it was the wrong escrow (finn)" in operator.expect("(finn)")
    assert desk.now().status("look/gateway-env") is Status.DRIFTED


def test_a_talk_goes_on_after_front_end_and_engine_were_killed(desk: Desk) -> None:
    """What was told stays told, and nothing is in doubt."""
    terminal = desk.sit(words(desk))
    briefed(terminal)
    terminal.answer(PREPARE, "start")
    terminal.prompted(PREPARED)
    desk.end_engine(signal.SIGKILL)
    terminal.expect("a new one goes on from the journal")
    terminal.prompted(PREPARED)
    terminal.process.kill()
    terminal.process.wait()
    desk.end_engine(signal.SIGKILL)
    again = desk.resume("--plain")
    again.expect("What was told stays told.")
    again.answer(PREPARED, "done")
    again.answer(GATE, "abandon time is over")
    assert again.end() == 1
    assert f"This was a {NOTHING}." in again.text
    assert not desk.of_kind(e.OutcomeLost)


def test_answers_given_beforehand_tell_a_whole_talk(desk: Desk) -> None:
    """For scripts; stdout is the journal, in which nothing is seen and everything told."""
    touching(desk)
    answers = desk.place / "answers.toml"
    answers.write_text(ANSWERS)
    ended = desk.call(words(desk, "--answers", answers, "--json"), code=1)
    assert "WARNING" not in ended.stderr
    kinds = [json.loads(line)["what"]["event"] for line in ended.stdout.splitlines()]
    told = ["check-answered", "command-rehearsed", "outcome-told", "probe-answered", "level-told"]
    assert not {"check-observed", "command-intended", "outcome-probed", "level-reached"} & set(kinds)
    assert kinds[-1] == "run-finished"
    assert [kind for kind in kinds if kind == "outcome-told"] == ["outcome-told"] * 3
    assert set(told[:4]) <= set(kinds)
    assert "told by " in ended.stderr
    assert nothing_happened(desk)


def test_yes_tells_nothing(desk: Desk) -> None:
    """There is no default for what happened: it waits, and says what to give."""
    answers = desk.place / "answers.toml"
    answers.write_text('"look/BACKUP_SET" = "/b"\n')
    ended = desk.call(words(desk, "--yes", "--answers", answers), code=3)
    assert '"look/gateway-env" = "passed"' in ended.stdout
    answers.write_text('"look/gateway-env" = "passed"\n')
    ended = desk.call(words(desk, "--yes", "--answers", answers), code=3)
    assert '"told:work/prepare" = "done"' in ended.stdout
    assert desk.now().status("work/prepare") is Status.RUNNING


def test_status_and_runs_say_what_it_was(desk: Desk) -> None:
    """In words and in JSON; and 0 is for what is proven."""
    answers = desk.place / "answers.toml"
    answers.write_text(ANSWERS)
    desk.call(words(desk, "--answers", answers, "--operator", "ada"), code=1)
    listed = desk.call(desk.words("runs"), code=0).stdout
    assert f"tabletop  tabletop  completed, {NOTHING}" in listed
    told = " ".join(desk.call(desk.words("status"), code=1).stdout.split())
    assert f"level {RecoveryLevel.NONE}" not in told
    assert NOTHING in told
    assert "+ passed, answered: check look/gateway-env" in told
    assert "answered by ada: passed: all lines are there" in told
    assert "told by ada: done; it would have taken 5 min" in told
    state = json.loads(desk.call(desk.words("status", "--json"), code=1).stdout)["state"]
    check = state["items"]["look/gateway-env"]
    assert (check["answered"], check["said"], check["by"]) == ("passed", "all lines are there", "ada")
    assert "observation" not in check
    attempts = state["items"]["work/prepare"]["attempts"]
    assert [(one["rehearsed"], one["end"]["told"]) for one in attempts] == [(True, "failed"), (True, "done")]
    assert (state["level"], state["declared"]["mode"]) == ("none", "tabletop")


def test_on_paper_no_box_is_ticked(desk: Desk) -> None:
    """What was told is not done: whoever recovers by this sheet does all of it."""
    answers = desk.place / "answers.toml"
    answers.write_text(ANSWERS)
    desk.call(words(desk, "--answers", answers), code=1)
    printed = desk.call(desk.words("print", desk.folder().id), code=0).stdout
    assert printed.startswith(f"This is of a {NOTHING}. So no box is ticked;")
    assert "[x]" not in printed
    assert "(passed)" not in printed
    assert "BACKUP_SET=/backups/1" in printed.replace("'", "").replace(" = ", "=")


def test_it_needs_no_target_and_takes_the_name_of_one(desk: Desk) -> None:
    """A broken default matters nothing; a target that is named gives its name; others are typed."""
    desk.target.write_text('name = "db7"\n')
    desk.call([*words(desk)[:-3], "--target", str(desk.target), *words(desk)[-3:]], code=3)
    assert desk.now().declared.target == "db7"
    assert desk.of_kind(e.RunDeclared)[0].mode is e.Mode.TABLETOP
    desk.call(words(desk, "--name", "shop"), code=3)
    assert desk.now().declared.target == "shop"
    desk.call(desk.words("run", "--mode", "tabletop", "--runbook", desk.runbook), code=3)
    assert desk.now().declared.target == "tabletop"
    assert desk.world.looked() == []


@pytest.mark.parametrize("name", ["a/b", "x" * 61, "a\x1bb"])
def test_a_name_that_cannot_be_typed_at_a_gate(desk: Desk, name: str) -> None:
    """Exit 2, and nothing is declared."""
    ended = desk.call(words(desk, "--name", name), code=2)
    assert "cannot be typed at a gate" in ended.stderr
    assert not desk.state.is_dir() or not list_runs(desk.state)


def test_a_talk_stands_in_the_way_of_no_run_on_the_target(desk: Desk) -> None:
    """It holds no target, so a real recovery can begin while one is not finished."""
    named = words(desk)
    desk.call([*named[:-3], "--target", str(desk.target), *named[-3:]], code=3)
    desk.call(desk.run_words(), code=3)
    assert len(list_runs(desk.state)) == 2
    assert desk.now().declared.mode is e.Mode.REAL


def test_its_screens_need_no_target_either(desk: Desk) -> None:
    """By keys, from the briefing to the first answer; the front end ends and comes back to its place."""
    with on_screens(words(desk), desk.environment()) as screen:
        screen.until_shown("BRIEFING", "Its gates take tabletop/aihummer")
        screen.press_while("Enter=go on", "\r")
        screen.enter_when("give BACKUP_SET")
        screen.until_shown("BACKUP_SET>")
        screen.press("/b\r")
        screen.enter_when("state that you have seen it")
        screen.enter_when("say what look/gateway-env finds")
        screen.until_shown("WHAT DOES look/gateway-env FIND?")
        screen.process.kill()
    with on_screens(desk.words("resume"), desk.environment()) as screen:
        screen.enter_when("say what look/gateway-env finds")
        screen.until_shown("WHAT DOES look/gateway-env FIND?")
        screen.press("p")
        screen.until_shown("what was said>")
        screen.press_while("what was said>", "\r")
        screen.until_shown("+ passed   check   gateway-env [answered]")
        screen.press("q")
        assert screen.end() == 3
    assert nothing_happened(desk)


def test_home_offers_it(desk: Desk) -> None:
    """Two lines below the real recovery; leaving comes back home, where it can be resumed."""
    desk.target.unlink()
    with on_screens(desk.words("--target", desk.target), desk.environment()) as screen:
        screen.until_shown("No target yet", "Enter: Recover for REAL")
        screen.press("\x1b[B")
        screen.until_shown("Enter: Drill")
        screen.press("\x1b[B")
        screen.enter_when("Tabletop")
        screen.until_shown("( TABLETOP )", "BRIEFING", "Its gates take tabletop/aihummer")
        screen.press_while("Enter=go on", "\r")
        screen.until_shown("Step 1 of")
        screen.press("q")
        screen.until_shown("You left the tabletop", "=> Resume", "TABLETOP of tabletop")
        screen.press("q")
        assert screen.end() == 0
