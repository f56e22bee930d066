"""`key escrow`: put the master key away under a passphrase, and get it back."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.main import LazyGroup
from aihummer_drtui.cli.secret_entry import asker, new_passphrase, passphrase_option
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow

COMMANDS: Final = {
    "create": "aihummer_drtui.cli.key_escrow:create",
    "recover": "aihummer_drtui.cli.key_escrow:recover",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def escrow() -> None:
    """Put the master key away under a passphrase, and get it back."""


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--from", "source", metavar="FILE", help="An escrow to take it from (default: gateway.env).")
@click.option("--whole", is_flag=True, help="Put every variable in, not only key and media token secret.")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def create(
    settings: Settings, out: Path, source: str | None, whole: bool, passphrase_fd: int | None, as_json: bool
) -> None:
    """Write master key and media token secret into the new file OUT, under a passphrase.

    The file is opened again before this ends. Keep it apart from host and backups, and the passphrase
    apart from the file.
    """
    from aihummer_drtui.cli.key import held_secrets
    from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, MEDIA_TOKEN_SECRET
    from aihummer_drtui.recovery.key.escrow import WITHOUT_MEDIA_SECRET
    from aihummer_drtui.recovery.key.keeping import create_escrow, dangers_of, refuse_taken
    from aihummer_drtui.recovery.target_file import load_target

    held = held_secrets(settings, source, None)
    refuse_taken(out)
    wanted = {
        name: value
        for name, value in held.variables.items()
        if whole or name in {MASTER_KEY, MEDIA_TOKEN_SECRET}
    }
    warnings = [*dangers_of(out, load_target(settings.target_path))]
    if MEDIA_TOKEN_SECRET not in wanted:
        warnings.append(WITHOUT_MEDIA_SECRET)
    fingerprint = create_escrow(wanted, out, new_passphrase(passphrase_fd))
    for warning in warnings:
        _say(f"warning: {warning}")
    _say(f"written to {out} and opened again: {', '.join(wanted)}")
    if as_json:
        told = {"path": out, "fingerprint": fingerprint, "variables": list(wanted), "warnings": warnings}
        click.echo(json_text(told))
    else:
        click.echo(f"escrow made, fingerprint {fingerprint}")


@click.command()
@click.argument("source", metavar="FILE")
@click.option("--write", is_flag=True, help="Write it into gateway.env, as `restore key` does.")
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
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def recover(
    settings: Settings,
    source: str,
    write: bool,
    out: Path | None,
    backup_set: Path | None,
    replace: bool,
    passphrase_fd: int | None,
    as_json: bool,
) -> None:
    """Open the escrow FILE, and tell what it holds by name; no secret is printed.

    With --write it goes into gateway.env; with --out into a file, for a run, whose commands nobody can
    be asked by. Remove that file when the recovery is over.
    """
    from aihummer_drtui.cli.restore_key import write_key
    from aihummer_drtui.recovery.key.escrow import read_escrow

    if write and out is not None:
        raise UsageError("--write and --out exclude each other", hint="choose one")
    ask = asker(passphrase_fd, source)
    if write:
        write_key(
            settings,
            lambda: read_escrow(source, passphrase=ask),
            backup_set=backup_set,
            replace=replace,
            as_json=as_json,
        )
        return
    deliver(settings, read_escrow(source, passphrase=ask), out, as_json=as_json)


def deliver(settings: Settings, held: "Escrow", out: Path | None, *, as_json: bool) -> None:
    """Write what was recovered into a new file, where one is named, and tell its fingerprint and names."""
    from aihummer_drtui.recovery.key.escrow import escrow_text
    from aihummer_drtui.recovery.key.keeping import dangers_of, put_away
    from aihummer_drtui.recovery.target_file import load_target

    warnings = list(held.warnings)
    if out is not None:
        warnings += dangers_of(out, load_target(settings.target_path))
        put_away(escrow_text(held.variables), out)
    for warning in warnings:
        _say(f"warning: {warning}")
    _say(f"it holds {', '.join(held.variables)}")
    if out is not None:
        _say(f"written in the clear to {out}: remove it when the recovery is over")
    if as_json:
        told = {"path": out, "fingerprint": held.key_fingerprint, "variables": list(held.variables)}
        click.echo(json_text(told | {"warnings": warnings}))
    else:
        click.echo(f"master key recovered, fingerprint {held.key_fingerprint}")


def _say(text: str) -> None:
    click.echo(cleaned(text), err=True)
