"""`key shares`: the master key in the hands of several keepers."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.main import LazyGroup
from aihummer_drtui.cli.secret_entry import at_a_terminal, passphrase_option, without_echo
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.foreign import cleaned

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow
    from aihummer_drtui.recovery.key.shares import CollectedShares

COMMANDS: Final = {
    "combine": "aihummer_drtui.cli.key_shares:combine",
    "split": "aihummer_drtui.cli.key_shares:split",
}
_LIMIT: Final = 100_000


@click.group(cls=LazyGroup, lazy=COMMANDS)
def shares() -> None:
    """Split the master key into shares for several keepers, and combine them again (SLIP-39)."""


@click.command()
@click.option("--need", type=int, required=True, metavar="K", help="How many shares give the key back.")
@click.option("--of", type=int, required=True, metavar="N", help="How many shares are made.")
@click.option(
    "--out-dir",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the shares go, a file each; made if it is not there.",
)
@click.option("--from", "source", metavar="FILE", help="An escrow to take it from (default: gateway.env).")
@passphrase_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print the files and the fingerprint as one JSON object."
)
@click.pass_obj
def split(
    settings: Settings,
    need: int,
    of: int,
    out_dir: Path,
    source: str | None,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Split the master key into N shares, any K of which give it back, and fewer tell nothing.

    The media token secret is not in them. Give each file to its keeper, and remove the folder.
    """
    from aihummer_drtui.cli.key import held_secrets
    from aihummer_drtui.recovery.key.fingerprints import parse_master_key
    from aihummer_drtui.recovery.key.keeping import dangers_of, put_shares_away
    from aihummer_drtui.recovery.key.shares import split_key
    from aihummer_drtui.recovery.target_file import load_target

    held = held_secrets(settings, source, passphrase_fd)
    made = split_key(parse_master_key(held.key_text, where=held.where), need=need, of=of)
    files = put_shares_away(made, out_dir, need=need, fingerprint=held.key_fingerprint)
    for warning in dangers_of(out_dir, load_target(settings.target_path)):
        _say(f"warning: {warning}")
    _say("give each file to its keeper, then remove the folder: together they are the key")
    if as_json:
        click.echo(json_text({"fingerprint": held.key_fingerprint, "need": need, "files": files}))
        return
    for file in files:
        click.echo(cleaned(str(file)))


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--echo", is_flag=True, help="Show what is typed: 33 words are hard to type unseen.")
@click.option("--write", is_flag=True, help="Write the key into gateway.env, as `restore key` does.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write it in the clear into a new file, mode 0600."
)
@click.option(
    "--backup-set",
    type=click.Path(path_type=Path),
    envvar="BACKUP_SET",
    help="With --write: the backup set whose sealed fingerprint the key must have.",
)
@click.option("--replace", is_flag=True, help="With --write: replace another key; the file is kept beside.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def combine(
    settings: Settings,
    files: tuple[str, ...],
    echo: bool,
    write: bool,
    out: Path | None,
    backup_set: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Combine shares in any order, and tell the key's fingerprint; no secret is printed.

    They come from FILEs, from standard input, one a line, or are asked for one at a time at a terminal.
    """
    from aihummer_drtui.cli.key_escrow import deliver
    from aihummer_drtui.cli.restore_key import write_key

    if write and out is not None:
        raise UsageError("--write and --out exclude each other", hint="choose one")
    if write:
        write_key(
            settings,
            lambda: _gathered(files, echo=echo),
            backup_set=backup_set,
            replace=replace,
            as_json=as_json,
        )
        return
    deliver(settings, _gathered(files, echo=echo), out, as_json=as_json)


def _gathered(files: tuple[str, ...], *, echo: bool) -> "Escrow":
    from aihummer_drtui.recovery.key.shares import CollectedShares

    collected = CollectedShares()
    if not files and at_a_terminal():
        _ask(collected, echo=echo)
        return collected.escrow()
    problems = []
    for text in [_share_in(file) for file in files] if files else _lines(sys.stdin.read(_LIMIT)):
        try:
            collected.add(text)
        except PreconditionError as error:
            problems.append(error)
    if problems and collected.needed != 0:
        raise PreconditionError("; ".join(one.what for one in problems), hint=problems[0].hint)
    for one in problems:
        _say(f"warning: {one.what}; the others are enough")
    return collected.escrow()


def _ask(collected: "CollectedShares", *, echo: bool) -> None:
    """Ask until there are enough. A share that is refused is asked for again; Ctrl-C ends it."""
    while (needed := collected.needed) != 0:
        still = "" if needed is None else f", {needed} more needed"
        prompt = f"share {collected.next_number}{still}{'' if echo else ' (not shown)'}: "
        typed = click.prompt(prompt.removesuffix(": "), err=True) if echo else without_echo(prompt)
        try:
            collected.add(typed)
        except PreconditionError as error:
            _say(str(error))


def _share_in(file: str) -> str:
    """The one share of a file. Raises PreconditionError."""
    from aihummer_drtui.recovery.regular_file import read_regular

    try:
        data, _ = read_regular(Path(file), limit=_LIMIT)
    except OSError as error:
        raise PreconditionError(
            f"the share cannot be read: {error.strerror}", where=file, hint="name the keeper's file"
        ) from error
    # One share may be broken over lines, as paper has it.
    return " ".join(_lines(data.decode("utf-8", "replace")))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _say(text: str) -> None:
    click.echo(cleaned(text), err=True)
