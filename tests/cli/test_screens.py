"""The screens as a program on a terminal: opened where they can be, left clean, outlived by the run."""

import fcntl
import os
import re
import signal
import termios
import time
from base64 import b64decode
from pathlib import Path

import pytest

from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Finished, Living
from tests.cli.at_screens import WITHIN, ScreenTerminal, give_the_set, on_screens
from tests.cli.desk import PHRASE, Desk

ALTERNATE_SCREEN = b"\x1b[?1049h"
LEFT = b"\x1b[?1049l"


def environment(desk: Desk, **more: str) -> dict[str, str]:
    """The desk's environment on a terminal that can show screens."""
    return {**desk.environment(), "TERM": "xterm-256color", **more}


def walk_to_work(terminal: ScreenTerminal) -> None:
    """From the briefing through the first step, by Enter alone."""
    give_the_set(terminal)
    terminal.enter_when("state that you have seen it")
    terminal.enter_when("go to step 2")
    terminal.until_shown("Enter: start work/prepare")


def test_a_whole_run_by_keys_alone_at_80_by_24(desk: Desk) -> None:
    """To the end, and what was reached stays on the terminal that was there before."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        assert terminal.text.startswith(" *** REAL ***  shop")
        terminal.enter_when("start work/prepare")
        terminal.enter_when("open the gate of work/swap")
        terminal.until_shown("GATE: work/swap is IRREVERSIBLE", "HOST/DATABASE>")
        terminal.pass_gate(PHRASE)
        terminal.enter_when("go to step 3")
        terminal.enter_when("state that you have seen it")
        terminal.enter_when("finish the run")
        terminal.until_shown("THE END OF THE RUN", "Recovery level: PROVEN")
        while LEFT not in terminal.wrote:
            terminal.press("q")
            terminal.watch(1.0)
        assert terminal.end() == ExitCode.OK
        assert b"Recovery level: PROVEN" in terminal.wrote[terminal.wrote.rfind(LEFT) :]
        assert terminal.settings() == terminal.before
    assert isinstance(desk.now().ending, Finished)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_t04_a_signal_ends_the_screens_at_once_and_leaves_the_terminal_clean(
    desk: Desk, number: signal.Signals
) -> None:
    """The run goes on without them."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        began = time.monotonic()
        terminal.process.send_signal(number)
        assert terminal.end() == ExitCode.INTERRUPTED
        assert time.monotonic() - began < 2.0
        assert terminal.settings() == terminal.before
        assert terminal.wrote.rfind(LEFT) > terminal.wrote.rfind(ALTERNATE_SCREEN)
        assert terminal.wrote.rfind(b"\x1b[?25h") > terminal.wrote.rfind(b"\x1b[?25l")
        assert "Come back with:" in terminal.text
    assert isinstance(desk.now().ending, Living)


def test_t02_a_lost_terminal_ends_the_screens(desk: Desk) -> None:
    """The sitting is over, and the run is where it was."""
    lose_terminal(desk, ignore_hang_up=False)


def test_t03_a_lost_terminal_ends_the_screens_without_a_signal(desk: Desk) -> None:
    """Under nohup, where SIGHUP is ignored; no processor is burnt on a dead terminal."""
    lose_terminal(desk, ignore_hang_up=True)


def lose_terminal(desk: Desk, *, ignore_hang_up: bool) -> None:
    """Close the terminal under the screens, and come back."""
    with on_screens(
        desk.run_words("--mode", "real"), environment(desk), ignore_hang_up=ignore_hang_up
    ) as terminal:
        walk_to_work(terminal)
        os.close(terminal.master)
        terminal.master = -1
        began, used = time.monotonic(), processor_time(terminal.process.pid)
        os.waitid(os.P_PID, terminal.process.pid, os.WEXITED | os.WNOWAIT)
        assert processor_time(terminal.process.pid) - used < 0.5
        assert time.monotonic() - began < 4.0
    recorded(desk, e.SittingClosed)
    with on_screens(desk.words("resume"), environment(desk)) as terminal:
        terminal.until_shown("Step 2 of 3", "Enter: start work/prepare")


def processor_time(pid: int) -> float:
    """Seconds that a process has used, also of one that has ended and was not waited for (proc(5), stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_terminal_that_stopped_reading_does_not_keep_the_screens(desk: Desk) -> None:
    """A front end that cannot write can still be ended; the engine does not notice."""
    desk.write_runbook(prepare="seq 1 1000000; sleep 60")
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        terminal.enter_when("start work/prepare")
        terminal.until_shown("following")
        fill(terminal)
        terminal.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        terminal.process.wait(10)
        assert time.monotonic() - began < 4.0


def fill(terminal: ScreenTerminal) -> None:
    """Read nothing until the program has more to write than the terminal takes."""
    full = 0
    while full < 10:
        terminal.press("oz")
        # What waits in the terminal's buffer does not grow any more once nobody reads it.
        before = waiting(terminal)
        signal.sigtimedwait([], 0.1)
        full = full + 1 if waiting(terminal) == before > 0 else 0


def waiting(terminal: ScreenTerminal) -> int:
    """Bytes that were written to the terminal and not read (FIONREAD, tty_ioctl(4))."""
    count = fcntl.ioctl(terminal.master, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(count, "little")


def test_s02_the_front_end_killed_on_the_way_loses_nothing(desk: Desk, folder: Path) -> None:
    """The command goes on, its end is recorded, and who comes back hears of it."""
    way = desk.pipe("way")
    desk.write_runbook(prepare=f"cat {way}")
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        terminal.enter_when("start work/prepare")
        terminal.until_shown("> running  command prepare")
        holder = holder_of(desk.folder().lock)
        terminal.process.kill()
    recorded(desk, e.SittingClosed)
    assert holder is not None
    assert holder_of(desk.folder().lock) == holder
    way.write_text("")
    recorded(desk, e.CommandEnded)
    with on_screens(desk.words("resume"), environment(desk)) as terminal:
        terminal.until_shown("WHILE YOU WERE AWAY", "+ passed: work/prepare: exit code 0", "Enter=go on")
        terminal.press_while("WHILE YOU", "\r")
        terminal.until_shown("+ passed   command prepare", "Enter: open the gate of work/swap")


def recorded(desk: Desk, kind: type[e.Event]) -> None:
    """Wait until the journal holds such an event."""
    deadline = time.monotonic() + WITHIN
    while not desk.of_kind(kind):
        assert time.monotonic() < deadline, f"no {kind} recorded"


@pytest.mark.parametrize(
    ("size", "term", "said"),
    [
        ((79, 24), "xterm", "Line mode, because the terminal is smaller than 80x24 (79x24)."),
        ((80, 24), "dumb", "Line mode, because TERM is `dumb`."),
    ],
)
def test_t10_other_terminals_get_line_mode_with_one_line_that_says_so(
    desk: Desk, size: tuple[int, int], term: str, said: str
) -> None:
    """And no control at all."""
    with on_screens(desk.run_words(), environment(desk, TERM=term), size=size) as terminal:
        # Above the briefing, and scrolled away by it where the terminal is small.
        terminal.until_shown("INPUT look/BACKUP_SET")
        assert said.encode() in terminal.wrote
        assert b"\x1b" not in terminal.wrote


@pytest.mark.parametrize("option", ["--plain", "--yes"])
def test_line_mode_on_request_says_nothing_of_it(desk: Desk, option: str) -> None:
    """Whoever answers beforehand watches a transcript."""
    with on_screens(desk.run_words(option), environment(desk)) as terminal:
        terminal.until_shown("look/BACKUP_SET")
        assert b"Line mode" not in terminal.wrote
        assert ALTERNATE_SCREEN not in terminal.wrote


@pytest.mark.parametrize(("no_color", "is_coloured"), [("1", False), ("", True)])
def test_t12_no_color_is_heeded(desk: Desk, no_color: str, is_coloured: bool) -> None:
    """Non-empty means none (no-color.org); the mode is unmistakable all the same."""
    with on_screens(
        desk.run_words("--mode", "real"), environment(desk, NO_COLOR=no_color, COLORTERM="truecolor")
    ) as terminal:
        terminal.until_shown("*** REAL ***", "engine ok")
        colours = {
            tuple(found.split(b";"))
            for found in re.findall(rb"[34]8;2;([0-9]+;[0-9]+;[0-9]+)", bytes(terminal.wrote))
        }
        assert any(len(set(colour)) > 1 for colour in colours) is is_coloured


def test_home_resumes_by_enter_alone(desk: Desk) -> None:
    """Without arguments, on a terminal; elsewhere the help is printed."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
    with on_screens(desk.words("--target", desk.target), environment(desk)) as terminal:
        terminal.until_shown("AiHummer disaster recovery", "=> Resume")
        terminal.press_while("=> Resume", "\r")
        terminal.until_shown("Step 2 of 3", "Enter: start work/prepare")
        terminal.press("q")
        terminal.until_shown("You left run")
        terminal.press("q")
        assert terminal.end() == ExitCode.OK
    ended = desk.call(desk.words())
    assert ended.returncode == ExitCode.USAGE
    assert "No screens, because the program's input is no terminal." in ended.stderr
    assert "Usage:" in ended.stdout


def test_home_resumes_a_run_on_its_own_target_whatever_target_it_was_opened_with(desk: Desk) -> None:
    """A drill that was begun at home has a sandbox of its own; `--target` names another installation."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
    other = desk.place / "other.toml"
    other.write_text(desk.target.read_text().replace("gateway.env", "other.env").replace("shop", "mill"))
    with on_screens(desk.words("--target", other), environment(desk)) as terminal:
        terminal.until_shown("Target mill", "=> Resume")
        terminal.press_while("=> Resume", "\r")
        terminal.until_shown("Step 2 of 3", "Enter: start work/prepare")
        terminal.press("q")
        terminal.until_shown("You left run")
        terminal.press("q")
        assert terminal.end() == ExitCode.OK


def test_a_run_that_cannot_begin_is_told_on_the_plain_terminal(desk: Desk) -> None:
    """The screens close, and the error is read where it can be copied."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        walk_to_work(terminal)
        terminal.press("q")
        terminal.end()
    desk.write_runbook(prepare="echo edited")
    with on_screens(desk.words("resume"), environment(desk)) as terminal:
        assert terminal.end() == ExitCode.PRECONDITION
        assert b"the runbook was edited" in terminal.wrote
        assert b"+  echo edited" in terminal.wrote
        assert b"Traceback" not in terminal.wrote


def test_leaving_the_screen_for_a_while_comes_back_to_the_place(desk: Desk) -> None:
    """A print, a shell, a pager; a copy names the file; nothing a command wrote controls the terminal."""
    desk.write_runbook(prepare="printf 'wrote \\033]0;title\\007 \\033[2J it\\n'; exit 1")
    with on_screens(desk.run_words("--mode", "real"), environment(desk, SHELL="/bin/sh")) as terminal:
        walk_to_work(terminal)
        terminal.enter_when("start work/prepare")
        terminal.until_shown("Enter: see why work/prepare failed", "wrote \\x1b]0;title\\x07 \\x1b[2J it")
        assert b"\x1b]0;" not in terminal.wrote
        terminal.press("c")
        terminal.until(lambda shown: "work.prepare.1/output" in shown.replace("\n", ""), "the file is named")
        copied = re.findall(rb"\x1b]52;c;([^\x07]*)\x07", bytes(terminal.wrote))
        assert b64decode(copied[-1]).decode() == "wrote \\x1b]0;title\\x07 \\x1b[2J it"
        terminal.press("p")
        terminal.until_shown("1. x failed: command work/prepare: Prepare.", "Enter: back to the screens")
        terminal.press("\r")
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("!")
        terminal.until_shown("A shell on this host")
        terminal.press("echo in $PWD; exit\r")
        terminal.until_shown("Enter: see why work/prepare failed")
        assert f"in {desk.folder().path}".encode() in terminal.wrote.replace(b"\r\n", b"")
        terminal.press("l")
        terminal.until_shown("wrote ESC]0;title^G ESC[2J it")
        terminal.press("q")
        terminal.until_shown("Enter: see why work/prepare failed")
        assert b"\x1b]0;" not in terminal.wrote
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
        assert terminal.settings() == terminal.before


def test_ctrl_c_outside_the_screens_does_not_end_them(desk: Desk) -> None:
    """It is for the pager, or for nothing; only Enter or the pager's own key comes back."""
    desk.write_runbook(prepare="echo it went wrong; exit 1")
    with on_screens(desk.run_words("--mode", "real"), environment(desk, SHELL="/bin/sh")) as terminal:
        walk_to_work(terminal)
        terminal.enter_when("start work/prepare")
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("p")
        terminal.until_shown("Enter: back to the screens")
        terminal.press("\x03\r")
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("l")
        terminal.until_shown("it went wrong", "(END)")
        terminal.press("\x03")
        # less forgets what was typed when it is interrupted.
        terminal.press_while("(END)", "q")
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
        assert terminal.settings() == terminal.before


def test_without_less_the_end_of_an_output_is_written_cleaned(desk: Desk, tmp_path: Path) -> None:
    """Another pager would pass on to the terminal what a command wrote for it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for one in Path(folder).glob("*"):
            if one.name != "less" and not (programs / one.name).is_symlink():
                (programs / one.name).symlink_to(one)
    desk.write_runbook(prepare="printf 'wrote \\033]0;title\\007 it\\n'; exit 1")
    with on_screens(desk.run_words("--mode", "real"), environment(desk, PATH=str(programs))) as terminal:
        walk_to_work(terminal)
        terminal.enter_when("start work/prepare")
        terminal.until_shown("Enter: see why work/prepare failed")
        terminal.press("l")
        terminal.until_shown("wrote \\x1b]0;title\\x07 it", "less is not installed", "Enter: back")
        terminal.press("\r")
        terminal.until_shown("Enter: see why work/prepare failed")
        assert b"\x1b]0;" not in terminal.wrote
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
