"""`backup list`: a line for each recovery point."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.wal_windows import window_as_json, window_lines
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text

if TYPE_CHECKING:
    from aihummer_drtui.recovery.backup.points import RecoveryPoint
    from aihummer_drtui.recovery.point_in_time.model import Window
    from aihummer_drtui.recovery.target import Target

_COLUMNS: Final = (
    "RECOVERY POINT",
    "AGE=RPO NOW",
    "AIHUMMER",
    "POSTGRESQL",
    "SIZE",
    "SEALED",
    "VERIFIED",
    "KEY",
    "SIGNED",
)


@click.command("list")
@click.argument("places", metavar="[PLACE]...", type=click.Path(path_type=Path), nargs=-1)
@click.option("--key-file", help="Compare with the key of this escrow (default: the key in gateway.env).")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_obj
def list_points(settings: Settings, places: tuple[Path, ...], key_file: str | None, as_json: bool) -> None:
    """List every recovery point in the PLACEs (default: backup-places), the newest first.

    Its age is what a recovery from it would lose now. What only looks like a backup is listed last. Base
    backups with their WAL follow, each with the window that it brings back, unless PLACEs are named.
    """
    from datetime import UTC

    from aihummer_drtui.recovery.backup.signature import trusted_keys
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    now = datetime.now(UTC)
    fingerprint = _fingerprint(target, key_file)
    windows = () if places else _windows(target)
    points = _found(places or target.backup_places, fingerprint, now, trusted_keys(target), bool(windows))
    if as_json:
        told = [_window_as_json(window, points, now) for window in windows]
        listed = [_as_json(point) for point in points]
        click.echo(json_text({"now": now.isoformat(), "points": listed, "windows": told}))
        return
    _print(points, now)
    _print_windows(windows, points, now)
    if not points and not windows:
        click.echo("no recovery point was found", err=True)
    elif not fingerprint:
        click.echo("key unproven: gateway.env holds no key here; compare with --key-file", err=True)


def _found(
    places: tuple[Path, ...],
    fingerprint: str,
    now: datetime,
    trusted: frozenset[str],
    others: bool,
) -> "list[RecoveryPoint]":
    from aihummer_drtui.recovery.backup.points import newest_first, recovery_points

    points: list[RecoveryPoint] = []
    failures = []
    for place in places:
        try:
            points += recovery_points(place, fingerprint=fingerprint, now=now, trusted=trusted)
        except PreconditionError as error:
            failures.append(error)
    if len(failures) == len(places) and not others:
        raise failures[0]
    for failure in failures:
        click.echo(cleaned(f"warning: {failure}"), err=True)
    return newest_first(points)


def _windows(target: "Target") -> "tuple[Window, ...]":
    """The windows of the target's keeper; none where it names none. What cannot be seen is warned of."""
    from aihummer_drtui.recovery.point_in_time.keepers import keeper_of, names_keeper

    if not names_keeper(target):
        return ()
    try:
        return keeper_of(target).windows()
    except DrtuiError as error:
        click.echo(cleaned(f"warning: base backups and WAL are not listed: {error}"), err=True)
        return ()


def _print_windows(windows: "tuple[Window, ...]", points: "list[RecoveryPoint]", now: datetime) -> None:
    from aihummer_drtui.recovery.backup.skew import window_skew

    manifests = [point.manifest for point in points if point.manifest]
    for window in windows:
        lines = window_lines(window, now)
        skew = window_skew(window, manifests)
        if skew is not None and skew > 0:
            lines.append(
                f"{'':<14} blobs: the newest copy is {duration_text(skew)} older than that end; rows of"
            )
            lines.append(f"{'':<14} that time may refer to blobs that are in no set")
        click.echo("\n".join(lines))


def _window_as_json(window: "Window", points: "list[RecoveryPoint]", now: datetime) -> dict[str, object]:
    from aihummer_drtui.recovery.backup.skew import window_skew

    manifests = [point.manifest for point in points if point.manifest]
    return {**window_as_json(window, now), "blobs_older_seconds": window_skew(window, manifests)}


def _fingerprint(target: "Target", key_file: str | None) -> str:
    """Of the named escrow's key, else of the key at hand; empty where there is none that can be read."""
    from aihummer_drtui.recovery.key.at_hand import fingerprint_at_hand
    from aihummer_drtui.recovery.key.escrow import read_escrow

    return fingerprint_at_hand(target) if key_file is None else read_escrow(key_file).key_fingerprint


def _print(points: "list[RecoveryPoint]", now: datetime) -> None:
    rows = [_COLUMNS, *(_row(point, now) for point in points)] if points else []
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))] if rows else []
    for row, path in zip(rows, ["SET", *(_place(point) for point in points)], strict=False):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join((*cells, path)))
    for point in points:
        if told := _skew_text(point):
            click.echo(f"skew of {cleaned_line(point.path.name, 60)}: {told}")


def _skew_text(point: "RecoveryPoint") -> str:
    from aihummer_drtui.recovery.backup.skew import set_skew

    skew = set_skew(point.manifest) if point.manifest else None
    if skew is None or not (skew.rows_without_blob or skew.blobs_without_row):
        return ""
    return f"{skew.rows_without_blob} rows without their blob, {skew.blobs_without_row} blobs without a row"


def _place(point: "RecoveryPoint") -> str:
    wrong = point.damage or point.problem
    why = f" ({cleaned_line(wrong)})" if wrong else ""
    return cleaned_line(str(point.path), 1000) + why


def _row(point: "RecoveryPoint", now: datetime) -> tuple[str, ...]:
    manifest = point.manifest
    if manifest is None or point.age is None:
        return ("-", "-", "-", "-", bytes_text(point.size), "NO", "-", "-", "-")
    verified = "DAMAGED" if point.damage else "never"
    if point.verified:
        seconds = (now - point.verified.moment).total_seconds()
        verified = f"{duration_text(seconds)} ago"
    return (
        cleaned_line(manifest.recovery_point[:19].replace("T", " ") + "Z", 20),
        duration_text(point.age) if point.age >= 0 else "in the future",
        cleaned_line(manifest.aihummer_version, 30) or "unproven",
        _server_version(manifest.database.server_version_num),
        bytes_text(point.size),
        "yes",
        verified,
        point.key.value,
        point.signed.value,
    )


def _server_version(number: int) -> str:
    return f"{number // 10_000}.{number % 10_000}"


def _as_json(point: "RecoveryPoint") -> dict[str, object]:
    from aihummer_drtui.recovery.backup.skew import set_skew

    manifest = point.manifest
    return {
        "path": point.path,
        "sealed": manifest is not None,
        "problem": point.problem,
        "recovery_point": manifest.recovery_point if manifest else None,
        "age_seconds": point.age,
        "rpo_now_seconds": point.age,
        "aihummer_version": (manifest.aihummer_version or None) if manifest else None,
        "server_version": _server_version(manifest.database.server_version_num) if manifest else None,
        "size": point.size,
        "verified_at": point.verified.at if point.verified else None,
        "damage": point.damage or None,
        "key": point.key.value,
        "signed": point.signed.value,
        "skew": set_skew(manifest) if manifest else None,
    }
