"""`key`: tell which master key this is, hold it against a backup set, write it, keep it safe."""

from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.main import LazyGroup
from aihummer_drtui.cli.secret_entry import asker, passphrase_option
from aihummer_drtui.cli.settings import Settings

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow

COMMANDS: Final = {
    "check": "aihummer_drtui.cli.key_check:check",
    "escrow": "aihummer_drtui.cli.key_escrow:escrow",
    "fingerprint": "aihummer_drtui.cli.key:fingerprint",
    "shares": "aihummer_drtui.cli.key_shares:shares",
    # The runbook's command by another name: there is one way to write a key.
    "write": "aihummer_drtui.cli.restore_key:restore_key",
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def key() -> None:
    """Tell, check, write and keep the master key. No command prints it."""


@click.command()
@click.option("--from", "source", metavar="FILE", help="A key escrow, or - (default: gateway.env).")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Print the fingerprints as one JSON object.")
@click.pass_obj
def fingerprint(settings: Settings, source: str | None, passphrase_fd: int | None, as_json: bool) -> None:
    """Print the fingerprint of the master key: the name that backup sets know it by."""
    held = held_secrets(settings, source, passphrase_fd)
    if as_json:
        told = {"master_key": held.key_fingerprint, "media_token": held.media_token_fingerprint}
        click.echo(json_text(told))
    else:
        click.echo(held.key_fingerprint)


def named_secrets(source: str | None, passphrase_fd: int | None) -> "Escrow | None":
    """What the named escrow holds; None where none is named. Raises DrtuiError."""
    from aihummer_drtui.recovery.key.escrow import read_escrow

    return None if source is None else read_escrow(source, passphrase=asker(passphrase_fd, source))


def held_secrets(settings: Settings, source: str | None, passphrase_fd: int | None) -> "Escrow":
    """What an escrow holds, or gateway.env where none is named; with a well-formed key. Raises DrtuiError."""
    from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
    from aihummer_drtui.recovery.key.escrow import Escrow
    from aihummer_drtui.recovery.key.fingerprints import parse_master_key
    from aihummer_drtui.recovery.target_file import load_target

    named = named_secrets(source, passphrase_fd)
    if named is not None:
        return named
    env = read_gateway_env(load_target(settings.target_path).gateway_env)
    parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    return Escrow(
        where=str(env.path), variables={name: value for name, value in env.variables.items() if value}
    )
