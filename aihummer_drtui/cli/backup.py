"""`backup`: make a backup set, and find out whether one can be trusted."""

from pathlib import Path

import click

from aihummer_drtui.cli.backup_base import base, verify_base_backup
from aihummer_drtui.cli.backup_list import list_points
from aihummer_drtui.cli.backup_prune import prune
from aihummer_drtui.cli.backup_schedule import schedule
from aihummer_drtui.cli.backup_seal import seal
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.quantities import bytes_text


@click.group()
def backup() -> None:
    """Make backup sets, seal dumps of others, list what there is, verify it."""


backup.add_command(base)
backup.add_command(list_points)
backup.add_command(prune)
backup.add_command(schedule)
backup.add_command(seal)


@backup.command()
@click.argument("place", type=click.Path(path_type=Path), required=False)
@click.option(
    "--copy-all", is_flag=True, help="Copy unchanged blobs too, instead of linking to the newest set's."
)
@click.option(
    "--format",
    "dump_format",
    type=click.Choice(["custom", "directory"]),
    default="custom",
    show_default=True,
    help="The dump: one file, or a folder that several jobs write at once.",
)
@click.option("--jobs", type=click.IntRange(0, 64), help="With --format=directory (default: one a core).")
@click.option("--json", "as_json", is_flag=True, help="Print the set's folder and manifest as JSON.")
@click.pass_obj
def create(
    settings: Settings,
    place: Path | None,
    copy_all: bool,
    dump_format: str,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Back up database and blobs into a new folder of PLACE (default: the first of backup-places).

    The master key is not in it: only its fingerprint. Keep the key elsewhere.
    """
    from aihummer_drtui.recovery.backup.create import create_backup
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    if jobs is not None and dump_format == "custom":
        raise UsageError("one file is written by one job", hint="say --format=directory with --jobs")
    target = load_target(settings.target_path)
    with Reporter.from_environment() as reporter:
        made = create_backup(
            target,
            place or target.backup_places[0],
            reporter,
            link_blobs=not copy_all,
            jobs=None if dump_format == "custom" else jobs or 0,
        )
    manifest = made.manifest
    if as_json:
        click.echo(json_text({"path": made.path, "manifest": manifest}))
        return
    click.echo(str(made.path))
    _say(
        f"sealed: database {bytes_text(manifest.database.size)} in {len(manifest.database.tables)} tables, "
        f"{manifest.blobs.count} blobs ({bytes_text(manifest.blobs.size)}), "
        f"recovery point {manifest.recovery_point}"
    )
    for warning in manifest.doubts:
        _say(f"warning: {warning}")


@backup.command()
@click.argument("folder", metavar="SET", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.pass_obj
def verify(settings: Settings, folder: Path, as_json: bool) -> None:
    """Read every byte of the backup set SET: all hashes, and the whole dump decoded by pg_restore.

    SET may be a base backup, too: seal, list of files, every file and its WAL, by pg_verifybackup.
    """
    if (folder / "base.json").exists():
        verify_base_backup(settings, folder, as_json=as_json)
        return
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.backup.verify import verify_backup
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    with Reporter.from_environment() as reporter:
        found = verify_backup(target, open_set(folder), reporter)
    if as_json:
        told = {
            "dump": found.dump,
            "blobs": found.blobs,
            "signed": found.signed,
            "recorded": not found.not_recorded,
        }
        click.echo(json_text({"path": folder, **told}))
        return
    click.echo(cleaned(f"sound: {folder}"))
    _say(f"{bytes_text(found.dump)} of dump decoded, {found.blobs} blobs read, every hash as sealed")
    _say(f"signature: {found.signed}")
    if found.not_recorded:
        _say(f"warning: `backup list` will not tell of it, no record could be written: {found.not_recorded}")


def _say(text: str) -> None:
    click.echo(cleaned(text), err=True)
