"""Terminals as they are: resized, of every kind, slow, pasted into, suspended, left by a killed front end."""

import fcntl
import os
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import events as e
from tests.cli.at_screens import READ, WITHIN, ScreenTerminal, give_the_set, on_screens
from tests.cli.desk import PHRASE, Desk
from tests.cli.test_screens import environment, walk_to_work

MADE_FOR = ("Step 2 of 3", "Enter: start work/prepare", "engine ok")
CONTROL = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")


@contextmanager
def at_work(desk: Desk, *, size: tuple[int, int] = (80, 24), **more: str) -> Iterator[ScreenTerminal]:
    """The screens at the second step of a new run."""
    words = [*desk.run_words("--mode", "real")]
    with on_screens(words, environment(desk, **more), size=size) as terminal:
        walk_to_work(terminal)
        yield terminal


def resize(terminal: ScreenTerminal, columns: int, lines: int) -> None:
    """Give the terminal another size, as its window does."""
    terminal.screen.resize(lines or 24, columns or 80)
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@pytest.mark.parametrize("size", [(20, 5), (79, 24), (80, 23), (1, 1)])
def test_t08_a_terminal_that_became_too_small_says_so_and_comes_back(
    desk: Desk, size: tuple[int, int]
) -> None:
    """Nobody acts on what cannot be read: Enter does nothing there. What a shell exported is not believed."""
    with at_work(desk, COLUMNS="80", LINES="24") as terminal:
        resize(terminal, *size)
        if size != (1, 1):
            terminal.until(lambda shown: "Too small" in " ".join(shown.split()), "says so")
            assert "*** REAL ***" in terminal.text
        terminal.press("\r")
        resize(terminal, 80, 24)
        terminal.until_shown(*MADE_FOR)
    assert not desk.of_kind(e.CommandIntended)


@pytest.mark.parametrize("size", [(400, 100), (250, 80), (0, 0)])
def test_t08_a_terminal_of_any_larger_size_is_filled(desk: Desk, size: tuple[int, int]) -> None:
    """A serial console that says 0x0 is taken for 80x24."""
    with at_work(desk) as terminal:
        resize(terminal, *size)
        rows = size[1] or 24
        terminal.until(
            lambda shown: "F1=help" in shown.split("\n")[rows - 1] and "engine ok" in shown, "filled"
        )
        resize(terminal, 80, 24)
        terminal.until(lambda shown: "F1=help" in shown.split("\n")[23], "as before")
        terminal.until_shown(*MADE_FOR)


@pytest.mark.parametrize("term", ["xterm", "linux", "screen", "tmux-256color", "vt100", "putty"])
def test_t10_every_kind_of_terminal_shows_the_place(desk: Desk, term: str) -> None:
    """In ASCII, whatever the locale: no line drawing, no glyph that a console lacks."""
    with at_work(desk, TERM=term, LANG="en_US.UTF-8") as terminal:
        terminal.until_shown(*MADE_FOR)
        assert bytes(terminal.wrote).isascii()
        terminal.press("q")
        assert terminal.end() == ExitCode.PRECONDITION
        assert terminal.settings() == terminal.before


def test_t10_inside_tmux(desk: Desk, folder: Path) -> None:
    """The screens are shown there, and the terminal is left as it was."""
    if not Path("/usr/bin/tmux").exists():
        pytest.skip("tmux is not installed")
    tmux = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
    inside = {**desk.environment(), "LANG": "C.UTF-8"}
    inside.pop("TMUX", None)
    words = shlex.join(desk.run_words("--mode", "real"))
    start = ["new-session", "-d", "-x", "80", "-y", "24", f"{words}; sleep 60"]
    subprocess.run([*tmux, *start], env=inside, check=True, timeout=WITHIN)
    try:
        shown = captured(tmux, "BRIEFING")
        assert "*** REAL ***" in shown.split("\n")[0]
        # An Enter that comes before it can have been read is not heard.
        captured(tmux, "Enter: give BACKUP_SET", "Enter")
        subprocess.run([*tmux, "send-keys", "q"], check=True, timeout=WITHIN)
        captured(tmux, "Come back with:")
    finally:
        subprocess.run([*tmux, "kill-server"], check=False, timeout=WITHIN)


def captured(tmux: list[str], text: str, *keys: str) -> str:
    """What tmux shows, once that text is there; until then the keys are pressed again and again."""
    deadline = time.monotonic() + WITHIN
    while True:
        if keys:
            subprocess.run([*tmux, "send-keys", *keys], check=True, timeout=WITHIN)
        shown = subprocess.run(
            [*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True, timeout=WITHIN
        ).stdout
        if text in shown:
            return shown
        assert time.monotonic() < deadline, shown


@pytest.mark.parametrize("locale", ["C", "de_DE.ISO-8859-1"])
def test_t11_no_letter_is_sent_that_the_locale_lacks(desk: Desk, locale: str) -> None:
    """What a letter means is kept where it can be; every letter that is sent is one the terminal has."""
    desk.write_runbook(prepare="echo 'Größe in Zürich \u2013 geprüft'; exit 1")
    with at_work(desk, LANG=locale, LC_ALL=locale) as terminal:
        terminal.enter_when("start work/prepare")
        terminal.until_shown("e in Zurich - gepruft")
        assert bytes(terminal.wrote).isascii()


def test_t15_a_first_screen_is_there_within_five_seconds_at_9600_baud(desk: Desk) -> None:
    """In line mode and on the screens: 960 bytes a second (8N1)."""
    with on_screens(desk.run_words("--plain"), environment(desk)) as terminal:
        terminal.until_shown("look/BACKUP_SET")
        assert len(terminal.wrote) < 4 * 960
    with on_screens(desk.words("resume"), environment(desk)) as terminal:
        terminal.until_shown("Enter: give BACKUP_SET", "engine ok")
        assert len(terminal.wrote) < 4 * 960


def write_all(terminal: ScreenTerminal, data: bytes) -> None:
    """Write all of it as a terminal does, and take in what comes meanwhile."""
    os.set_blocking(terminal.master, False)
    while data:
        _, writable, _ = select.select([], [terminal.master], [], 0.05)
        if writable:
            data = data[os.write(terminal.master, data[:4_000]) :]
        terminal.watch(0)
    os.set_blocking(terminal.master, True)


@pytest.mark.parametrize("bracketed", [True, False])
def test_t16_a_paste_confirms_nothing(desk: Desk, bracketed: bool) -> None:
    """A megabyte with new lines, also on a terminal that sends a paste as keys."""
    with on_screens(desk.run_words("--mode", "real"), environment(desk)) as terminal:
        give_the_set(terminal)
        terminal.until_shown("Enter: state that you have seen it")
        text = b"yes\r" * (262_144 if bracketed else 40)
        write_all(terminal, b"\x1b[200~" + text + b"\x1b[201~" if bracketed else text)
        terminal.press("n")
        terminal.until_shown("Put a note on record")
    assert not desk.of_kind(e.ItemConfirmed)
    assert not desk.of_kind(e.CommandIntended)


def test_t16_a_paste_passes_no_gate(desk: Desk) -> None:
    """Host and database, pasted on a terminal that sends a paste as keys, are no words typed by hand."""
    with at_work(desk) as terminal:
        terminal.enter_when("start work/prepare")
        terminal.enter_when("open the gate of work/swap")
        terminal.until_shown("HOST/DATABASE>")
        terminal.press(PHRASE)
        terminal.until_shown(f"HOST/DATABASE> {PHRASE}")
        terminal.press_while(f"HOST/DATABASE> {PHRASE}", "\r")
        terminal.until_shown("this is typed by hand, not pasted")
        assert [one.item for one in desk.of_kind(e.CommandIntended)] == ["work/prepare"]
        terminal.pass_gate(PHRASE)
        terminal.until_shown("+ passed   command swap")


def test_t16_a_letter_of_a_paste_starts_nothing_and_opens_no_shell(desk: Desk, tmp_path: Path) -> None:
    """The key of `again` and the key of the shell do what they stand for when they come alone."""
    opened = tmp_path / "opened"
    shell = tmp_path / "shell"
    shell.write_text(f"#!/bin/sh\ntouch {opened}\n")
    shell.chmod(0o700)
    desk.write_runbook(prepare="exit 1")
    with at_work(desk, SHELL=str(shell)) as terminal:
        terminal.enter_when("start work/prepare")
        terminal.until_shown("x failed")
        terminal.press("a!a!")
        terminal.read_for(READ)
        # The first letter opens another screen, over which the rest of the paste comes.
        terminal.press("xq!\r")
        terminal.until_shown("Skip work/prepare")
        terminal.read_for(READ)
        terminal.press_while("Skip work/prepare", "\x1bOR")
        terminal.read_for(READ)
        assert not opened.exists()
        assert not opened.exists()
        assert len(desk.of_kind(e.CommandIntended)) == 1
        terminal.press("!")
        terminal.until(lambda _: opened.exists(), "the shell")
        terminal.press("a")
        terminal.until(lambda _: len(desk.of_kind(e.CommandIntended)) == 2, "the command is started again")


def test_t16_a_paste_gives_no_reason(desk: Desk) -> None:
    """Its first letter may be the key of a deviation, and its last one a new line."""
    with at_work(desk) as terminal:
        terminal.press("x")
        terminal.until_shown("Skip work/prepare", "reason>")
        terminal.press("the rest of it\r")
        terminal.until_shown("reason> the rest of it", "as in a paste: press it again")
        assert not desk.of_kind(e.ItemSkipped)
        terminal.press_while("reason>", "\r")
        terminal.until_shown("- skipped  command prepare")


def test_t17_a_suspended_front_end_comes_back_with_its_clock(desk: Desk) -> None:
    """By the shell's job control, and by the key of the shell; meanwhile a command writes."""
    desk.write_runbook(prepare="while :; do echo line; sleep 0.2; done")
    with at_work(desk, SHELL="/bin/sh") as terminal:
        terminal.enter_when("start work/prepare")
        terminal.until_shown("following", "line")
        terminal.process.send_signal(signal.SIGTSTP)
        os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED)
        while terminal.watch(0.3):
            pass
        assert terminal.settings() == terminal.before
        terminal.process.send_signal(signal.SIGCONT)
        ticks(terminal)
        terminal.press("!")
        terminal.until_shown("A shell on this host")
        terminal.press("exit\r")
        ticks(terminal)


def ticks(terminal: ScreenTerminal) -> None:
    """Wait until the clock is shown and has gone on."""
    terminal.until_shown("following", "declared 0:")
    first = terminal.text.split("\n")[0]
    terminal.until(lambda shown: shown.split("\n")[0] != first and "declared" in shown, "the clock ticks")


def test_t05_a_killed_front_end_leaves_a_terminal_that_can_be_mended(desk: Desk) -> None:
    """No echo, the other screen, a hidden cursor: `reset-tty` undoes it, and the run goes on."""
    screens, mend = (
        shlex.join(words) for words in (desk.run_words("--mode", "real"), desk.words("reset-tty"))
    )
    script = f"{screens}; echo the screens ended with $?; {mend}; echo mended"
    with on_screens(["/bin/sh", "-c", script], environment(desk)) as terminal:
        terminal.until_shown("BRIEFING", "Enter=go on")
        shell = terminal.process.pid
        (screens_of,) = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        os.kill(int(screens_of), signal.SIGKILL)
        assert terminal.end() == 0
        text = bytes(terminal.wrote)
        assert b"the screens ended with 137" in text
        assert text.rfind(b"\x1b[?1049l") > text.rfind(b"\x1b[?1049h")
        assert text.rfind(b"\x1b[?25h") > text.rfind(b"\x1b[?25l")
        assert b"The terminal is as a shell expects it" in text
        assert terminal.settings() == terminal.before


def test_t05_without_a_terminal_there_is_nothing_to_mend(desk: Desk) -> None:
    """It says so, and where it is to be typed."""
    ended = subprocess.run(
        desk.words("reset-tty"),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env=desk.environment(),
        timeout=WITHIN,
    )
    assert ended.returncode == ExitCode.PRECONDITION
    assert "there is no terminal to mend" in ended.stderr
    assert "HINT" in ended.stderr
