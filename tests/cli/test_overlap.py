"""Two long commands at a time, in line mode: the real command line, engine and commands."""

import os
import signal

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Finished, Status
from tests.cli.desk import PHRASE, Desk, Terminal, linear

_GUIDE = """**Why.** To know.
**Expect.** All well.
**Time.** A minute.
**Undo.** Nothing is changed.
**Call.** The team.
"""
_COMMAND = """- [ ] `command:{name}` Bring back the {step}.

  ```sh
  echo "for $DRTUI_CONFIRM"
  {script}
  ```

  ```toml
  time-out = "1m"
  expect = "It is back."
  destructive = true
  destroys = "The old {step}."
  undo = "Rename it back."
  probe = "exit 1"
  ```
"""
_FRONT = """+++
id = "two"
title = "Two at a time"
version = "1"
owner = "Team"
reviewed = 2026-03-14
rto = "2h"
rpo = "1d"

[levels]
up = ["start/healthz"]
serving = ["start/healthz"]
proven = ["start/healthz"]
+++

# Two at a time
"""
DATABASE, BLOBS = "COMMAND database/restore", "COMMAND blobs/copy"
UNATTENDED = ("--yes", "--confirm", PHRASE, "--operator", "ada")


def write_two(desk: Desk, *, database: str, blobs: str) -> None:
    """A runbook whose steps `database` and `blobs` need nothing; `start` needs both."""
    steps = (
        _step(1, "database", "", _COMMAND.format(name="restore", step="database", script=database)),
        _step(
            2,
            "blobs",
            "",
            _COMMAND.format(name="copy", step="blobs", script=blobs) + "\n- [ ] They are whole.\n",
        ),
        _step(3, "start", '"database", "blobs"', "- [ ] `check:healthz` It answers.\n"),
    )
    desk.runbook.write_text(_FRONT + "".join(steps))
    desk.runbook.chmod(0o600)


def _step(number: int, name: str, needs: str, items: str) -> str:
    return f"\n## {number}. The {name} {{#{name}}}\n\n```toml\nneeds = [{needs}]\n```\n\n{_GUIDE}\n{items}"


def at_the_blobs(desk: Desk) -> Terminal:
    """A person who has started the database and went on to the blobs, whose gate is open."""
    terminal = desk.sit(desk.run_words("--operator", "ada"))
    terminal.answer(DATABASE, PHRASE)
    terminal.expect("Meanwhile you can go on with step 2 (The blobs): press Enter, or type go blobs")
    terminal.type("")
    return terminal


def test_a_person_goes_on_while_a_command_runs(desk: Desk) -> None:
    """Each command has its own gate, what runs beside is named, its end is told; text only goes forward."""
    first, second = desk.pipe("first"), desk.pipe("second")
    write_two(desk, database=f"cat {first}", blobs=f"cat {second}")
    terminal = at_the_blobs(desk)
    gate = terminal.answer(BLOBS, "go start")
    assert "=== STEP 2 of 3: The blobs ===" in gate
    assert "It destroys: The old blobs." in gate
    terminal.expect("REFUSED: step `start` needs what is not done yet: `database`")
    assert "Meanwhile database/restore is running; `go` leads there." in terminal.answer(BLOBS, "go")
    terminal.expect("Meanwhile you can go on with step 2")
    terminal.type("go blobs")
    terminal.answer(BLOBS, PHRASE)
    terminal.expect("> running: blobs/copy")
    assert set(desk.now().running) == {"database/restore", "blobs/copy"}
    terminal.type("stop")
    terminal.expect("Type: stop COMMAND. Running: database/restore, blobs/copy")
    terminal.type("output restore")
    terminal.expect(f"| for {PHRASE}")
    terminal.type("output reboot")
    terminal.expect("Type: output COMMAND. The commands: database/restore, blobs/copy")
    first.write_text("rows\n")
    terminal.expect("+ passed: database/restore: exit code 0")
    second.write_text("files\n")
    terminal.expect("+ passed: blobs/copy")
    terminal.answer("CONFIRM blobs/confirm-1", "yes")
    assert terminal.end() == 0
    assert linear(terminal.text)


def test_a_failure_elsewhere_is_told_at_once_and_comes_next(desk: Desk) -> None:
    """What is half typed at the open gate is not lost; then the failed command is offered again."""
    first, second = desk.pipe("first"), desk.pipe("second")
    write_two(desk, database=f"cat {first}; echo no room; exit 3", blobs=f"cat {second}")
    terminal = at_the_blobs(desk)
    terminal.prompted(BLOBS)
    begun, rest = PHRASE[:5], PHRASE[5:]
    terminal.type(begun, enter="")
    first.write_text("rows\n")
    terminal.expect("x failed: database/restore: exit code 3")
    told = terminal.rest_of_question()
    assert "comes next, once you have answered here; to go there at once, type: go database" in told
    assert "Still open: COMMAND blobs/copy" in told
    terminal.type(rest)
    terminal.expect("> running: blobs/copy")
    failed = terminal.answer("FAILED database/restore", "quit")
    assert "| no room" in failed
    assert terminal.end() == 3
    assert "blobs/copy goes on running" in terminal.text
    second.write_text("files\n")


def test_two_commands_outlive_the_front_end_and_the_engine(desk: Desk) -> None:
    """Both are taken up again by the next sitting, each with its own end."""
    first, second = desk.pipe("first"), desk.pipe("second")
    write_two(desk, database=f"cat {first}", blobs=f"cat {second}; exit 4")
    terminal = at_the_blobs(desk)
    terminal.answer(BLOBS, PHRASE)
    terminal.expect("> running: blobs/copy")
    os.kill(terminal.process.pid, signal.SIGKILL)
    desk.end_engine()
    again = desk.resume()
    again.expect("While it runs you may type")
    first.write_text("rows\n")
    again.expect("+ passed: database/restore")
    second.write_text("files\n")
    again.answer("FAILED blobs/copy: exit code 4", "quit")
    attempts = [(one.item, one.attempt) for one in desk.of_kind(e.CommandIntended)]
    assert attempts == [("database/restore", 1), ("blobs/copy", 1)]


def test_unattended_both_run_at_a_time(desk: Desk) -> None:
    """Each command waits for the other to have begun: one after the other would never end."""
    first, second = desk.pipe("first"), desk.pipe("second")
    write_two(desk, database=f"echo x > {first}; cat {second}", blobs=f"cat {first}; echo x > {second}")
    desk.call(desk.run_words(*UNATTENDED), code=0)
    ending = desk.now().ending
    assert isinstance(ending, Finished)
    shown = [one.step for one in desk.of_kind(e.StepShown)]
    assert shown[:2] == ["database", "blobs"]


def test_answers_beforehand_at_a_terminal_go_on_by_themselves(desk: Desk) -> None:
    """With --yes nobody has to press Enter to use the time."""
    first, second = desk.pipe("first"), desk.pipe("second")
    write_two(desk, database=f"echo x > {first}; cat {second}", blobs=f"cat {first}; echo x > {second}")
    terminal = desk.sit(desk.run_words(*UNATTENDED))
    assert terminal.end() == 0
    assert linear(terminal.text)


def test_who_goes_by_word_is_not_led_away(desk: Desk) -> None:
    """With --yes too: whoever went back to watch a command is offered the way, and stays."""
    first = desk.pipe("first")
    write_two(desk, database=f"cat {first}", blobs="true")
    terminal = desk.sit(desk.run_words("--yes"))
    terminal.answer(DATABASE, PHRASE)
    terminal.answer(BLOBS, "go database")
    terminal.expect("Meanwhile you can go on with step 2 (The blobs)")
    first.write_text("rows\n")
    terminal.answer(BLOBS, PHRASE)
    assert terminal.end() == 0


def test_piped_lines_meet_their_questions_in_the_same_order(desk: Desk) -> None:
    """Whichever command is the faster: the order of the questions is the runbook's."""
    orders = []
    for database, blobs in (("true", "sleep 0.6"), ("sleep 0.6", "true")):
        write_two(desk, database=database, blobs=blobs)
        ended = desk.call(desk.run_words(), text=f"{PHRASE}\n{PHRASE}\nyes\n", code=0)
        orders.append(
            [line.split(":")[0] for line in ended.stdout.splitlines() if line[:4] in {"COMM", "CONF"}]
        )
    assert orders[0] == orders[1] == [DATABASE, BLOBS, "CONFIRM blobs/confirm-1"]


def test_who_is_not_there_leaves_nothing_running_behind(desk: Desk) -> None:
    """A gate without its words ends the program, but only when the command beside it has ended."""
    mark = desk.place / "done"
    write_two(desk, database=f"sleep 0.5; touch {mark}", blobs="true")
    ended = desk.call(desk.run_words(), text=f"{PHRASE}\n", code=3)
    assert "Nobody is there to answer for blobs/copy; waiting for database/restore first." in " ".join(
        ended.stdout.split()
    )
    assert mark.exists()
    assert desk.now().status("database/restore") is Status.PASSED
    assert desk.now().running == ()


def test_progress_is_told_at_an_open_prompt(desk: Desk) -> None:
    """Short, below the question, and what is half typed still counts."""
    first = desk.pipe("first")
    word = '{"phase":"tables","done":1,"total":4,"unit":"tables","elapsed":1}'
    write_two(
        desk, database=f"cat {first}; echo '{word}' >&\"$DRTUI_PROGRESS_FD\"; cat {first}", blobs="true"
    )
    terminal = at_the_blobs(desk)
    terminal.prompted(BLOBS)
    terminal.type(PHRASE[:5], enter="")
    first.write_text("on\n")
    terminal.expect("> database/restore: tables: 1 tables of 4 tables (25 %)")
    terminal.type(PHRASE[5:])
    terminal.expect("+ passed: blobs/copy")
    first.write_text("on\n")
    terminal.answer("CONFIRM blobs/confirm-1", "yes")
    assert terminal.end() == 0


def test_another_step_is_read_without_going_there(desk: Desk) -> None:
    """Its checklist or its text; a step that is not there is answered with those that are."""
    write_two(desk, database="true", blobs="true")
    terminal = desk.sit(desk.run_words())
    terminal.answer(DATABASE, "list blobs")
    terminal.expect("1. . pending: command blobs/copy")
    terminal.answer(DATABASE, "why start")
    terminal.expect("=== STEP 3 of 3: The start ===")
    terminal.answer(DATABASE, "why nothing")
    terminal.expect("Type: why STEP. The steps: database, blobs, start")
    terminal.answer(DATABASE, "quit")
    terminal.end()
    assert [one.step for one in desk.of_kind(e.StepShown)] == ["database"]
