"""`restore database --undo` and `--drop-old`: what is done with the database that a restore put aside."""

import os
from datetime import datetime

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned


def say_kept(name: str, until: str) -> None:
    """Tell where the old database is, and until when."""
    from aihummer_drtui.recovery.database.kept import until_text

    click.echo(
        cleaned(
            f"the old database is kept as {name}, {until_text(datetime.fromisoformat(until))}\n"
            "back: aihummer-drtui restore database --undo; "
            "rid of it: aihummer-drtui restore database --drop-old"
        ),
        err=True,
    )


def undo(settings: Settings, *, confirm: str, kept: str, as_json: bool) -> None:
    """Put the kept database back in place of the restored one."""
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.database import undo as database_undo
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    if facts := database_undo.undo_facts(target, kept):
        click.echo(cleaned(f"back in place comes {facts}"), err=True)
    phrase = confirmed(
        target,
        confirm,
        destroys="nothing; what was written since the restore is no longer served",
        undo="the same command again: the one put aside now is then the newest that is kept",
    )
    done = database_undo.undo_restore(
        target, confirm=phrase, mode=os.environ.get(MODE_VARIABLE, ""), kept=kept
    )
    if as_json:
        click.echo(json_text(done))
        return
    click.echo(cleaned(f"undone: {done.database} is again what was kept as {done.back}"))
    if done.kept_as:
        say_kept(done.kept_as, done.kept_until)


def drop(settings: Settings, *, confirm: str, kept: str, early: bool, as_json: bool) -> None:
    """Drop the kept database for good."""
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.database import undo as database_undo
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    facts = database_undo.drop_facts(target, kept)
    if facts:
        click.echo(cleaned(f"to be dropped: {facts}"), err=True)
    phrase = confirmed(
        target,
        confirm,
        destroys=f"for good: {facts}" if facts else "nothing: no old database is kept",
        undo="none: there is no way back to that database afterwards",
    )
    done = database_undo.drop_old(
        target, confirm=phrase, mode=os.environ.get(MODE_VARIABLE, ""), kept=kept, early=early
    )
    if as_json:
        click.echo(json_text(done))
    elif done is None:
        click.echo("no old database is kept: nothing to drop")
    else:
        click.echo(cleaned(f"dropped: {done.name}, {done.rows}, put aside {done.since}"))
