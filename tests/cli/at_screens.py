"""The real program on a terminal of its own whose screen can be read: pyte draws what it writes."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyte

from tests.cli.own_terminal import started_on_terminal

WITHIN = 90.0
READ = 0.45
"""Seconds that a line stands there before its Enter is heard, and a little more (`base.SETTLE`)."""
BETWEEN_KEYS = 0.05
"""Seconds between two keys of a hand, and more than `pace.BY_HAND`."""
AGAIN = 3.0
"""Seconds after which a key that did nothing is pressed again."""


@dataclass(kw_only=True)
class ScreenTerminal:
    """A program, the master of its terminal, and what stands on the screen."""

    process: subprocess.Popen[bytes]
    master: int
    screen: pyte.Screen
    before: list[object]
    within: float = WITHIN
    """Seconds that anything may take."""
    stream: pyte.ByteStream = field(init=False)
    wrote: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)

    @property
    def text(self) -> str:
        """The rows of the screen."""
        return "\n".join(row.rstrip() for row in self.screen.display)

    def watch(self, seconds: float) -> int:
        """Take in what comes at once within that time, and give how many bytes it was; 0 for none."""
        if self.master < 0 or not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return 0
        try:
            data = os.read(self.master, 65_536)
        except OSError:
            # EIO: nobody has the other end open any more (pty(7)).
            return 0
        self.wrote += data
        self.stream.feed(data)
        return len(data)

    def until(self, true: Callable[[str], bool], what: str) -> str:
        """Take in what comes until that is true of the screen."""
        deadline = time.monotonic() + self.within
        while not true(self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"{what}: not within {self.within:.0f} s:\n{self.text}"
            if not self.watch(left) and self.process.poll() is not None:
                raise AssertionError(f"{what}: the program ended:\n{self.text}")
        return self.text

    def until_shown(self, *texts: str) -> str:
        """Take in what comes until all of those texts stand on the screen."""
        return self.until(lambda shown: all(text in shown for text in texts), str(texts))

    def press(self, keys: str) -> None:
        """Press keys, as a terminal sends them."""
        os.write(self.master, keys.encode())

    def say(self, words: str) -> None:
        """Type words and Enter as a hand does: Enter once they stand there, and not in one go with them."""
        self.press(words)
        self.until_shown(f"> {words}")
        self.press_while(f"> {words}", "\r")

    def pass_gate(self, words: str) -> None:
        """Type the words of a gate one key after the other, and Enter once they stand there."""
        for letter in words:
            self.press(letter)
            self.read_for(BETWEEN_KEYS)
        self.until_shown(f"HOST/DATABASE> {words}")
        self.press_while("HOST/DATABASE>", "\r")

    def enter_when(self, offered: str) -> None:
        """Wait until Enter does that and may be pressed, and press it until it was taken."""
        self.until_shown(f"Enter: {offered}")
        self.press_while(f"Enter: {offered}", "\r")

    def press_while(self, text: str, keys: str) -> None:
        """Let it be read, press those keys, and wait until that text is gone; press again where it stays."""
        self.read_for(READ)
        deadline = time.monotonic() + self.within
        while text in self.text:
            assert time.monotonic() < deadline, self.text
            self.press(keys)
            again = time.monotonic() + AGAIN
            while text in self.text and (left := again - time.monotonic()) > 0:
                self.watch(left)

    def read_for(self, seconds: float) -> None:
        """Take in what comes within that time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.watch(left)

    def end(self) -> int:
        """Wait for the program's end and give its exit code; negative for a signal."""
        deadline = time.monotonic() + self.within
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.text
            self.watch(0.1)
        while self.watch(0.1):
            pass
        return int(self.process.returncode)

    def settings(self) -> list[object]:
        """The terminal's settings now."""
        return termios.tcgetattr(self.master)


@contextmanager
def on_screens(
    words: list[str],
    environment: dict[str, str],
    *,
    size: tuple[int, int] = (80, 24),
    ignore_hang_up: bool = False,
    within: float = WITHIN,
) -> Iterator[ScreenTerminal]:
    """Run the program on a terminal of that size."""
    columns, lines = size
    before: list[object] = []

    def set_up(slave: int) -> None:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        before[:] = termios.tcgetattr(slave)

    process, master = started_on_terminal(words, environment, set_up=set_up, ignore_hang_up=ignore_hang_up)
    terminal = ScreenTerminal(
        process=process, master=master, screen=pyte.Screen(columns, lines), before=before, within=within
    )
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if terminal.master >= 0:
            os.close(terminal.master)


def give_the_set(terminal: ScreenTerminal) -> None:
    """Go past the briefing of a new run, and give the backup set that stands in the line."""
    terminal.until_shown("BRIEFING", "Enter=go on")
    terminal.press_while("BRIEFING", "\r")
    terminal.enter_when("give BACKUP_SET")
    terminal.until_shown("BACKUP_SET> /backups/newest")
    terminal.enter_when("give this value")
