"""After `restore database --to POINT`: the way back to the data directory that was put aside, and its end."""

import os
from datetime import timedelta

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned


def undo(settings: Settings, *, confirm: str, as_json: bool) -> None:
    """Exchange the recovered data directory for the one it replaced."""
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.point_in_time.undo import undo_point_in_time
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    phrase = confirmed(
        target,
        confirm,
        destroys="nothing; what was written since the recovery is no longer served",
        undo="`restore database --to` recovers anew; what is put aside now is kept",
    )
    with Reporter.from_environment() as reporter:
        done = undo_point_in_time(
            target, confirm=phrase, mode=os.environ.get(MODE_VARIABLE, ""), reporter=reporter
        )
    if as_json:
        click.echo(json_text(done))
        return
    click.echo(cleaned(f"undone: {done.data} is again what it was before the recovery to {done.point}"))
    if done.kept_as is not None:
        click.echo(cleaned(f"the recovered data directory is kept as {done.kept_as}"), err=True)


def drop(settings: Settings, *, confirm: str, keep: timedelta, as_json: bool) -> None:
    """Remove the data directories that recoveries put aside; `keep` = how long the last is kept at least."""
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.point_in_time.undo import drop_old_data_directory, kept_data_directories
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    names = ", ".join(str(folder) for folder in kept_data_directories(target))
    phrase = confirmed(
        target,
        confirm,
        destroys=f"for good: {names}" if names else "nothing: no old data directory is kept",
        undo="none: there is no way back to that server afterwards",
    )
    with Reporter.from_environment() as reporter:
        done = drop_old_data_directory(
            target, confirm=phrase, mode=os.environ.get(MODE_VARIABLE, ""), reporter=reporter, keep=keep
        )
    if as_json:
        click.echo(json_text(done))
        return
    for folder in done.folders:
        click.echo(cleaned(f"dropped: {folder}"))
