"""`restore database --to POINT`: bring the whole server back to a moment."""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.point_in_time.points import Clock
from aihummer_drtui.recovery.point_in_time.restore import Foreseen, Recovered, Wanted
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What stood on the command line."""

    to: str
    base: str
    backup_set: Path | None
    confirm: str
    again: bool
    dry_run: bool
    as_json: bool


def restore_to_point(target: Target, asked: Asked) -> None:
    """Recover the whole server to a point, or with `dry_run` look, prove, and say what would be done."""
    from aihummer_drtui.cli.confirmation import confirmed
    from aihummer_drtui.recovery.backup.set import open_set
    from aihummer_drtui.recovery.database.kept import kept_until
    from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
    from aihummer_drtui.recovery.point_in_time.host_clock import host_clock
    from aihummer_drtui.recovery.point_in_time.keepers import keeper_of
    from aihummer_drtui.recovery.point_in_time.points import echo, parse_point
    from aihummer_drtui.recovery.point_in_time.restore import foresee, restore_point_in_time
    from aihummer_drtui.recovery.reporting import Reporter

    clock = host_clock()
    wanted = Wanted(
        point=parse_point(asked.to, clock),
        confirm="",
        mode=os.environ.get(MODE_VARIABLE, ""),
        base=asked.base,
        backup=open_set(asked.backup_set) if asked.backup_set else None,
        again=asked.again,
    )
    keeper = keeper_of(target)
    if not asked.as_json:
        click.echo(f"recovery point: {cleaned_line(echo(wanted.point, clock))}", err=True)
    with Reporter.from_environment() as reporter:
        if asked.dry_run:
            foreseen = foresee(target, wanted, keeper, clock=clock, reporter=reporter)
        else:
            phrase = confirmed(
                target,
                asked.confirm,
                destroys="nothing; the server's whole data directory is put aside and no longer served",
                undo="restore database --undo exchanges the two again, until the old one is dropped",
            )
            done = restore_point_in_time(
                target,
                replace(wanted, confirm=phrase),
                keeper,
                clock=clock,
                reporter=reporter,
            )
    if asked.dry_run:
        click.echo(json_text(foreseen) if asked.as_json else _foreseen_text(foreseen, wanted, clock))
    else:
        click.echo(json_text(done) if asked.as_json else _done_text(done, wanted, clock))
        _say_what_is_left(done, kept_until(target, datetime.now(UTC)))


def _foreseen_text(found: Foreseen, wanted: Wanted, clock: Clock) -> str:
    from aihummer_drtui.recovery.point_in_time.points import echo
    from aihummer_drtui.recovery.point_in_time.reach import window_lines

    outlook = found.outlook
    holds = f", holds {', '.join(outlook.databases)}" if outlook.databases else ""
    lines = [
        f"point:    {echo(wanted.point, clock)}",
        *(f"window:   {line}" for line in window_lines((found.window,), clock)),
        f"replaces: {outlook.data}{holds}" if outlook.exists else f"makes:    {outlook.data}",
        f"room:     {bytes_text(outlook.free)} free, {bytes_text(outlook.needed)} needed; the old is kept",
        *(f"warning:  {warning}" for warning in outlook.warnings),
        "base backup and WAL are proven; nothing was changed",
    ]
    return cleaned("\n".join(lines))


def _done_text(done: Recovered, wanted: Wanted, clock: Clock) -> str:
    from aihummer_drtui.recovery.point_in_time.points import echo, in_both_zones

    last = in_both_zones(datetime.fromisoformat(done.reached), clock) if done.reached else "time not known"
    lines = [
        f"recovered: {done.database}, {done.rows} rows in {done.tables} tables, from base backup {done.base}",
        f"to:        {echo(wanted.point, clock)}",
        f"last transaction: {last}",
        f"position:  {done.reached_lsn or 'not known'}",
    ]
    return cleaned("\n".join(lines))


def _say_what_is_left(done: Recovered, until: datetime) -> None:
    from aihummer_drtui.recovery.database.kept import until_text

    for warning in done.warnings:
        click.echo(f"warning: {cleaned(warning)}", err=True)
    if done.kept_as is not None:
        click.echo(
            f"the old data directory is kept, {until_text(until)}, as\n  {cleaned(str(done.kept_as))}\n"
            "back to it: restore database --undo; without a way back: restore database --drop-old",
            err=True,
        )
    click.echo("take a new base backup soon: the server goes on on a new timeline", err=True)
