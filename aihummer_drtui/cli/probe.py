"""`probe`: what became of a command whose end nobody saw. Reads, never changes."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.probed import Probed
from aihummer_drtui.run.verdict import PROBE_EXIT_CODES

UNKNOWN_CODE: Final = 4
"""Any code that is none of PROBE_EXIT_CODES means `unknown`; this is the program's own for it."""


PROBES: Final = {
    "restore-key": "key.check:probe_key",
    "restore-database": "database.check:probe_database",
    "restore-undo": "point_in_time.kept_probe:probe_undo_of_either",
    "drop-old": "point_in_time.kept_probe:probe_drop_of_either",
    "restore-blobs": "blobs.probe:probe_blobs",
    "restore-blobs-undo": "blobs.probe:probe_undo",
    "drop-old-blobs": "blobs.probe:probe_drop",
    "aihummer-up": "gateway.services:probe_up",
    "ready": "gateway.services:probe_ready",
    "smoke": "gateway.services:probe_rerunnable",
    "proof": "gateway.services:probe_rerunnable",
}
"""Every probe, and the module of the room `recovery` that it is imported from when it is asked."""


def probe_called(name: str) -> Callable[[Scene], Probed]:
    """The probe of this name, which is among PROBES."""
    module, _, function = PROBES[name].partition(":")
    found: Callable[[Scene], Probed] = getattr(import_module(f"aihummer_drtui.recovery.{module}"), function)
    return found


@click.command()
@click.argument("name", type=click.Choice(tuple(PROBES)))
@click.option("--backup-set", envvar="BACKUP_SET", help="The backup set the command was given.")
@click.option("--key-file", envvar="KEY_FILE", help="The key escrow the command was given.")
@click.option("--kept", envvar="KEPT_DATABASE", help="The kept database that `--drop-old` was given.")
@click.option("--to", "point", envvar="RECOVERY_POINT", help="The recovery point the command was given.")
@click.option("--from", "source", envvar="BLOBS_FROM", help="The source that `restore blobs` was given.")
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as one JSON object.")
@click.pass_obj
def probe(
    settings: Settings,
    name: str,
    backup_set: str | None,
    key_file: str | None,
    kept: str | None,
    point: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    """Say whether the command NAME has done its work.

    Ends with 0 done, 1 not done, 10 partly done, 4 it cannot be known.
    """
    from aihummer_drtui.recovery.target_file import load_target

    values = {
        "BACKUP_SET": backup_set,
        "KEY_FILE": key_file,
        "KEPT_DATABASE": kept,
        "RECOVERY_POINT": point,
        "BLOBS_FROM": source,
    }
    scene = Scene(
        target=load_target(settings.target_path),
        values={variable: value for variable, value in values.items() if value},
    )
    found = probe_called(name)(scene)
    if as_json:
        click.echo(json_text(found))
    else:
        click.echo(f"{found.result.value}: {cleaned_line(found.observed, 300)}")
    sys.stdout.flush()
    codes = {result: code for code, result in PROBE_EXIT_CODES.items()}
    sys.exit(codes.get(found.result, UNKNOWN_CODE))
