"""`restore key`, also called `key write`: put the master key back, after it was proven the right one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.secret_entry import asker, passphrase_option
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned

if TYPE_CHECKING:
    from aihummer_drtui.recovery.key.escrow import Escrow


@click.command()
@click.option(
    "--from",
    "source",
    required=True,
    metavar="FILE",
    help="The key escrow: a file, or - for standard input (asked for without echo at a terminal).",
)
@passphrase_option
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
    settings: Settings,
    source: str,
    passphrase_fd: int | None,
    backup_set: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Write the escrowed master key into gateway.env, and what else of the escrow is lacking there.

    A key that is not the one sealed in the backup set is refused before anything is written. An escrow
    under a passphrase is opened; in a run, where nobody can be asked, decrypt it beforehand.
    """
    from aihummer_drtui.recovery.key.escrow import read_escrow

    ask = asker(passphrase_fd, source)
    write_key(
        settings,
        lambda: read_escrow(source, passphrase=ask),
        backup_set=backup_set,
        replace=replace,
        as_json=as_json,
    )


def write_key(
    settings: Settings,
    fetch: "Callable[[], Escrow]",
    *,
    backup_set: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Put what `fetch` gives into gateway.env, proven first, and tell what was done; no secret among it.

    Target and set are judged before anybody is asked for anything. Raises DrtuiError.
    """
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE, refuse_wrong_mode
    from aihummer_drtui.recovery.ending import ended_in_order
    from aihummer_drtui.recovery.key import restore as key_restore
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    refuse_wrong_mode(target, os.environ.get(MODE_VARIABLE, ""))
    sealed = open_set(backup_set).manifest if backup_set else None
    escrow = fetch()
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
