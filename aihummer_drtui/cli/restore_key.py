"""`restore key`: put the master key back, after it was proven to be the right one."""

import os
from pathlib import Path

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned


@click.command()
@click.option(
    "--from",
    "source",
    required=True,
    metavar="FILE",
    help="The key escrow: a file, or - for standard input (asked for without echo at a terminal).",
)
@click.option(
    "--backup-set",
    type=click.Path(path_type=Path),
    envvar="BACKUP_SET",
    help="The backup set whose sealed fingerprint the key must have.",
)
@click.option("--replace", is_flag=True, help="Replace another key that is there; the file is kept beside.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def restore_key(
    settings: Settings, source: str, backup_set: Path | None, replace: bool, as_json: bool
) -> None:
    """Write the escrowed master key into gateway.env, and what else of the escrow is lacking there.

    A key that is not the one sealed in the backup set is refused before anything is written.
    """
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE, refuse_wrong_mode
    from aihummer_drtui.recovery.ending import ended_in_order
    from aihummer_drtui.recovery.key import restore as key_restore
    from aihummer_drtui.recovery.key.escrow import read_escrow
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    refuse_wrong_mode(target, os.environ.get(MODE_VARIABLE, ""))
    sealed = open_set(backup_set).manifest if backup_set else None
    escrow = read_escrow(source)
    with ended_in_order():
        done = key_restore.restore_key(target, escrow, sealed=sealed, replace=replace)
    for warning in done.warnings:
        _say(f"warning: {warning}")
    if done.kept_beside is not None:
        _say(f"the former file is kept as {done.kept_beside}")
    if done.written:
        _say(f"written to {target.gateway_env} and read back: {', '.join(done.written)}")
    else:
        _say(f"{target.gateway_env} has all of it already; nothing was written")
    if as_json:
        click.echo(json_text(done))
    else:
        click.echo(f"master key in place, fingerprint {done.fingerprint}")


def _say(text: str) -> None:
    click.echo(cleaned(text), err=True)
