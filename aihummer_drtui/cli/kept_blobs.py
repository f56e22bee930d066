"""`restore blobs --undo` and `--drop-old`: what becomes of the folder that a restore put aside."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from aihummer_drtui.cli.confirmation import confirmed
from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
from aihummer_drtui.recovery.target import Target


def undo(settings: Settings, *, confirm: str, as_json: bool) -> None:
    """Put the old blob folder back in place."""
    from aihummer_drtui.recovery.blobs.undo import comes_back, marked_place, undo_blobs
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    if old := comes_back(marked_place(target)):
        click.echo(cleaned(f"back in place comes {old.name}, put aside at {old.at}"), err=True)
    phrase = confirmed(
        target,
        confirm,
        destroys="nothing; the restored blob folder is renamed and no longer used",
        undo="restore the same set again: `restore blobs`",
    )
    done = undo_blobs(target, confirm=phrase, mode=os.environ.get(MODE_VARIABLE, ""))
    if as_json:
        click.echo(json_text(done))
        return
    click.echo(cleaned(f"undone: {done.folder} is the folder that was there before the restore"))
    if done.kept_as is None:
        click.echo("the restored folder is gone: it was removed after an undo that was cut off", err=True)
    else:
        say_kept(target, done.kept_as, "restored")


def drop(settings: Settings, *, confirm: str, early: bool, as_json: bool) -> None:
    """Remove the old blob folders whose time has come, for good."""
    from aihummer_drtui.recovery.blobs.drop import drop_old_blobs, old_folders
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    now = datetime.now(UTC)
    due = [str(one.path) for one in old_folders(target) if one.may_go(now, early=early)]
    phrase = confirmed(
        target,
        confirm,
        destroys=f"{', '.join(due)} with all that is in it" if due else "nothing: no old folder is due",
        undo="none: what is removed is gone",
    )
    with Reporter.from_environment() as reporter:
        done = drop_old_blobs(
            target, confirm=phrase, mode=os.environ.get(MODE_VARIABLE, ""), early=early, reporter=reporter
        )
    if as_json:
        click.echo(
            json_text({"removed": done.removed, "kept": {str(one.path): one.until for one in done.kept}})
        )
        return
    for path in done.removed:
        click.echo(cleaned(f"removed: {path}"))
    if not done.removed:
        click.echo("no old blob folder is kept: there was nothing to remove")
    for one in done.kept:
        click.echo(cleaned(f"{one.path} is kept until {one.until.isoformat(timespec='seconds')}"), err=True)


def say_kept(target: Target, folder: Path, which: str = "old") -> None:
    """Say where the folder that was put aside is, until when, and how to be rid of it."""
    from aihummer_drtui.recovery.blobs.drop import kept_until

    until = kept_until(target, datetime.now(UTC)).isoformat(timespec="seconds")
    click.echo(cleaned(f"the {which} folder is kept as {folder}"), err=True)
    click.echo(f"at least until {until}; from then on: restore blobs --drop-old", err=True)
