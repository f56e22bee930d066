"""Leaving the screen for a while: a shell, a pager, a print; and coming back to where it was."""

import contextlib
import os
import shutil
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, Final

from textual.app import App

from aihummer_drtui.foreign import cleaned

_COME_BACK: Final = "-- Enter: back to the screens --"


def open_shell(app: App[Any], folder: Path) -> None:
    """An interactive shell of the operator's; it starts in the run's folder."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    with app.suspend():
        _say("A shell on this host. `exit` comes back; the run goes on meanwhile.")
        _forget_keys()
        try:
            subprocess.run([shell], check=False, cwd=folder)
        except OSError as error:
            _say(f"{shell} cannot be started: {error.strerror}")
            _wait()


def open_pager(app: App[Any], path: Path) -> str:
    """The whole file in a pager. Gives what is wrong, or nothing.

    The file holds whatever a command wrote: a pager that passes control characters on to the terminal
    is not used for it.
    """
    if not path.exists():
        return f"nothing was written: {path}"
    less = shutil.which("less") or shutil.which("more")
    if less is None:
        return f"neither less nor more is installed; the file is {path}"
    environment = {
        name: value for name, value in os.environ.items() if name not in {"LESS", "LESSOPEN", "MORE"}
    }
    environment |= {"LESSSECURE": "1", "LESSCHARSET": "utf-8"}
    with app.suspend():
        subprocess.run([less, "--", str(path)], check=False, env=environment)
    return ""


def print_out(app: App[Any], text: str) -> None:
    """Write a text outside the screens, where a terminal can mark and scroll it."""
    with app.suspend():
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
