"""How secrets come in: without echo at a terminal or by a descriptor, never by argument or environment."""

import os
import sys
import unicodedata
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from aihummer_drtui.errors import PreconditionError, UsageError

_LIMIT: Final = 4_096
_SHORT: Final = 12
F = TypeVar("F", bound=Callable[..., Any])


def passphrase_option(command: F) -> F:
    """Add `--passphrase-fd` to a command that opens or makes an escrow under a passphrase."""
    return click.option(
        "--passphrase-fd",
        type=click.IntRange(min=0),
        metavar="N",
        help="Read the escrow's passphrase from descriptor N (default: asked for without echo).",
    )(command)


def asker(descriptor: int | None, source: str = "") -> Callable[[], str] | None:
    """Who gives the passphrase of an escrow; None where there is neither descriptor nor terminal.

    `source` is where the escrow itself is read from. Raises UsageError when both are standard input.
    """
    if descriptor == 0 and source == "-":
        raise UsageError(
            "escrow and passphrase cannot both be read from standard input",
            hint="name the escrow's file, or give the passphrase by another descriptor",
        )
    if descriptor is not None:
        return lambda: _from_descriptor(descriptor)
    if at_a_terminal():
        return lambda: _normal(without_echo("passphrase of the escrow (not shown): "))
    return None


def new_passphrase(descriptor: int | None) -> str:
    """A passphrase to seal with: typed twice, or by a descriptor once.

    Raises PreconditionError where there is nobody to ask, UsageError when it is empty or the two differ.
    """
    if descriptor is not None:
        passphrase = _from_descriptor(descriptor)
    elif at_a_terminal():
        passphrase = _normal(without_echo("a new passphrase (not shown): "))
        if passphrase != _normal(without_echo("the same again: ")):
            raise UsageError("the two passphrases differ; nothing was written", hint="run the command again")
    else:
        raise PreconditionError(
            "a passphrase is needed, and there is no terminal to ask at",
            hint="run it at a terminal, or give it by a descriptor: --passphrase-fd 3 3<FILE",
        )
    if not passphrase:
        raise UsageError(
            "the passphrase is empty; nothing was written", hint="six random words are a good one"
        )
    if len(passphrase) < _SHORT:
        click.echo(
            f"warning: fewer than {_SHORT} characters can be guessed; six random words cannot", err=True
        )
    return passphrase


def at_a_terminal() -> bool:
    """Whether somebody can be asked. A command of a run has no terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def without_echo(prompt: str) -> str:
    """What is typed at the terminal. Raises PreconditionError rather than show it."""
    import getpass

    with warnings.catch_warnings():
        # getpass would warn, and then read with echo.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except (getpass.GetPassWarning, EOFError):
            raise PreconditionError(
                "the terminal cannot hide what is typed, or was closed",
                hint="give the secret by a descriptor or a file",
            ) from None


def _from_descriptor(descriptor: int) -> str:
    try:
        if os.isatty(descriptor):
            raise UsageError(
                f"descriptor {descriptor} is a terminal, which would show the passphrase",
                hint="leave --passphrase-fd out to be asked without echo",
            )
        data = b""
        while len(data) <= _LIMIT and b"\n" not in data and (read := os.read(descriptor, _LIMIT)):
            data += read
    except OSError as error:
        raise UsageError(
            f"descriptor {descriptor} cannot be read: {error.strerror}",
            hint="open it for the command: --passphrase-fd 3 3<FILE",
        ) from None
    line = data.partition(b"\n")[0].removesuffix(b"\r")
    if len(line) > _LIMIT:
        raise UsageError(f"the passphrase is longer than {_LIMIT} bytes", hint="is it the right file?")
    return _normal(os.fsdecode(line))


def _normal(text: str) -> str:
    # The same letter is one character on one keyboard and two on another (Unicode, annex 15).
    return unicodedata.normalize("NFC", text)
