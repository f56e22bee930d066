"""`restore database`: bring the database back from a backup set."""

import os
from pathlib import Path

import click

from aihummer_drtui.cli import kept_database
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned


@click.command()
@click.option(
    "--backup-set",
    type=click.Path(path_type=Path),
    envvar="BACKUP_SET",
    help="The folder of the backup set.",
)
@click.option("--confirm", default="", metavar="HOST/DATABASE", help="The target, as the screen shows it.")
@click.option("--again", is_flag=True, help="Restore this very set a second time.")
@click.option("--jobs", type=click.IntRange(0, 64), default=0, help="Parallel jobs (default: one a core).")
@click.option("--undo", is_flag=True, help="Put the database back that a restore put aside.")
@click.option("--drop-old", is_flag=True, help="Drop the database that a restore put aside, for good.")
@click.option(
    "--kept",
    default="",
    envvar="KEPT_DATABASE",
    metavar="NAME",
    help="With --undo or --drop-old: which of several.",
)
@click.option("--early", is_flag=True, help="With --drop-old: before its time (keep-old) is over.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def restore_database(  # noqa: PLR0913, PLR0917 - one for each option that a person can type
    settings: Settings,
    backup_set: Path | None,
    confirm: str,
    again: bool,
    jobs: int,
    undo: bool,
    drop_old: bool,
    kept: str,
    early: bool,
    as_json: bool,
) -> None:
    """Restore the database beside the live one, compare it with the seal, then exchange the two.

    The old database is kept as DATABASE_replaced_TIME until you drop it. Any failure leaves it in place.
    `--undo` puts it back, `--drop-old` is rid of it.
    """
    _refuse_mixed(undo=undo, drop_old=drop_old, early=early, restores=again or bool(jobs))
    if undo:
        kept_database.undo(settings, confirm=confirm, kept=kept, as_json=as_json)
    elif drop_old:
        kept_database.drop(settings, confirm=confirm, kept=kept, early=early, as_json=as_json)
    elif backup_set is None:
        raise UsageError(
            "no backup set was named", hint="--backup-set FOLDER, or BACKUP_SET in the environment"
        )
    else:
        _restore(settings, backup_set, confirm=confirm, again=again, jobs=jobs, as_json=as_json)


def _refuse_mixed(*, undo: bool, drop_old: bool, early: bool, restores: bool) -> None:
    """Let pass options that belong together. Raises UsageError."""
    if undo and drop_old:
        raise UsageError("--undo and --drop-old exclude each other", hint="choose one")
    if (undo or drop_old) and restores:
        raise UsageError("--again and --jobs belong to a restore", hint="leave them out")
    if early and not drop_old:
        raise UsageError("--early belongs to --drop-old", hint="leave it out")


def _restore(
    settings: Settings, backup_set: Path, *, confirm: str, again: bool, jobs: int, as_json: bool
) -> None:
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
