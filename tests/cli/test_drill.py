"""The main job: a sandbox is built, lost, and recovered by the shipped runbook until it is proven back."""

import re
import socket

import psycopg
import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Finished
from aihummer_drtui.runbook.model import RecoveryLevel
from aihummer_drtui.sandbox.environment import read_environment
from aihummer_drtui.sandbox.layout import Layout
from tests.cli.calling import PROGRAM
from tests.cli.desk import Desk, Terminal, linear

pytestmark = pytest.mark.postgres

PHRASE = f"{socket.gethostname()}/aihummer"


def words(desk: Desk, *more: str) -> list[str]:
    """The words of a call of the installed program with this desk's folder."""
    return [str(PROGRAM), "--state-dir", str(desk.state), *more]


def is_proven(desk: Desk) -> bool:
    """Whether the newest run ended proven and without exceptions."""
    ending = desk.now().ending
    return isinstance(ending, Finished) and (ending.level, ending.with_exceptions, ending.unproven) == (
        RecoveryLevel.PROVEN,
        False,
        (),
    )


def test_a_drill_that_nobody_attends_ends_proven(office: Desk) -> None:
    """Two options answer everything; a second drill loses the same sandbox and recovers it again."""
    drill = words(office, "drill", "--yes", "--confirm", PHRASE)
    ended = office.call(drill, code=0)
    assert "*** COMPLETED. Recovery level: PROVEN ***" in ended.stdout
    assert "Unproven: nothing" in ended.stdout
    assert linear(ended.stdout + ended.stderr)
    assert is_proven(office)
    assert "REFUSED" not in ended.stdout
    assert "unknown:" not in ended.stdout
    office.call(drill, code=0)
    assert is_proven(office)


def test_a_drill_with_archived_wal_has_moments_to_come_back_to(office: Desk) -> None:
    """Right from the start: to the last archived message, and not to the last one that was written."""
    answers = office.place / "answers.toml"
    answers.write_text('"briefing/RECOVERY_POINT" = "latest"\n')
    answers.chmod(0o600)
    drill = ["drill", "--wal", "--yes", "--confirm", PHRASE, "--answers", str(answers)]
    ended = office.call(words(office, *drill), code=0)
    assert is_proven(office)
    archived, lost = re.findall(r"traffic \d+ written at \S+Z", ended.stderr)
    layout = Layout(root=office.state / "sandbox")
    with psycopg.connect(read_environment(layout.gateway_env)["AIHUMMER_DATABASE_URL"]) as connection:
        told = connection.execute("SELECT body FROM messages WHERE body LIKE 'traffic %'").fetchall()
    assert (archived,) in told
    assert (lost,) not in told
    # From the dump there comes a server that archives nothing: a drill on it says so, and waits for nothing.
    office.call(words(office, "drill", "--wal", "--yes", "--confirm", PHRASE), code=0)
    again = office.call(words(office, "drill", "--wal", "--yes", "--confirm", PHRASE), code=0)
    assert "archives no WAL since its last recovery" in again.stderr
    assert is_proven(office)


def answer_to(question: str) -> str:
    """What a person types who reads the question."""
    if "IRREVERSIBLE" in question:
        return PHRASE
    return "start" if "COMMAND" in question else "yes" if "CONFIRM" in question else ""


def type_on(terminal: Terminal, until: str) -> None:
    """Read each question and answer it, until that text comes."""
    question = re.compile(rf"(?:INPUT|CONFIRM|COMMAND|NOT GREEN) (\S+?/\S+?): |{re.escape(until)}")
    while True:
        came = terminal.expect_pattern(question)
        if until in came:
            return
        terminal.type(answer_to(came + terminal.rest_of_question()))


def test_a_recovery_to_a_point_goes_on_after_a_break_once_the_gateway_runs(office: Desk) -> None:
    """What the replacing of the server rested on (nobody connected, room) has served, and is no alarm."""
    terminal = office.sit(words(office, "drill", "--wal"))
    type_on(terminal, "INPUT briefing/RECOVERY_POINT")
    terminal.rest_of_question()
    terminal.type("latest")
    type_on(terminal, "COMMAND start/wait-ready")
    terminal.rest_of_question()
    terminal.process.kill()
    terminal.process.wait()
    office.end_engine()
    again = office.sit(words(office, "resume"))
    type_on(again, "*** COMPLETED.")
    assert again.end() == 0
    assert "drifted" not in again.text
    assert is_proven(office)


def test_a_drill_by_typing_survives_the_death_of_all_that_watches(office: Desk) -> None:
    """Front end and engine are killed in the middle of `restore database`; a resume ends it proven.

    The command outlived both, its true end is known, and it was not run twice.
    """
    terminal = office.sit(words(office, "drill"))
    type_on(terminal, "running: database/restore-database")
    terminal.process.kill()
    terminal.process.wait()
    office.end_engine()
    again = office.sit(words(office, "resume"))
    type_on(again, "*** COMPLETED.")
    assert again.end() == 0
    assert is_proven(office)
    attempts = [one.attempt for one in office.of_kind(e.CommandIntended) if one.item.startswith("database/")]
    assert attempts == [1]
    assert len(office.of_kind(e.EngineStarted)) == 2
    assert linear(terminal.text + again.text)


def test_an_unfinished_drill_is_gone_on_with(office: Desk) -> None:
    """Nothing is built or lost anew; a sandbox that was taken down meanwhile begins another run."""
    drill = words(office, "drill")
    office.call(drill, code=3)
    run = office.folder().id
    ended = office.call(drill, code=3)
    assert f"going on with run {run}" in ended.stderr
    assert "host is lost" not in ended.stderr
    office.call(words(office, "sandbox", "down"), code=0)
    office.call(drill, code=3)
    assert office.folder().id != run
    office.call(words(office, "abandon", run, "--reason", "its sandbox is gone"), code=0)


def test_what_cannot_be_read_breaks_no_sandbox(office: Desk) -> None:
    """Answers and runbook are looked at before anything is built, let alone lost."""
    answers = office.place / "answers.toml"
    answers.write_text("[answers")
    ended = office.call(words(office, "drill", "--answers", str(answers)), code=2)
    assert "not TOML" in ended.stderr
    office.runbook.write_text("# none\n")
    office.call(words(office, "drill", "--runbook", str(office.runbook)), code=3)
    assert not list((office.state / "sandbox").glob("*"))
