"""`restore blobs`: bring the blob folder back from a backup set or another source."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import click

from aihummer_drtui.cli import kept_blobs
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned

if TYPE_CHECKING:
    from aihummer_drtui.recovery.blobs.restore import Restored


@click.command()
@click.option(
    "--backup-set",
    type=click.Path(path_type=Path),
    envvar="BACKUP_SET",
    help="The folder of the backup set.",
)
@click.option(
    "--from",
    "source",
    default="",
    envvar="BLOBS_FROM",
    metavar="SOURCE",
    help="Where the blobs are, if not in the set: FOLDER, FILE.tar[.gz|.zst][#inside], rsync:[HOST:]/path, "
    "rclone:remote:path, restic:REPOSITORY[#snapshot[:path]].",
)
@click.option(
    "--accept-missing",
    is_flag=True,
    help="Without a set: exchange though blobs that rows refer to are missing.",
)
@click.option("--confirm", default="", metavar="HOST/DATABASE", help="The target, as the screen shows it.")
@click.option("--again", is_flag=True, help="Restore this very set a second time.")
@click.option("--undo", is_flag=True, help="Put the folder back that a restore put aside.")
@click.option("--drop-old", is_flag=True, help="Remove the folders that restores put aside, for good.")
@click.option("--early", is_flag=True, help="With --drop-old: before their time (keep-old) is over.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@click.pass_obj
def restore_blobs(  # noqa: PLR0913, PLR0917 - one for each option that a person can type
    settings: Settings,
    backup_set: Path | None,
    source: str,
    accept_missing: bool,
    confirm: str,
    again: bool,
    undo: bool,
    drop_old: bool,
    early: bool,
    as_json: bool,
) -> None:
    """Restore the blobs into a folder beside the live one, every byte compared, then exchange the two.

    The old folder is kept as FOLDER.replaced-TIME until you drop it. Run again after a failure, it goes
    on where it was. `--undo` puts the old folder back, `--drop-old` is rid of it.
    """
    _refuse_mixed(undo=undo, drop_old=drop_old, early=early, again=again)
    if undo:
        kept_blobs.undo(settings, confirm=confirm, as_json=as_json)
    elif drop_old:
        kept_blobs.drop(settings, confirm=confirm, early=early, as_json=as_json)
    elif backup_set is None and not source:
        raise UsageError(
            "neither a backup set nor another source was named",
            hint="--backup-set FOLDER, or BACKUP_SET in the environment, or --from SOURCE",
        )
    else:
        _restore(
            settings,
            backup_set,
            source,
            confirm=confirm,
            again=again,
            accept_missing=accept_missing,
            as_json=as_json,
        )


def _refuse_mixed(*, undo: bool, drop_old: bool, early: bool, again: bool) -> None:
    """Let pass options that belong together. Raises UsageError."""
    if undo and drop_old:
        raise UsageError("--undo and --drop-old exclude each other", hint="choose one")
    if (undo or drop_old) and again:
        raise UsageError("--again belongs to a restore", hint="leave it out")
    if early and not drop_old:
        raise UsageError("--early belongs to --drop-old", hint="leave it out")


def _restore(
    settings: Settings,
    backup_set: Path | None,
    source: str,
    *,
    confirm: str,
    again: bool,
    accept_missing: bool,
    as_json: bool,
) -> None:
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.blobs import restore as blob_restore
    from aihummer_drtui.recovery.blobs.source import parse_source
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    backup = open_set(backup_set) if backup_set else None
    from_where = parse_source(source) if source else None
    phrase = confirmed(
        target,
        confirm,
        destroys="nothing; the live blob folder is renamed and no longer used",
        undo="`restore blobs --undo`, until the old folder is dropped",
    )
    with Reporter.from_environment() as reporter:
        done = blob_restore.restore_blobs(
            target,
            backup,
            confirm=phrase,
            mode=os.environ.get(MODE_VARIABLE, ""),
            reporter=reporter,
            source=from_where,
            again=again,
            accept_missing=accept_missing,
        )
    if as_json:
        click.echo(json_text(done))
        return
    if done.folder is None:
        click.echo("media service inactive (AIHUMMER_BLOB_DIR is not set): nothing to restore")
        return
    click.echo(cleaned(f"restored: {done.blobs} blobs in {done.folder}, {_proven(done)}"))
    if done.left_out:
        click.echo(f"{done.left_out} files of the source are not of the backup set: left out", err=True)
    if done.kept_as:
        kept_blobs.say_kept(target, done.kept_as)


def _proven(done: "Restored") -> str:
    from aihummer_drtui.recovery.blobs.referred import Grade

    kept = f", {done.already_there} of them from an earlier try" if done.already_there else ""
    match done.proof.grade:
        case Grade.SEALED:
            return f"every byte as sealed{kept}"
        case Grade.REFERENCED:
            return f"{done.proof.grade} ({done.proof.note}){kept}"
        case Grade.UNPROVEN:
            return f"UNPROVEN: {done.proof.note}{kept}"
        case _:
            assert_never(done.proof.grade)
