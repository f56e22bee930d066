"""`wal`: how far archived WAL reaches, and whether it goes on."""

import shlex
from datetime import datetime
from typing import TYPE_CHECKING

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.wal_windows import window_as_json, window_lines
from aihummer_drtui.errors import ExitCode, UsageError
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.quantities import duration_text

if TYPE_CHECKING:
    from aihummer_drtui.recovery.point_in_time.archiver import Archiver
    from aihummer_drtui.recovery.point_in_time.wal_status import WalStatus
    from aihummer_drtui.recovery.target import Target


@click.group()
def wal() -> None:
    """Look at the write-ahead log that is archived for point-in-time recovery."""


@wal.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as one JSON object.")
@click.option("--nagios", is_flag=True, help="Print one line and end as monitoring plugins do: 0, 2 or 3.")
@click.pass_context
def status(context: click.Context, as_json: bool, nagios: bool) -> None:
    """Show whether WAL is archived, and from when to when it brings data back; change nothing.

    Ends with 0 when all of it is whole, 1 when archiving fails or WAL is missing, 4 when something
    cannot be known.
    """
    if as_json and nagios:
        raise UsageError("--json and --nagios exclude each other", hint="choose one")
    from aihummer_drtui.recovery.point_in_time.wal_status import wal_status
    from aihummer_drtui.recovery.target_file import load_target

    settings: Settings = context.obj
    target = load_target(settings.target_path)
    found = wal_status(target)
    if nagios:
        context.exit(_say_to_monitoring(found))
    if as_json:
        click.echo(json_text(_as_json(found)))
    else:
        _say(found, target)
    context.exit(_code(found))


def _code(found: "WalStatus") -> ExitCode:
    if found.problems:
        return ExitCode.FAILED
    return ExitCode.UNKNOWN_OUTCOME if found.unknown else ExitCode.OK


def _say(found: "WalStatus", target: "Target") -> None:
    lines = [f"{'keeper':<14} {found.keeper or 'unknown'}"]
    if found.archiver is not None:
        lines += _archiver_lines(found.archiver, found.now)
    for window in found.windows:
        lines += window_lines(window, found.now)
    if found.oldest_needed and target.wal is not None:
        lines.append(f"WAL before {found.oldest_needed} serves no base backup; to remove it:")
        lines.append(f"  pg_archivecleanup {shlex.quote(str(target.wal.archive))} {found.oldest_needed}")
    lines += [f"[x] {problem}" for problem in found.problems]
    lines += [f"[?] {doubt}" for doubt in found.unknown]
    if found.hint:
        lines.append(f"HINT: {found.hint}")
    click.echo(cleaned("\n".join(lines)))


def _archiver_lines(archiver: "Archiver", now: datetime) -> list[str]:
    waiting = "unknown" if archiver.waiting is None else str(archiver.waiting)
    return [
        f"{'archiving':<14} archive_mode {archiver.mode}, archive_command {archiver.command}",
        f"{'last archived':<14} {_event(archiver.last_archived, archiver.last_archived_at, now)}",
        f"{'last failed':<14} {_event(archiver.last_failed, archiver.last_failed_at, now)}",
        f"{'waiting':<14} {waiting} WAL files ready and not archived yet",
    ]


def _event(name: str, at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never, as far as the server's statistics go back"
    return f"{name} at {at:%Y-%m-%d %H:%M:%SZ}, {duration_text((now - at).total_seconds())} ago"


def _as_json(found: "WalStatus") -> dict[str, object]:
    archiver = found.archiver
    return {
        "now": found.now.isoformat(),
        "keeper": found.keeper,
        "archiver": archiver
        and {
            "archive_mode": archiver.mode,
            "archive_command": archiver.command,
            "last_archived": archiver.last_archived,
            "last_archived_at": archiver.last_archived_at,
            "last_failed": archiver.last_failed,
            "last_failed_at": archiver.last_failed_at,
            "failures": archiver.failures,
            "waiting": archiver.waiting,
        },
        "windows": [window_as_json(window, found.now) for window in found.windows],
        "rpo_now_seconds": found.age,
        "oldest_needed": found.oldest_needed,
        "problems": found.problems,
        "unknown": found.unknown,
    }


def _say_to_monitoring(found: "WalStatus") -> int:
    """One line, and the code for it (https://www.monitoring-plugins.org/doc/guidelines.html)."""
    code, word = 0, "OK"
    if found.problems:
        code, word = 2, "CRITICAL"
    elif found.unknown:
        code, word = 3, "UNKNOWN"
    reach = "no window" if found.age is None else f"last moment {duration_text(found.age)} ago"
    told = "; ".join((reach, *found.problems, *found.unknown)).replace("|", "/")
    performance = "" if found.age is None else f" | rpo={found.age:.0f}s"
    click.echo(cleaned(f"{word} - {told}{performance}"))
    return code
