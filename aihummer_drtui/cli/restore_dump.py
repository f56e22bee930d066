"""`restore database --to dump`: bring the database back from a backup set."""

import os
from pathlib import Path

import click

from aihummer_drtui.cli import kept_database
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.recovery.target import Target


def restore_dump(
    target: Target, backup_set: Path, *, confirm: str, again: bool, jobs: int, as_json: bool
) -> None:
    """Restore the dump of a backup set beside the live database, and exchange the two."""
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.database import restore as database_restore
    from aihummer_drtui.recovery.database.tools import find_tools
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.reporting import Reporter

    backup = open_set(backup_set)
    for hole in find_tools(target, at_least=backup.manifest.tools_major).known_holes:
        click.echo(cleaned(f"warning: {hole}"), err=True)
    phrase = confirmed(
        target,
        confirm,
        destroys="nothing; the live database is renamed and no longer used",
        undo="`restore database --undo`, until the old database is dropped",
    )
    with Reporter.from_environment() as reporter:
        done = database_restore.restore_database(
            target,
            backup,
            confirm=phrase,
            mode=os.environ.get(MODE_VARIABLE, ""),
            reporter=reporter,
            again=again,
            jobs=jobs,
        )
    if as_json:
        click.echo(json_text(done))
        return
    for reason in done.tolerated:
        click.echo(cleaned(f"tolerated an error of pg_restore: {reason}"), err=True)
    for warning in done.warnings:
        click.echo(cleaned(f"warning: {warning}"), err=True)
    told = "as sealed" if done.compared else "UNPROVEN: the set was sealed without row counts"
    click.echo(f"restored: {cleaned(done.database)}, {done.rows} rows in {done.tables} tables, {told}")
    if done.kept_as:
        kept_database.say_kept(done.kept_as, done.kept_until)
