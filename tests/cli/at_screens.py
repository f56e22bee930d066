"""The real program on a terminal of its own whose screen can be read: pyte draws what it writes."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyte

WITHIN = 30.0


@dataclass(kw_only=True)
class ScreenTerminal:
    """A program, the master of its terminal, and what stands on the screen."""

    process: subprocess.Popen[bytes]
    master: int
    screen: pyte.Screen
    before: list[object]
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
        deadline = time.monotonic() + WITHIN
        while not true(self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"{what}: not within {WITHIN:.0f} s:\n{self.text}"
            if not self.watch(left) and self.process.poll() is not None:
                raise AssertionError(f"{what}: the program ended:\n{self.text}")
        return self.text

    def until_shown(self, *texts: str) -> str:
        """Take in what comes until all of those texts stand on the screen."""
        return self.until(lambda shown: all(text in shown for text in texts), str(texts))

    def press(self, keys: str) -> None:
        """Press keys, as a terminal sends them."""
        os.write(self.master, keys.encode())

    def enter_when(self, offered: str) -> None:
        """Wait until Enter does that and may be pressed, and press it until it was taken."""
        line = f"Enter: {offered}"
        self.until_shown(line)
        deadline = time.monotonic() + WITHIN
        while line in self.text:
            assert time.monotonic() < deadline, self.text
            self.press("\r")
            # A key that came before its line could be read is dropped: the screen stays, so press again.
            ready = time.monotonic() + 0.3
            while line in self.text and (left := ready - time.monotonic()) > 0:
                self.watch(left)

    def end(self) -> int:
        """Wait for the program's end and give its exit code; negative for a signal."""
        deadline = time.monotonic() + WITHIN
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
) -> Iterator[ScreenTerminal]:
    """Run the program on a terminal of that size."""
    columns, lines = size
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    before = termios.tcgetattr(slave)

    def own_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore_hang_up else signal.SIG_DFL)

    process = subprocess.Popen(
        words,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - no thread here
        env=environment,
    )
    os.close(slave)
    terminal = ScreenTerminal(
        process=process, master=master, screen=pyte.Screen(columns, lines), before=before
    )
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if terminal.master >= 0:
            os.close(terminal.master)
