"""A program on a pty of its own, measured: when something can be read, what it cost on the wire."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.cli.at_screens import ScreenTerminal, on_screens

QUIET: Final = 1.0
"""Seconds without a byte but those of the clock after which a first paint is over."""


@dataclass(kw_only=True)
class Seat:
    """The program's terminal, and when it was started."""

    terminal: ScreenTerminal
    began: float

    def read(self, *texts: str) -> float:
        """Wait until all of those can be read; gives the seconds since the start."""
        self.terminal.until_shown(*texts)
        return time.monotonic() - self.began

    def wrote(self) -> int:
        """Bytes so far."""
        return len(self.terminal.wrote)

    def watch(self, seconds: float) -> int:
        """Take in what comes for that long, and give how many bytes it was."""
        before, end = self.wrote(), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.terminal.watch(left)
        return self.wrote() - before

    def pressed(self, key: str, true: Callable[[str], bool]) -> float:
        """Press a key, and give the seconds until that is true of the screen."""
        began = time.monotonic()
        self.terminal.press(key)
        self.terminal.until(true, f"after {key!r}")
        return time.monotonic() - began

    def memory(self) -> int:
        """Resident bytes of the program (proc(5), VmRSS)."""
        status = Path(f"/proc/{self.terminal.process.pid}/status").read_text()
        return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


@contextmanager
def seated(words: Sequence[str], environment: dict[str, str]) -> Iterator[Seat]:
    """Run the program at 80x24, and kill it afterwards: the run needs nothing of it."""
    began = time.monotonic()
    with on_screens(list(words), environment) as terminal:
        yield Seat(terminal=terminal, began=began)
