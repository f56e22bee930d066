"""Leaving the screen for a while: a shell, a pager, a print; and coming back to where it was."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from textual.app import App

from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.foreign import cleaned, cleaned_bytes

_COME_BACK: Final = "-- Enter: back to the screens --"
_TAIL: Final = 16_384
"""Bytes of an output that are written where there is no pager."""


@contextmanager
def _outside(app: App[Any]) -> Iterator[None]:
    """Leave the screens for the block. Ctrl-C is for what runs there meanwhile, and never ends them."""
    before = signal.getsignal(signal.SIGINT)
    # A handler, for what is ignored would be ignored by the children too.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with app.suspend():
            yield
    finally:
        signal.signal(signal.SIGINT, before)


def open_shell(app: App[Any], folder: Path) -> None:
    """An interactive shell of the operator's; it starts in the run's folder."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    with _outside(app):
        _say("A shell on this host. `exit` comes back; the run goes on meanwhile.")
        _forget_keys()
        try:
            subprocess.run([shell], check=False, cwd=folder)
        except OSError as error:
            _say(f"{shell} cannot be started: {error.strerror}")
            _wait()


def open_pager(app: App[Any], path: Path) -> str:
    """The whole output of an attempt in a pager. Gives what is wrong, or nothing.

    The file holds whatever a command wrote: `less` alone shows control characters instead of passing them on
    to the terminal. Where it is not installed the end of the file is written, cleaned.
    """
    if not path.exists():
        return f"nothing was written: {path}"
    less = shutil.which("less")
    environment = {name: value for name, value in os.environ.items() if name not in {"LESS", "LESSOPEN"}}
    environment |= {"LESSSECURE": "1", "LESSCHARSET": "utf-8"}
    with _outside(app):
        try:
            if less is not None:
                subprocess.run([less, "--", str(path)], check=False, env=environment)
                return ""
            why = "less is not installed"
        except OSError as error:
            why = f"{less} cannot be started: {error.strerror}"
        _say(cleaned_bytes(Attempt(path.parent).output_tail(_TAIL)))
        _say(f"-- {why}; this was the end of {path}")
        _wait()
    return ""


def print_out(app: App[Any], text: str) -> None:
    """Write a text outside the screens, where a terminal can mark and scroll it."""
    with _outside(app):
        _say(text)
        _wait()


def _say(text: str) -> None:
    sys.stdout.write(cleaned(text) + "\n")
    sys.stdout.flush()


def _wait() -> None:
    _say(_COME_BACK)
    _forget_keys()
    with contextlib.suppress(OSError):
        os.read(sys.stdin.fileno(), 4_096)


def _forget_keys() -> None:
    """Throw away what was typed for the screens and not read yet."""
    # Where the terminal went away, the application will see that for itself.
    with contextlib.suppress(OSError, termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
