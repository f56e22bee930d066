"""`key`: tell which master key this is, hold it against a backup set, write it, keep it safe."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.main import LazyGroup
from aihummer_drtui.cli.secret_entry import asker, passphrase_option
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import ExitCode, PreconditionError

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow
    from aihummer_drtui.recovery.looking import Looked
    from aihummer_drtui.recovery.target import Target
    from aihummer_drtui.run.verdict import Observation

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
@click.option(
    "--from", "--key-file", "source", metavar="FILE", help="A key escrow, or - (default: gateway.env)."
)
@passphrase_option
@click.option(
    "--backup-set", envvar="BACKUP_SET", help="The backup set to compare with (default: the newest)."
)
@click.option("--vault/--no-vault", default=True, help="Also open the vault with it (default), or do not.")
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
    """Look whether the key is there, well formed, the one that the set was sealed with, and opens the vault.

    With --backup-set the vault in the dump is opened, in a scratch database that is dropped again; without,
    the living one. Ends with 0 when the key is proven by one or the other and nothing speaks against it,
    1 when it is absent, malformed or wrong, 3 when an escrow cannot be read or opened, 4 when nothing
    could be proven.
    """
    from aihummer_drtui.cli.check import run_values, say_as_json, say_each
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(context.obj.target_path)
    values = run_values(Catalogue(target), backup_set, source)
    held = _named_secrets(source, passphrase_fd)
    looks = _looks(target, held, values, backup_set=backup_set, vault=vault)
    context.exit(_key_code((say_as_json if as_json else say_each)(looks)))


def _looks(
    target: "Target",
    escrow: "Escrow | None",
    values: Mapping[str, str],
    *,
    backup_set: str | None,
    vault: bool,
) -> "Iterator[Looked]":
    """Each look at an escrow's key, or at that of gateway.env; the vault's only where there is a key."""
    from aihummer_drtui.recovery.catalogue import Catalogue, all_checks, seen_by
    from aihummer_drtui.recovery.check import Scene
    from aihummer_drtui.recovery.key.check import judge_escrow
    from aihummer_drtui.recovery.looking import Looked, look_at_each

    if escrow is None:
        yield from look_at_each(Catalogue(target), ["master-key"], values)
    else:
        described = all_checks()["key-escrow"].description
        scene = Scene(target=target, values=values)
        yield Looked(check=described, observation=seen_by(lambda: judge_escrow(scene, escrow), described))
    key = escrow.key if escrow else _key_there(target)
    if not vault or key is None:
        return
    described = all_checks()["vault-in-dump" if backup_set else "vault-opens"].description
    yield Looked(
        check=described,
        observation=seen_by(lambda: _look_into_vault(target, key, backup_set), described),
    )


def _key_there(target: "Target") -> bytes | None:
    """The key in gateway.env; what is wrong with it is told by the check master-key."""
    from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
    from aihummer_drtui.recovery.key.fingerprints import parse_master_key

    try:
        env = read_gateway_env(target.gateway_env)
        return parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    except PreconditionError:
        return None


def _look_into_vault(target: "Target", key: bytes, backup_set: str | None) -> "Observation":
    """With its progress on the screen, and not in a thread: whoever waits may end it."""
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.key import vault, vault_in_dump
    from aihummer_drtui.recovery.reporting import Reporter

    if not backup_set:
        return vault.look_with_key(target, key)
    with Reporter.from_environment() as reporter:
        return vault_in_dump.look_with_key(target, open_set(Path(backup_set)), key, reporter=reporter)


def _key_code(looks: "Sequence[Looked]") -> ExitCode:
    """Sealed fingerprint and vault each prove a key alone; that one cannot be asked takes nothing away."""
    from aihummer_drtui.run.verdict import Verdict

    verdicts = {one.observation.verdict for one in looks}
    if Verdict.FAILED in verdicts:
        return ExitCode.FAILED
    return ExitCode.OK if Verdict.PASSED in verdicts else ExitCode.UNKNOWN_OUTCOME


def _named_secrets(source: str | None, passphrase_fd: int | None) -> "Escrow | None":
    from aihummer_drtui.recovery.key.escrow import read_escrow

    return None if source is None else read_escrow(source, passphrase=asker(passphrase_fd, source))


def held_secrets(settings: Settings, source: str | None, passphrase_fd: int | None) -> "Escrow":
    """What an escrow holds, or gateway.env where none is named; with a well-formed key. Raises DrtuiError."""
    from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
    from aihummer_drtui.recovery.key.escrow import Escrow
    from aihummer_drtui.recovery.key.fingerprints import parse_master_key
    from aihummer_drtui.recovery.target_file import load_target

    named = _named_secrets(source, passphrase_fd)
    if named is not None:
        return named
    env = read_gateway_env(load_target(settings.target_path).gateway_env)
    parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    return Escrow(
        where=str(env.path), variables={name: value for name, value in env.variables.items() if value}
    )
