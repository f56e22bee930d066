"""`restore database`: bring the database back from a backup set."""

import os
from pathlib import Path

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned


@click.command()
@click.option(
    "--backup-set",
    type=click.Path(path_type=Path),
    envvar="BACKUP_SET",
    required=True,
    help="The folder of the backup set.",
)
@click.option("--confirm", default="", metavar="HOST/DATABASE", help="The target, as the screen shows it.")
@click.option("--again", is_flag=True, help="Restore this very set a second time.")
@click.option("--jobs", type=click.IntRange(0, 64), default=0, help="Parallel jobs (default: one a core).")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def restore_database(
    settings: Settings, backup_set: Path, confirm: str, again: bool, jobs: int, as_json: bool
) -> None:
    """Restore the database beside the live one, compare it with the seal, then exchange the two.

    The old database is kept as DATABASE_replaced_TIME until you drop it. Any failure leaves it in place.
    """
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.database import restore as database_restore
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    backup = open_set(backup_set)
    phrase = confirmed(
        target,
        confirm,
        destroys="nothing; the live database is renamed and no longer used",
        undo="rename the two databases back while no one is connected",
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
        name = cleaned(done.kept_as)
        click.echo(f'the old database is kept as {name}; when you are sure: DROP DATABASE "{name}"', err=True)
