"""`key check`: is the master key there, well formed, the backup set's, and does it open the vault?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aihummer_drtui.cli.secret_entry import passphrase_option
from aihummer_drtui.errors import ExitCode

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow
    from aihummer_drtui.recovery.looking import Looked
    from aihummer_drtui.recovery.target import Target
    from aihummer_drtui.run.verdict import Observation


@click.command()
@click.option(
    "--from", "--key-file", "source", metavar="FILE", help="A key escrow, or - (default: gateway.env)."
)
@passphrase_option
@click.option(
    "--backup-set",
    envvar="BACKUP_SET",
    help="The backup set to compare with, and to open the vault of (default: the newest; the living vault).",
)
@click.option("--vault/--no-vault", default=True, help="Also open the vault (default), or do not.")
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
    the living one. Ends with 0 when the key is proven by fingerprint or vault and nothing speaks against
    it, 1 when it is absent, malformed or wrong, 3 when an escrow cannot be read or opened, 4 when nothing
    could be proven.
    """
    from aihummer_drtui.cli.check import run_values, say_as_json, say_each
    from aihummer_drtui.cli.key import named_secrets
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(context.obj.target_path)
    values = run_values(Catalogue(target), backup_set, source)
    escrow = named_secrets(source, passphrase_fd)
    looks = _looks(target, escrow, values, backup_set=backup_set, vault=vault)
    context.exit(_code_of((say_as_json if as_json else say_each)(looks)))


def _looks(
    target: "Target",
    escrow: "Escrow | None",
    values: Mapping[str, str],
    *,
    backup_set: str | None,
    vault: bool,
) -> "Iterator[Looked]":
    """A look at the escrow's key, or that of gateway.env, and one at the vault with a key that is sound."""
    from aihummer_drtui.recovery.catalogue import Catalogue, all_checks, seen_by
    from aihummer_drtui.recovery.check import Scene
    from aihummer_drtui.recovery.key.check import judge_escrow
    from aihummer_drtui.recovery.looking import Looked, look_at_each
    from aihummer_drtui.run.verdict import Verdict

    if escrow is not None:
        described = all_checks()["key-escrow"].description
        scene = Scene(target=target, values=values)
        yield Looked(check=described, observation=seen_by(lambda: judge_escrow(scene, escrow), described))
    else:
        for looked in look_at_each(Catalogue(target), ["master-key"], values):
            yield looked
            if looked.observation.verdict is Verdict.FAILED:
                return
    if vault:
        described = all_checks()["vault-in-dump" if backup_set else "vault-opens"].description
        yield Looked(
            check=described,
            observation=seen_by(lambda: _look_into_vault(target, escrow, backup_set), described),
        )


def _look_into_vault(target: "Target", escrow: "Escrow | None", backup_set: str | None) -> "Observation":
    """With its progress on the screen, and not in a thread: whoever waits may end it."""
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.database.connection import owner_in
    from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
    from aihummer_drtui.recovery.key import vault, vault_in_dump
    from aihummer_drtui.recovery.key.fingerprints import parse_master_key
    from aihummer_drtui.recovery.key.opening import unknown_layout
    from aihummer_drtui.recovery.reporting import Reporter

    if target.vault is None:
        return unknown_layout(vault_in_dump.BY_HAND if backup_set else vault.BY_HAND)
    env = read_gateway_env(target.gateway_env)
    if escrow is not None:
        env = escrow.completing(env)
    key = escrow.key if escrow else parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    if not backup_set:
        return vault.look_with_key(target.vault, owner_in(env), key)
    backup = open_set(Path(backup_set))
    with Reporter.from_environment() as reporter:
        return vault_in_dump.look_with_key(
            target, target.vault, backup, key, owner=owner_in(env), reporter=reporter
        )


def _code_of(looks: "Sequence[Looked]") -> ExitCode:
    """Sealed fingerprint and vault each prove a key alone; that one cannot be asked takes nothing away."""
    from aihummer_drtui.run.verdict import Verdict

    verdicts = {one.observation.verdict for one in looks}
    if Verdict.FAILED in verdicts:
        return ExitCode.FAILED
    return ExitCode.OK if Verdict.PASSED in verdicts else ExitCode.UNKNOWN_OUTCOME
