"""A sitting from its greeting to its end: the real command line, engine and commands, a scripted world."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Abandoned, CommandState, Finished, Living, Lost, Settled, Status
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.testing import ScriptedCheck
from tests.cli.desk import PHRASE, Desk, Terminal, linear, passing, red
from tests.engine.engine_house import kill_attempt

GIVE, SAY, PREPARE = "INPUT look/BACKUP_SET", "CONFIRM look/confirm-1", "COMMAND work/prepare"
GATE, DONE = "COMMAND work/swap", "CONFIRM done/confirm-1"
RED, SICK = "NOT GREEN look/gateway-env", "NOT GREEN work/healthz"
UNATTENDED = ("--yes", "--confirm", PHRASE, "--operator", "ada")


def started(terminal: Terminal) -> Terminal:
    """Answer everything up to the start of the first command."""
    terminal.answer(GIVE, "")
    terminal.answer(SAY, "yes")
    terminal.answer(PREPARE, "start")
    return terminal


def test_u02_a_person_goes_through_by_typing(desk: Desk) -> None:
    """Every kind of item, to the end, with text that only goes forward."""
    terminal = desk.sit(desk.run_words("--operator", "ada"))
    assert "[/backups/newest]" in terminal.answer(GIVE, "/backups/other")
    assert "Answers: yes, or Enter" in terminal.answer(SAY, "y")
    assert "Answers: start, or Enter" in terminal.answer(PREPARE, "start")
    gate = terminal.answer(GATE, PHRASE)
    assert "host db.example, database aihummer" in gate
    assert "It destroys: The old one." in gate
    assert "Undo: Swap again." in gate
    assert PHRASE not in gate
    terminal.answer(DONE, "")
    assert terminal.end() == 0
    assert "Recovery level: PROVEN" in terminal.text
    assert linear(terminal.text)
    assert desk.now().values == {"BACKUP_SET": "/backups/other"}


def test_d12_enter_and_wrong_words_pass_no_gate(desk: Desk) -> None:
    """Only host and database of the target, typed by hand, start what cannot be taken back."""
    terminal = desk.sit(desk.run_words())
    started(terminal)
    terminal.answer(GATE, "")
    terminal.expect("Enter does not pass this gate")
    terminal.answer(GATE, "yes")
    terminal.expect("nothing was started")
    terminal.answer(GATE, "other.example/aihummer")
    terminal.expect("REFUSED:")
    assert "do not match the target" in terminal.answer(GATE, "quit")
    assert terminal.end() == 3
    assert [one.item for one in desk.of_kind(e.CommandIntended)] == ["work/prepare"]


def test_a_paste_answers_nothing(desk: Desk) -> None:
    """A wide paste with newlines, the words of the gate among them, is thrown away as a whole."""
    terminal = desk.sit(desk.run_words())
    started(terminal)
    terminal.answer(GATE, "\n".join(["x" * 300, PHRASE, "yes", *[""] * 200, PHRASE]))
    terminal.expect("none of them was taken")
    terminal.answer(GATE, "quit")
    terminal.end()
    assert [one.item for one in desk.of_kind(e.CommandIntended)] == ["work/prepare"]


def test_what_was_typed_before_a_prompt_answers_nothing(desk: Desk) -> None:
    """Type-ahead answered another question: it is gone when the next prompt comes."""
    pipe = desk.pipe("go")
    desk.write_runbook(prepare=f"cat {pipe}")
    terminal = desk.sit(desk.run_words())
    started(terminal)
    terminal.expect("While it runs you may type")
    terminal.type(PHRASE, enter="")
    pipe.write_text("on\n")
    terminal.answer(GATE, "")
    terminal.expect("Enter does not pass this gate")
    assert len(desk.of_kind(e.CommandIntended)) == 1


def test_skips_and_overrides_end_with_exceptions(desk: Desk) -> None:
    """Each needs a reason, stands in the closing, and the run can end no better than with exceptions."""
    desk.world.tell(passing(gateway_env=red(), healthz=red()))
    terminal = desk.sit(desk.run_words("--operator", "ada"))
    terminal.answer(GIVE, "")
    terminal.answer(SAY, "yes")
    red_one = terminal.answer(RED, "override")
    assert "x failed: look/gateway-env: it is not so" in red_one
    assert "expected: gateway-env is right" in red_one
    terminal.expect("a reason is missing")
    terminal.answer(RED, "override settled by telephone")
    terminal.answer(PREPARE, "skip prepared by hand")
    terminal.answer(GATE, PHRASE)
    terminal.answer(SICK, "skip the balancer is dead")
    terminal.answer(DONE, "yes")
    assert terminal.end() == 1
    assert "*** COMPLETED, WITH EXCEPTIONS. Recovery level: NONE ***" in terminal.text
    assert "NOT proven" in terminal.text
    for line in ("settled by telephone (ada)", "prepared by hand (ada)", "the balancer is dead (ada)"):
        assert line in terminal.text.replace("\n      ", " ")


def test_u02_a_failed_command_shows_what_it_wrote_and_runs_again_only_by_word(desk: Desk) -> None:
    """How it ended and its last lines, made harmless; Enter alone starts nothing that has failed."""
    mark = desk.place / "mended"
    desk.write_runbook(prepare=f"printf 'no \\033[31mroom\\n'; test -e {mark}")
    terminal = desk.sit(desk.run_words())
    started(terminal)
    failed = terminal.answer("FAILED work/prepare: exit code 1 after", "")
    assert "| no \\x1b[31mroom" in failed
    terminal.expect("Type again to start it once more")
    mark.touch()
    terminal.answer("FAILED work/prepare", "again")
    assert "IRREVERSIBLE" in terminal.answer(GATE, "quit")
    assert linear(terminal.text)
    assert [one.attempt for one in desk.of_kind(e.CommandIntended)] == [1, 2]


def test_a_check_that_is_mended_goes_on_by_itself(desk: Desk) -> None:
    """While the prompt waits, the check is looked at again, and green is news."""
    desk.world.tell(passing(gateway_env=red("two lines are missing")))
    terminal = desk.sit(desk.run_words())
    terminal.answer(GIVE, "")
    terminal.answer(SAY, "yes")
    terminal.answer(RED, "")
    terminal.expect("looking at look/gateway-env ...")
    assert "two lines are missing" in terminal.prompted(RED)
    desk.world.tell(passing())
    terminal.expect("+ passed: look/gateway-env")
    terminal.expect("COMMAND work/prepare")


def test_a_value_can_be_given_anew_and_a_command_run_once_more(desk: Desk) -> None:
    """A slip in a path is mended from the prompt that shows it; so is a command whose work is undone."""
    desk.world.tell(passing(gateway_env=red("nothing in {BACKUP_SET}")))
    terminal = desk.sit(desk.run_words())
    terminal.answer(GIVE, "/backups/wrnog")
    terminal.answer(SAY, "yes")
    assert "nothing in /backups/wrnog" in terminal.answer(RED, "give BACKUP SET")
    terminal.expect("The variables: BACKUP_SET")
    desk.world.tell(passing(healthz=red()))
    terminal.answer(RED, "give BACKUP_SET /backups/right")
    # It was stated with the wrong set in view.
    terminal.answer(SAY, "yes")
    terminal.answer(PREPARE, "start")
    terminal.answer(GATE, PHRASE)
    terminal.answer(SICK, "rerun prepare")
    terminal.answer(PREPARE, "start")
    terminal.expect("+ passed: work/prepare")
    assert desk.now().values == {"BACKUP_SET": "/backups/right"}
    assert [one.item for one in desk.of_kind(e.CommandIntended)].count("work/prepare") == 2


def test_an_age_that_grows_is_no_news(desk: Desk) -> None:
    """A screen reader is not told the same thing with another number at every look."""
    terminal = desk.sit(desk.run_words())
    terminal.answer(GIVE, "")
    terminal.prompted(SAY)
    for age in (3, 4, 5):
        desk.world.tell(passing(gateway_env=ScriptedCheck(observed=f"complete, {age} s old", interval=0.1)))
        looks = len(desk.world.looked())
        while len(desk.world.looked()) < looks + 2:
            terminal.watch(0.05)
    terminal.type("quit")
    terminal.end()
    assert terminal.text.count("s old") <= 1


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (b"/backups/\xff\n", "not UTF-8"),
        (b"\x1b[A/backups/other\n", "Control characters"),
    ],
)
def test_garbled_input_is_refused(desk: Desk, typed: bytes, why: str) -> None:
    """A path that nobody typed is never taken for one."""
    terminal = desk.sit(desk.run_words())
    terminal.prompted(GIVE)
    os.write(terminal.master, typed)
    terminal.expect(why)
    terminal.answer(GIVE, "quit")
    terminal.end()
    assert desk.now().values == {}


def test_every_word_is_explained_where_it_is_asked_for(desk: Desk) -> None:
    """`help`, `list`, `why`, `note`, `go`: each answers, and the question is put again."""
    terminal = desk.sit(desk.run_words())
    terminal.answer(GIVE, "help")
    terminal.expect("skip REASON: leave this item out")
    terminal.answer(GIVE, "list")
    terminal.expect("1. . pending: input look/BACKUP_SET")
    terminal.answer(GIVE, "why")
    terminal.expect("Why: To know.")
    terminal.answer(GIVE, "note the phones are down")
    terminal.answer(GIVE, "go nowhere")
    terminal.expect("REFUSED: no step `nowhere`")
    terminal.answer(GIVE, "abandon it was a false alarm")
    assert terminal.end() == 1
    assert "*** ABANDONED: it was a false alarm ***" in terminal.text
    assert desk.of_kind(e.NoteWritten) == [e.NoteWritten(text="the phones are down")]
    assert isinstance(desk.now().ending, Abandoned)


def test_ctrl_c_leaves_and_says_what_goes_on(desk: Desk) -> None:
    """The command runs to its end without anybody; the way back is told and works as it stands."""
    pipe = desk.pipe("go")
    desk.write_runbook(prepare=f"cat {pipe}")
    terminal = desk.sit(desk.run_words())
    started(terminal)
    terminal.expect("While it runs you may type")
    terminal.type("\x03", enter="")
    assert terminal.end() == 130
    assert "work/prepare goes on running" in terminal.text
    run = desk.folder().id
    assert f"aihummer-drtui --state-dir {desk.state} resume {run}" in terminal.text
    again = desk.resume()
    again.expect("While it runs you may type")
    pipe.write_text("on\n")
    again.expect("+ passed: work/prepare: exit code 0")
    again.answer(GATE, "quit")
    assert again.end() == 3


@pytest.mark.parametrize("ignored", [False, True])
def test_a_hang_up_ends_the_front_end_and_nothing_else(desk: Desk, ignored: bool) -> None:
    """With the signal or without it (cases T02, T03): the command's true end is recorded."""
    pipe = desk.pipe("go")
    desk.write_runbook(prepare=f"cat {pipe}")
    terminal = desk.sit(desk.run_words(), ignore_hang_up=ignored)
    started(terminal)
    terminal.expect("While it runs you may type")
    terminal.hang_up()
    assert terminal.process.wait(5) in ({1} if ignored else {-signal.SIGHUP})
    pipe.write_text("on\n")
    again = desk.resume()
    again.expect("IRREVERSIBLE")
    assert desk.now().status("work/prepare") is Status.PASSED


def test_control_d_leaves(desk: Desk) -> None:
    """The end of the input on a terminal is a person who goes, not a failure."""
    terminal = desk.sit(desk.run_words())
    terminal.prompted(GIVE)
    terminal.type("\x04", enter="")
    assert terminal.end() == 3
    assert "Come back with:" in terminal.text


def test_a_killed_engine_is_replaced_under_the_dialogue(desk: Desk) -> None:
    """The command outlives its engine, its true end is told, and the question comes as if nothing was."""
    pipe = desk.pipe("go")
    desk.write_runbook(prepare=f"cat {pipe}")
    terminal = desk.sit(desk.run_words())
    started(terminal)
    terminal.expect("While it runs you may type")
    desk.end_engine()
    terminal.expect("Nothing is lost: a new one goes on")
    pipe.write_text("on\n")
    terminal.expect("+ passed: work/prepare: exit code 0")
    terminal.expect("IRREVERSIBLE")
    assert len(desk.of_kind(e.EngineStarted)) == 2


def lose_the_outcome(desk: Desk, probe: str) -> Terminal:
    """Kill engine, supervisor and command, so that nobody saw how it ended, and come back."""
    desk.write_runbook(prepare=f"cat {desk.pipe('go')}", probe=probe)
    terminal = desk.sit(desk.run_words())
    started(terminal)
    terminal.expect("While it runs you may type")
    terminal.process.kill()
    terminal.process.wait()
    kill_supervised(desk)
    return desk.resume()


def kill_supervised(desk: Desk) -> None:
    """SIGKILL the engine, then the attempt of the first command."""
    desk.end_engine()
    kill_attempt(desk.folder().attempt("work/prepare", 1))


def test_an_outcome_nobody_saw_is_probed_and_a_person_decides(desk: Desk) -> None:
    """`not done` makes it startable again; against the probe a reason in words is needed."""
    terminal = lose_the_outcome(desk, "echo half of it is there; exit 10")
    shown = terminal.answer("UNKNOWN OUTCOME of work/prepare", "done")
    assert "the probe says: partial: half of it is there" in shown
    terminal.expect("give your reason, as: done REASON")
    terminal.answer("UNKNOWN OUTCOME", "probe")
    terminal.answer("UNKNOWN OUTCOME", "not done I saw no file")
    terminal.answer(PREPARE, "quit")
    terminal.end()
    state = desk.now().items["work/prepare"]
    assert isinstance(state, CommandState)
    assert state.status is Status.PENDING
    assert state.attempts[0].end == Settled(done=False, reason="I saw no file")


def test_an_unknown_outcome_stops_whoever_is_not_there(desk: Desk) -> None:
    """Exit 4, with what to give; an answers file may decide as the probe says."""
    terminal = lose_the_outcome(desk, "exit 0")
    assert "the probe says: done" in terminal.answer("UNKNOWN OUTCOME", "quit")
    terminal.end()
    ended = desk.call(desk.words("resume", *UNATTENDED), code=4)
    assert '"outcome:work/prepare" = "done REASON"' in ended.stdout
    assert isinstance(attempt_end(desk), Lost)
    answers = desk.place / "answers.toml"
    answers.write_text('[answers]\n"outcome:work/prepare" = "done"\n')
    desk.call(desk.words("resume", *UNATTENDED, "--answers", answers), code=0)
    assert attempt_end(desk) == Settled(done=True, reason="as the probe says")


def attempt_end(desk: Desk) -> object:
    """How the first attempt of the first command ended."""
    state = desk.now().items["work/prepare"]
    assert isinstance(state, CommandState)
    return state.attempts[0].end


def test_u02_unattended_to_the_end(desk: Desk) -> None:
    """`--yes` and `--confirm` answer everything; with `--json` stdout is nothing but the journal's events."""
    ended = desk.call(desk.run_words(*UNATTENDED, "--json"), code=0)
    lines = ended.stdout.splitlines()
    assert all(line.startswith("{") for line in lines)
    assert '"event":"run-declared"' in lines[0], "a script learns the run's id"
    assert '"event":"run-finished"' in lines[-1]
    assert "  | prepared\n" in ended.stderr, "what a command that passed has said"
    assert "Recovery level: PROVEN" in ended.stderr
    assert linear(ended.stderr)


def test_yes_passes_no_gate(desk: Desk) -> None:
    """Exit 3, with the words to give; a wrong --confirm is refused and asked for again by nobody."""
    ended = desk.call(desk.run_words("--yes"), code=3)
    assert f"--confirm {PHRASE}" in ended.stdout
    ended = desk.call(desk.words("resume", "--yes", "--confirm", "other/aihummer"), code=3)
    assert "REFUSED: work/swap is irreversible" in ended.stdout
    assert len(desk.of_kind(e.CommandIntended)) == 1
    assert isinstance(desk.now().ending, Living)


def test_a_check_that_stays_red_ends_after_its_patience(desk: Desk) -> None:
    """Exit 1 with what is wrong; with an answer for it the run goes on over it."""
    desk.world.tell(passing(gateway_env=red()))
    ended = desk.call(desk.run_words(*UNATTENDED, "--patience", "0.3"), code=1)
    assert "x failed: look/gateway-env: it is not so" in ended.stdout
    assert '"look/gateway-env" = "override REASON"' in ended.stdout
    answers = desk.place / "answers.toml"
    answers.write_text('[answers]\n"look/gateway-env" = "override known since May"\n')
    desk.call(desk.words("resume", *UNATTENDED, "--patience", "0.3", "--answers", answers), code=0)
    ending = desk.now().ending
    assert isinstance(ending, Finished)
    assert ending.with_exceptions


def test_a_check_turns_green_within_the_patience(desk: Desk) -> None:
    """Somebody else mends it meanwhile: the run goes on by itself."""
    desk.world.tell(passing(gateway_env=red()))
    words = desk.run_words(*UNATTENDED)
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=desk.environment()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"*** REAL RUN")
        desk.world.tell(passing())
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_u02_piped_lines_answer_the_questions_and_nothing_else(desk: Desk) -> None:
    """Lines wait for their question while commands run and checks are looked at; their end is told."""
    ended = desk.call(desk.run_words(), text="/backups/x\nyes\nstart\n" + PHRASE + "\nyes", code=0)
    assert "> /backups/x" in ended.stdout
    assert linear(ended.stdout)


def test_the_end_of_piped_lines_leaves_the_run_waiting(desk: Desk) -> None:
    """Exit 3, with what is missing and the way back."""
    ended = desk.call(desk.run_words(), text="/backups/x\n", code=3)
    assert "Nobody is there to answer for look/confirm-1" in ended.stdout
    assert "resume" in ended.stdout
    assert isinstance(desk.now().ending, Living)


def test_resuming_looks_at_everything_again_first(desk: Desk) -> None:
    """What drifted meanwhile leads back to its step; what still holds costs no question."""
    desk.call(desk.run_words("--yes"), code=3)
    desk.end_engine(signal.SIGTERM)
    desk.world.tell(passing(gateway_env=red("a line is gone")))
    terminal = desk.resume()
    shown = terminal.answer(RED, "quit")
    assert "! drifted: look/gateway-env: a line is gone" in shown
    assert "STEP 2" not in shown
    desk.world.tell(passing())
    again = desk.resume()
    assert "STEP 1" not in again.answer(GATE, "quit")


def test_an_edited_runbook_stops_the_resume_until_it_is_accepted(desk: Desk) -> None:
    """The difference is shown (exit 3); accepting it goes on, as a deviation with its reason."""
    desk.call(desk.run_words("--yes"), code=3)
    desk.write_runbook(prepare="echo prepared otherwise")
    ended = desk.call(desk.words("resume", *UNATTENDED), code=3)
    assert "+  echo prepared otherwise" in ended.stderr
    assert "--accept-runbook" in ended.stderr
    ended = desk.call(desk.words("resume", *UNATTENDED, "--accept-runbook", "the old one was wrong"), code=0)
    assert "COMPLETED, WITH EXCEPTIONS" in ended.stdout
    assert [one.reason for one in desk.now().deviations] == ["the old one was wrong"]


def test_a_runbook_that_is_gone_is_told_with_its_copy(desk: Desk) -> None:
    """The run keeps what it goes by; the message says where."""
    desk.call(desk.run_words("--yes"), code=3)
    desk.runbook.unlink()
    ended = desk.call(desk.words("resume"), code=3)
    copy = ended.stderr.split("a copy is ")[1].strip()
    assert "# A small one" in Path(copy).read_text()


def test_answers_for_what_is_not_there_are_named(desk: Desk) -> None:
    """A slip of the pen in an answers file shows at the beginning, not at the gate."""
    answers = desk.place / "answers.toml"
    answers.write_text('[answers]\n"look/BACKUPSET" = "/x"\n')
    ended = desk.call(desk.run_words("--answers", answers), code=3)
    assert "WARNING: the answers name what is not in this runbook: look/BACKUPSET" in ended.stdout


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_t11_no_locale_breaks_the_dialogue(desk: Desk, locale: str) -> None:
    """A letter that the terminal lacks becomes an escape."""
    words = ["env", f"LC_ALL={locale}", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0", *desk.run_words("--yes")]
    desk.runbook.write_text(desk.runbook.read_text().replace("The users know", "Größe → known"))
    ended = desk.call(words, code=3)
    assert "--confirm" in ended.stdout


def test_t14_a_reader_that_goes_is_no_error(desk: Desk) -> None:
    """`… | head -1` ends quietly."""
    ended = desk.call(["bash", "-c", f"{shlex.join(desk.run_words(*UNATTENDED))} | head -1"], code=0)
    assert ended.stdout.startswith("*** REAL RUN")
    assert ended.stderr == ""


def test_closed_streams_end_in_no_traceback(desk: Desk) -> None:
    """Started with nothing open, as some schedulers do, the run goes its way."""
    ended = desk.call(["bash", "-c", f"exec {shlex.join(desk.run_words(*UNATTENDED))} <&- >&- 2>&-"])
    assert ended.returncode == 0
    ending = desk.now().ending
    assert isinstance(ending, Finished)


def test_unproven_is_told_at_the_end(desk: Desk) -> None:
    """What could not be known here does not stand in the way, and is not called proven."""
    unproven = ScriptedCheck(verdict=Verdict.UNPROVEN, observed="nothing says how", interval=0.2)
    desk.world.tell(passing(healthz=unproven))
    ended = desk.call(desk.run_words(*UNATTENDED), code=1)
    assert "Unproven: work/healthz" in ended.stdout
    assert "AiHummer is NOT proven to be back." in ended.stdout


def test_a_failed_command_is_started_again_by_the_word_for_that_attempt(desk: Desk) -> None:
    """Unattended, one word starts one attempt: never a failing command over and over."""
    desk.write_runbook(prepare="exit 7")
    ended = desk.call(desk.run_words(*UNATTENDED), code=1)
    assert '"again:work/prepare" = "attempt 2"' in ended.stdout
    answers = desk.place / "answers.toml"
    answers.write_text('"again:work/prepare" = "attempt 3"\n')
    desk.call(desk.words("resume", *UNATTENDED, "--answers", answers), code=1)
    answers.write_text('"again:work/prepare" = "attempt 2"\n')
    desk.call(desk.words("resume", *UNATTENDED, "--answers", answers), code=1)
    state = desk.now().items["work/prepare"]
    assert isinstance(state, CommandState)
    assert [attempt.number for attempt in state.attempts] == [1, 2]


def test_an_answer_that_was_refused_is_told_as_the_reason(desk: Desk) -> None:
    """Who gave --yes is not told to give --yes."""
    ended = desk.call(desk.run_words("--yes", "--confirm", "not/this"), code=3)
    assert "HINT: work/swap is irreversible" in " ".join(ended.stdout.split())
