"""X05: whatever is given for an input of the shipped runbook, it stays one literal value."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from aihummer_drtui.cli.runbook_file import load_runbook
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Ended
from aihummer_drtui.engine.folder import list_runs
from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.run.events import InputGiven
from aihummer_drtui.runbook.model import CommandItem, InputItem, Runbook
from aihummer_drtui.runbook.render import render
from tests.cli.calling import call
from tests.engine.test_attempt import ended

VALUES: Final = (
    "; touch pwned",
    "$(touch pwned)",
    "`touch pwned`",
    '"; touch pwned; "',
    "' ; touch pwned ; '",
    "| touch pwned",
    "&& touch pwned",
    "${IFS}touch${IFS}pwned",
    "$DRTUI_CONFIRM",
    "\\",
    "*",
    "~root",
    "-x",
    "--help",
    "--replace",
    "--undo",
    "--confirm=other/db",
    "-",
    "--",
    "%s%n",
    "a b  c",
    "../../etc/passwd",
    "/dev/zero",
    "[/]",
    "grüße ☃",
    "x" * 4000,
)
_RECORDER: Final = """#!{python}
import json, os, sys
with open({log!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], os.getcwd()]) + "\\n")
"""


@pytest.fixture(scope="module")
def shipped() -> Runbook:
    """Give the shipped runbook."""
    return load_runbook(None)[1]


def _commands(runbook: Runbook) -> list[CommandItem]:
    return [item for step in runbook.steps for item in step.items if isinstance(item, CommandItem)]


def _inputs(runbook: Runbook) -> list[str]:
    return [item.variable for step in runbook.steps for item in step.items if isinstance(item, InputItem)]


def _recorded(folder: Path, item: CommandItem, values: dict[str, str]) -> list[list[str]]:
    """Run its script as the engine does, with recorders for all programs; the arguments of each start."""
    log, programs = folder / "log", folder / "programs"
    programs.mkdir()
    for name in ("aihummer-drtui", "aihummer"):
        (programs / name).write_text(_RECORDER.format(python=sys.executable, log=str(log)))
        (programs / name).chmod(0o755)
    attempt = Attempt(folder / "attempts" / "one")
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "DRTUI_AIHUMMER": "aihummer", **values}
    if item.destructive:
        environment["DRTUI_CONFIRM"] = "host/db"
    work = folder / "work"
    work.mkdir()
    attempt.start(item.script, environment, 30, working_folder=work)
    assert isinstance(ended(attempt), Ended)
    assert list(work.iterdir()) == []
    return [json.loads(line)[0] for line in log.read_text().splitlines()]


@pytest.mark.parametrize("value", VALUES)
def test_x05_a_value_is_one_word_of_each_command(
    shipped: Runbook, tmp_path: Path, value: str, record_property: Callable[[str, object], None]
) -> None:
    """Each command of the shipped runbook that takes one, under the engine's supervisor."""
    values = dict.fromkeys(_inputs(shipped), value)
    assert values.keys() == {"BACKUP_SET", "RECOVERY_POINT", "KEY_FILE"}
    told = 0
    for item in _commands(shipped):
        if not any(f"${name}" in item.script for name in values):
            continue
        folder = tmp_path / item.id.replace("/", ".")
        folder.mkdir()
        (arguments,) = _recorded(folder, item, values)
        assert arguments == _words(item.script, values)
        told += arguments.count(value)
    assert told >= 5
    record_property("injections", told)
    assert not list(tmp_path.rglob("pwned"))


def _words(script: str, values: dict[str, str]) -> list[str]:
    """The words of a script of one command, by a reading of its own: split at spaces, variables whole."""
    words = script.replace("\\\n", " ").split()
    given = {**values, "DRTUI_CONFIRM": "host/db", "DRTUI_AIHUMMER:-aihummer": "aihummer"}
    return [given.get(word.strip('"').strip("${}"), word) for word in words[1:]]


def test_x05_a_value_that_looks_like_an_option_is_none(tmp_path: Path) -> None:
    """Every option of the commands takes the word behind it, whatever that looks like; nothing is done."""
    tmp_path.chmod(0o755)
    target = tmp_path / "target.toml"
    target.write_text(f'gateway-env = "{tmp_path}/gateway.env"\nbackup-places = ["{tmp_path}/none"]\n')
    before = sorted(tmp_path.iterdir())
    for value in ("-x", "--help", "--undo", "\x1b]0;x\x07"):
        for words in (
            ("restore", "key", "--from", value, "--backup-set", value),
            ("restore", "database", "--to", "dump", "--backup-set", value, "--confirm", value),
            ("restore", "database", "--to", value, "--backup-set", value, "--confirm", value),
            ("restore", "blobs", "--backup-set", value, "--confirm", value),
            ("check", "backup-set", "--backup-set", value, "--key-file", value, "--to", value),
        ):
            done = call(*words, target=target)
            assert done.returncode in {1, 2, 3, 4}, (words, done.stdout, done.stderr)
            assert "Usage: " not in done.stdout
            assert "Traceback" not in done.stderr
            assert "\x1b" not in done.stdout + done.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "value", ["", "a\nb", "a\rb", "a\tb", "nul\x00", "\x1b]52;c;eA==\x07", "\u202ecod", "x" * 20_000]
)
def test_x05_a_value_that_is_no_line_of_text_is_not_taken(tmp_path: Path, value: str) -> None:
    """Line ends, controls, nothing, a flood: the input stays open, and nothing is started."""
    tmp_path.chmod(0o755)
    target, answers, state = tmp_path / "target.toml", tmp_path / "answers.toml", tmp_path / "state"
    target.write_text(f'gateway-env = "{tmp_path}/gateway.env"\nbackup-places = ["{tmp_path}/none"]\n')
    answers.write_text(
        f'"briefing/confirm-1" = "yes"\n"briefing/confirm-2" = "yes"\n'
        f'"briefing/BACKUP_SET" = {json.dumps(value)}\n'
    )
    words = ("--state-dir", state, "run", "--plain", "--yes", "--answers", answers, "--patience", "1")
    done = call(*map(str, words), target=target)
    assert done.returncode in {2, 3}, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    for run in list_runs(state):
        given = [one.what for one in read_journal(run.path) if isinstance(one.what, InputGiven)]
        assert not given


@pytest.mark.parametrize("harm", ["open to others", "open folder", "pipe"])
def test_x06_answers_that_others_could_have_written_are_refused(tmp_path: Path, harm: str) -> None:
    """They name the backup and may pass the gate."""
    target, answers = tmp_path / "target.toml", tmp_path / "answers" / "file.toml"
    tmp_path.chmod(0o755)
    target.write_text("")
    answers.parent.mkdir()
    answers.write_text('"briefing/confirm-1" = "yes"\n')
    match harm:
        case "open to others":
            answers.chmod(0o666)
        case "open folder":
            answers.parent.chmod(0o777)
        case _:
            answers.unlink()
            os.mkfifo(answers)
    done = call("--state-dir", tmp_path / "state", "run", "--plain", "--answers", answers, target=target)
    assert done.returncode == 3, done.stderr
    assert str(answers.parent) in done.stderr
    assert not (tmp_path / "state" / "runs").exists()


def test_x05_what_is_printed_for_paper_is_the_same_value_to_a_shell(tmp_path: Path) -> None:
    """The line of the paper fallback that sets a hostile value sets exactly that value."""
    book = load_runbook(None)[1]
    for value in VALUES:
        text = render(book, statuses={}, values={"BACKUP_SET": value})
        line = next(line for line in text.split("\n") if line.strip().startswith("export BACKUP_SET="))
        shown = subprocess.run(
            ["sh", "-c", f'{line.strip()}\nprintf %s "$BACKUP_SET"'],
            capture_output=True,
            check=True,
            cwd=tmp_path,
        )
        assert shown.stdout.decode() == value
    assert list(tmp_path.iterdir()) == []
