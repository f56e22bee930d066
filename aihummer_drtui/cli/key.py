"""`key`: tell which master key this is, hold it against a backup set, write it, keep it safe."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.main import LazyGroup
from aihummer_drtui.cli.secret_entry import asker, passphrase_option
from aihummer_drtui.cli.settings import Settings

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow
    from aihummer_drtui.recovery.looking import Looked

COMMANDS: Final = {
    "check": "aihummer_drtui.cli.key:check",
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


@click.command()
@click.option("--from", "source", metavar="FILE", help="A key escrow, or - (default: gateway.env).")
@passphrase_option
@click.option(
    "--backup-set", envvar="BACKUP_SET", help="The backup set to compare with (default: the newest)."
)
@click.option("--vault", is_flag=True, help="Also open the living vault with the key of gateway.env.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON list.")
@click.pass_context
def check(
    context: click.Context,
    source: str | None,
    passphrase_fd: int | None,
    backup_set: str | None,
    vault: bool,
    as_json: bool,
) -> None:
    """Look whether the key is there, well formed, and the one that the backup set was sealed with.

    Ends with 0 when it is, 1 when it is not, 3 when an escrow cannot be read or opened, 4 when there is
    nothing to compare with.
    """
    from aihummer_drtui.cli.check import run_values, say_as_json, say_each, verdict_code
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.looking import Looked, look_at_each
    from aihummer_drtui.recovery.target_file import load_target

    settings: Settings = context.obj
    target = load_target(settings.target_path)
    catalogue = Catalogue(target)
    values = run_values(catalogue, backup_set, source)
    looks: list[Looked] = []
    if source is not None:
        looks.append(_look_at_source(settings, source, passphrase_fd, values))
    names = [*(["master-key"] if source is None else []), *(["vault-opens"] if vault else [])]
    looks += look_at_each(catalogue, names, values)
    context.exit(verdict_code((say_as_json if as_json else say_each)(looks)))


def held_secrets(settings: Settings, source: str | None, passphrase_fd: int | None) -> "Escrow":
    """What an escrow holds, or gateway.env where none is named; with a well-formed key. Raises DrtuiError."""
    from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
    from aihummer_drtui.recovery.key.escrow import Escrow, read_escrow
    from aihummer_drtui.recovery.key.fingerprints import parse_master_key
    from aihummer_drtui.recovery.target_file import load_target

    if source is not None:
        return read_escrow(source, passphrase=asker(passphrase_fd, source))
    env = read_gateway_env(load_target(settings.target_path).gateway_env)
    parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    return Escrow(
        where=str(env.path), variables={name: value for name, value in env.variables.items() if value}
    )


def _look_at_source(
    settings: Settings, source: str, passphrase_fd: int | None, values: Mapping[str, str]
) -> "Looked":
    """What the check key-escrow would see, of an escrow that is opened here and may come through a pipe."""
    from aihummer_drtui.recovery.check import Scene
    from aihummer_drtui.recovery.key.check import CHECKS, judge_escrow
    from aihummer_drtui.recovery.looking import Looked
    from aihummer_drtui.recovery.target_file import load_target

    described = next(one.description for one in CHECKS if one.description.name == "key-escrow")
    scene = Scene(target=load_target(settings.target_path), values=values)
    held = held_secrets(settings, source, passphrase_fd)
    return Looked(check=described, observation=judge_escrow(scene, held))
