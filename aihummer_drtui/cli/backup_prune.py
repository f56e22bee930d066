"""`backup prune`: old sets go, by a rule that keeps the ones that matter."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned_line

if TYPE_CHECKING:
    from aihummer_drtui.recovery.backup.prune import Judged


@click.command()
@click.argument("place", type=click.Path(path_type=Path), required=False)
@click.option("--keep-daily", type=int, default=0, help="Keep the newest set of that many days.")
@click.option("--keep-weekly", type=int, default=0, help="Keep the newest set of that many weeks.")
@click.option("--keep-monthly", type=int, default=0, help="Keep the newest set of that many months.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed (the default).")
@click.option("--yes", is_flag=True, help="Remove it.")
@click.option("--json", "as_json", is_flag=True, help="Print what is kept and removed as JSON.")
@click.pass_obj
def prune(
    settings: Settings,
    place: Path | None,
    keep_daily: int,
    keep_weekly: int,
    keep_monthly: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove old sets of PLACE (default: the first of backup-places). Without --yes it only tells.

    The newest set, the newest verified one and the newest with blobs are always kept. Whatever is no
    sealed set, or one that a restore would refuse, is left alone and counts for none.
    """
    from aihummer_drtui.recovery.backup.prune import Keep, judge, remove_set
    from aihummer_drtui.recovery.backup.signature import trusted_keys
    from aihummer_drtui.recovery.target_file import load_target

    if dry_run and yes:
        raise UsageError("--dry-run and --yes contradict each other", hint="give one of them")
    target = load_target(settings.target_path)
    place = place or target.backup_places[0]
    keep = Keep(daily=keep_daily, weekly=keep_weekly, monthly=keep_monthly)
    judged = judge(place, keep, trusted=trusted_keys(target))
    for one in judged:
        if one.goes and yes:
            remove_set(one.backup)
        if not as_json:
            click.echo(_line(one, removed=yes))
    if as_json:
        kept = [{"path": one.backup.path, "reasons": one.reasons} for one in judged if one.reasons]
        left = [{"path": one.backup.path, "problem": one.problem} for one in judged if one.problem]
        going = [one.backup.path for one in judged if one.goes]
        told = {"kept": kept, "left_alone": left, "removed" if yes else "would_remove": going}
        click.echo(json_text(told))
    elif not yes and any(one.goes for one in judged):
        click.echo("nothing was removed; say --yes to remove them", err=True)


def _line(one: "Judged", *, removed: bool) -> str:
    path = cleaned_line(str(one.backup.path), 1000)
    if one.problem:
        return f"left alone: {cleaned_line(one.problem, 200)}  {path}"
    if one.reasons:
        return f"keep    {path}  ({', '.join(one.reasons)})"
    return f"{'removed' if removed else 'would remove'}  {path}"
