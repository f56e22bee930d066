"""The first operator: at real screens on a terminal that is resized, hung up, killed and come back to."""

import fcntl
import os
import signal
import struct
import termios
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from aihummer_drtui.engine.folder import list_runs
from tests.cli.at_screens import ScreenTerminal, on_screens
from tests.cli.desk import Desk
from tests.soak.account import Account
from tests.soak.series import Series

_F1: Final = "\x1bOP"
_F3: Final = "\x1bOR"
_STEP: Final = "Step 2 of 3"
_AWAY: Final = "WHILE YOU WERE AWAY"
_HELP: Final = "HELP: the keys"
_SIZES: Final = ((100, 30), (132, 50), (80, 24), (40, 10), (200, 60), (80, 24))
_WAYS: Final = ("kill", "hang up", "terminate")


@dataclass(kw_only=True)
class Operator:
    """One person, one terminal after the other."""

    desk: Desk
    account: Account
    began: float
    _open: ExitStack = field(default_factory=ExitStack)
    _terminal: ScreenTerminal = field(init=False)
    _sat_down: float = 0.0

    @property
    def pid(self) -> int:
        """The front end's process."""
        return self._terminal.process.pid

    @property
    def sat_for(self) -> float:
        """Seconds since this front end was there."""
        return time.monotonic() - self._sat_down

    def begin(self) -> None:
        """Declare the run, and go past its briefing."""
        self._sit(self.desk.run_words("--mode", "real"))
        self._terminal.until_shown("BRIEFING", "Enter=go on")
        while "BRIEFING" in self._terminal.text:
            self._terminal.press("\r")
            self._terminal.watch(1.0)
        self._terminal.until_shown("Step 1 of 3")

    def wait_for_work(self) -> None:
        """Until the second step is shown."""
        self._terminal.until_shown(_STEP)

    def watch(self, seconds: float) -> None:
        """See what comes on the screen for that time; told when the front end ended by itself."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._terminal.watch(left):
                # All that was ever written is not needed here.
                self._terminal.wrote.clear()
            elif self._terminal.process.poll() is not None:
                raise AssertionError(f"the screens ended by themselves:\n{self._terminal.text}")

    def press(self) -> None:
        """Open the help and go back, taking the time of both."""
        self._answered(_F1, _HELP, True, self.account.key)
        self._answered(_F3, _HELP, False, self.account.key)

    def read_timeline(self) -> None:
        """Open the timeline, see its clocks and go back."""
        self._answered("e", "waits on people", True, self.account.timeline)
        self._answered(_F3, "TIMELINE", False, self.account.key)

    def resize(self) -> None:
        """Give the terminal another size."""
        columns, lines = _SIZES[self.account.resizes % len(_SIZES)]
        self.account.resizes += 1
        self._terminal.screen.resize(lines, columns)
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._terminal.master, termios.TIOCSWINSZ, size)

    def back_to_size(self) -> None:
        """Give the terminal the size at which all is shown."""
        while self._terminal.screen.columns != 80 or self._terminal.screen.lines != 24:
            self.resize()
        self._terminal.until_shown(_STEP)

    def reconnect(self) -> None:
        """Lose the front end in one way or another, and come back."""
        self._lose(_WAYS[self.account.reconnects % len(_WAYS)])
        self.account.reconnects += 1
        self.resume(self.account.resume)

    def resume(self, taken: Series) -> None:
        """Come back to the run, taking the time until it is shown where it stands, or what happened."""
        (run,) = list_runs(self.desk.state)
        asked = time.monotonic()
        self._sit(self.desk.words("resume", run.id))
        self._terminal.until(lambda shown: _STEP in shown or _AWAY in shown, "resume")
        taken.take(asked - self.began, time.monotonic() - asked)

    def leave(self) -> None:
        """End the front end in order."""
        self._lose("terminate")

    def _sit(self, words: list[str]) -> None:
        environment = {**self.desk.environment(), "TERM": "xterm-256color"}
        self._terminal = self._open.enter_context(on_screens(words, environment))
        self._sat_down = time.monotonic()

    def _lose(self, way: str) -> None:
        match way:
            case "kill":
                self._terminal.process.kill()
            case "hang up":
                os.close(self._terminal.master)
                self._terminal.master = -1
            case _:
                self._terminal.process.send_signal(signal.SIGTERM)
        while self._terminal.process.poll() is None:
            self._terminal.watch(0.05)
        self._open.pop_all().close()

    def _answered(self, key: str, text: str, is_there: bool, taken: Series) -> None:
        pressed = time.monotonic()
        self._terminal.press(key)
        self._terminal.until(lambda shown: (text in shown) is is_there, f"{key!r}: {text}")
        taken.take(pressed - self.began, time.monotonic() - pressed)
        self._terminal.wrote.clear()
