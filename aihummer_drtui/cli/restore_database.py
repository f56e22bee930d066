"""`restore database`: bring the database back, by a dump or to a point in time; and the way back from it."""

from datetime import timedelta
from pathlib import Path
from typing import TypedDict, Unpack

import click

from aihummer_drtui.cli import kept_data, kept_database
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.recovery.check import THE_DUMP
from aihummer_drtui.recovery.target import Target


class _Given(TypedDict):
    """The options."""

    backup_set: Path | None
    to: str
    base: str
    dry_run: bool
    confirm: str
    again: bool
    jobs: int
    undo: bool
    drop_old: bool
    kept: str
    early: bool
    as_json: bool


@click.command()
@click.option(
    "--backup-set",
    type=click.Path(path_type=Path),
    envvar="BACKUP_SET",
    help="The folder of the backup set; with --to POINT only its master key is compared.",
)
@click.option(
    "--to",
    default=THE_DUMP,
    envvar="RECOVERY_POINT",
    metavar="POINT",
    show_default=True,
    help="dump, latest, a time with zone, lsn:0/3000060, or name:RESTORE-POINT.",
)
@click.option(
    "--base", default="", metavar="LABEL[@TIMELINE]", help="With --to POINT: this base backup, no other."
)
@click.option("--dry-run", is_flag=True, help="With --to POINT: look, prove, and change nothing.")
@click.option("--confirm", default="", metavar="HOST/DATABASE", help="The target, as the screen shows it.")
@click.option("--again", is_flag=True, help="Restore this very set, or to this point, a second time.")
@click.option("--jobs", type=click.IntRange(0, 64), default=0, help="Parallel jobs (default: one a core).")
@click.option("--undo", is_flag=True, help="Put back what the last restore put aside.")
@click.option("--drop-old", is_flag=True, help="Remove what restores put aside, for good.")
@click.option(
    "--kept",
    default="",
    envvar="KEPT_DATABASE",
    metavar="NAME",
    help="With --undo or --drop-old: which of several databases.",
)
@click.option("--early", is_flag=True, help="With --drop-old: before its time (keep-old) is over.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def restore_database(settings: Settings, **given: Unpack[_Given]) -> None:
    """Restore the database beside the live one, compare it with the seal, then exchange the two.

    The old database is kept as DATABASE_replaced_TIME until you drop it. Any failure leaves it in place.

    With --to POINT the whole server is recovered to that moment, from a base backup and its WAL: beside
    the live one, verified, then the two data directories are exchanged and the old one is kept.

    `--undo` puts back what was put aside, `--drop-old` is rid of it.
    """
    from aihummer_drtui.recovery.target_file import load_target

    _refuse_mixed(given)
    target = load_target(settings.target_path)
    if given["undo"]:
        _undo(settings, target, given)
    elif given["drop_old"]:
        _drop_old(settings, target, given)
    elif given["to"].strip() != THE_DUMP:
        from aihummer_drtui.cli.restore_point import Asked, restore_to_point

        asked = Asked(
            to=given["to"],
            base=given["base"],
            backup_set=given["backup_set"],
            confirm=given["confirm"],
            again=given["again"],
            dry_run=given["dry_run"],
            as_json=given["as_json"],
        )
        restore_to_point(target, asked)
    else:
        _restore_dump(target, given)


def _refuse_mixed(given: _Given) -> None:
    """Let pass options that belong together. Raises UsageError."""
    if given["undo"] and given["drop_old"]:
        raise UsageError("--undo and --drop-old exclude each other", hint="choose one")
    if (given["undo"] or given["drop_old"]) and (
        given["again"] or given["jobs"] or given["base"] or given["dry_run"]
    ):
        raise UsageError("--again, --jobs, --base and --dry-run belong to a restore", hint="leave them out")
    if given["early"] and not given["drop_old"]:
        raise UsageError("--early belongs to --drop-old", hint="leave it out")


def _restore_dump(target: Target, given: _Given) -> None:
    from aihummer_drtui.cli.restore_dump import restore_dump

    backup_set = given["backup_set"]
    if backup_set is None:
        raise UsageError(
            "no backup set was named", hint="--backup-set FOLDER, or BACKUP_SET in the environment"
        )
    if given["base"] or given["dry_run"]:
        raise UsageError(
            "--base and --dry-run belong to a point in time",
            hint="name the point with --to, or leave them out",
        )
    restore_dump(
        target,
        backup_set,
        confirm=given["confirm"],
        again=given["again"],
        jobs=given["jobs"],
        as_json=given["as_json"],
    )


def _undo(settings: Settings, target: Target, given: _Given) -> None:
    """The way back from what was done last to the server: a whole data directory, or a database in it."""
    from aihummer_drtui.recovery.point_in_time.host_clock import host_clock
    from aihummer_drtui.recovery.point_in_time.points import parse_point, spelled
    from aihummer_drtui.recovery.point_in_time.undo import stands_at_a_point

    to = given["to"].strip()
    point = "" if to == THE_DUMP else spelled(parse_point(to, host_clock()))
    if not given["kept"] and stands_at_a_point(target, point=point):
        kept_data.undo(settings, confirm=given["confirm"], as_json=given["as_json"])
    else:
        kept_database.undo(settings, confirm=given["confirm"], kept=given["kept"], as_json=given["as_json"])


def _drop_old(settings: Settings, target: Target, given: _Given) -> None:
    from aihummer_drtui.recovery.database.kept import keep_time
    from aihummer_drtui.recovery.point_in_time.undo import kept_data_directories

    if not given["kept"] and kept_data_directories(target):
        keep = timedelta(0) if given["early"] else keep_time(target)
        kept_data.drop(settings, confirm=given["confirm"], keep=keep, as_json=given["as_json"])
    else:
        kept_database.drop(
            settings,
            confirm=given["confirm"],
            kept=given["kept"],
            early=given["early"],
            as_json=given["as_json"],
        )
