"""The end of the terminal: a hang-up or a polite kill ends the screens at once, and leaves it clean."""

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
from typing import Any, Final, NoReturn

from textual.app import App

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.tui.terminal import SANE

LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether the terminal is there: the signal of a hang-up may be ignored."""
WITHIN: Final = 1.0
"""Seconds that an orderly end may take before a hard one."""


_before: list[Any] = []
"""The terminal's settings from before the screens; for a hard end."""


def remember_terminal() -> None:
    """Keep the terminal's settings, before the screens change them."""
    with contextlib.suppress(termios.error):
        _before[:] = termios.tcgetattr(_terminal())


def _terminal() -> int:
    # The one that Textual reads, whatever became of `sys.stdin`; the screens need it, so it is there.
    return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0


def watch_terminal(app: App[Any]) -> None:
    """End the application when its terminal goes, or when it is asked to end."""
    if app.is_headless:
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM):
        # Not by the loop's own handlers: it stands still while the terminal does not take what is written.
        signal.signal(number, lambda got, _: end_at_once(app, loop, got))
    app.set_interval(LOOK_EVERY, lambda: _look(app, loop))


def end_at_once(app: App[Any], loop: asyncio.AbstractEventLoop, number: int) -> None:
    """End in order, or in a second without it: the run needs nothing from here."""
    threading.Thread(target=_insist, args=(number,), daemon=True).start()
    loop.call_soon_threadsafe(lambda: app.exit(return_code=ExitCode.INTERRUPTED))


def _look(app: App[Any], loop: asyncio.AbstractEventLoop) -> None:
    poll = select.poll()
    poll.register(_terminal(), select.POLLHUP)
    if any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0)):
        end_at_once(app, loop, signal.SIGHUP)


def _insist(number: int) -> NoReturn:
    threading.Event().wait(WITHIN)
    if _before:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(_terminal(), termios.TCSANOW, _before)
    os.set_blocking(2, False)
    with contextlib.suppress(OSError):
        os.write(2, SANE)
    # Whoever has the terminal after us expects it to block.
    os.set_blocking(2, True)
    os._exit(128 + number)
