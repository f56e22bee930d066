"""`reset-tty`: the terminal as a shell expects it, after screens that were killed could not leave it so."""

import os
import termios
from typing import Final

import click

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.tui.terminal import SANE

_TERMINAL: Final = "/dev/tty"
"""The terminal that the command was typed on, wherever its output goes (tty(4))."""
_INPUT: Final = termios.ICRNL | termios.IXON
_NOT_INPUT: Final = termios.INLCR | termios.IGNCR | termios.ISTRIP
_OUTPUT: Final = termios.OPOST | termios.ONLCR
_LOCAL: Final = termios.ICANON | termios.ECHO | termios.ECHOE | termios.ECHOK | termios.ISIG | termios.IEXTEN


@click.command("reset-tty")
def reset_tty() -> None:
    """Mend this terminal after the screens were killed: no echo, wrong screen, mouse left on."""
    try:
        descriptor = os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise PreconditionError(
            f"there is no terminal to mend: {error.strerror}",
            where=_TERMINAL,
            hint="type it on the terminal that is to be mended, not in a pipe or a job of cron",
        ) from error
    try:
        # As `stty sane` (POSIX) leaves the settings that the screens change.
        settings = termios.tcgetattr(descriptor)
        settings[0] = settings[0] & ~_NOT_INPUT | _INPUT
        settings[1] |= _OUTPUT
        settings[3] |= _LOCAL
        settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
        termios.tcsetattr(descriptor, termios.TCSANOW, settings)
        os.write(descriptor, SANE + b"\r")
    finally:
        os.close(descriptor)
    click.echo("The terminal is as a shell expects it. Runs go on: `aihummer-drtui resume`.", err=True)
