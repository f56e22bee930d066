"""The gate before something that cannot be taken back: the operator types what it acts upon."""

import sys

import click

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.recovery.target import Target


def confirmed(target: Target, given: str, *, destroys: str, undo: str) -> str:
    """Return the identity as it was given, or as it is typed now at a terminal after the facts were shown.

    Whether it is the right one is for the action to judge. Raises PreconditionError that names the exact
    text where nothing was given and nobody sits at a terminal.
    """
    if given:
        return given
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.database.connection import owner_of

    phrase = cleaned_line(owner_of(target).phrase)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PreconditionError(
            "the target was not confirmed, and there is no terminal to ask at",
            where=phrase,
            hint=f"look at what is there, then say: --confirm {phrase}",
        )
    try:
        facts = Catalogue(target).identity().facts
    except DrtuiError as error:
        facts = (f"what is there could not be seen: {error.what}",)
    lines = [f"target:   {phrase}", *(f"          {fact}" for fact in facts)]
    lines += [f"destroys: {destroys}", f"undo:     {undo}"]
    click.echo(cleaned("\n".join(lines)), err=True)
    typed: str = click.prompt("type host/database to go on (Ctrl-C to leave all as it is)", err=True)
    return typed.strip()
