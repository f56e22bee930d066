"""A sandbox's state and its building, told on a terminal."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.run.progress import Progress

if TYPE_CHECKING:
    from aihummer_drtui.sandbox.status import Status

_SAY_EVERY: Final = 5.0
"""Seconds between two lines of the same phase."""


def teller() -> Callable[[Progress], None]:
    """Say each phase once, and where it is every few seconds, on stderr."""
    phase, said = "", 0.0

    def tell(progress: Progress) -> None:
        nonlocal phase, said
        now = time.monotonic()
        if progress.phase == phase and now - said < _SAY_EVERY:
            return
        counted = f": {progress.done} of {progress.total} {progress.unit}" if progress.total else ""
        if progress.phase != phase:
            counted = ""
        phase, said = progress.phase, now
        click.echo(f"sandbox: {progress.phase}{counted}", err=True)

    return tell


def show(found: "Status", *, as_json: bool) -> None:
    """Print the state for people, or as one JSON object."""
    if as_json:
        click.echo(json_text(found))
        return
    from aihummer_drtui.quantities import bytes_text

    database = {
        True: bytes_text(found.database_bytes),
        False: "not there",
        None: "unknown, the server could not be asked",
    }
    rows = (
        ("sandbox", f"{found.condition.value} ({found.id}, a training stand-in, not AiHummer)"),
        ("folder", str(found.root)),
        ("size, seed", f"{found.size.value}, {found.seed}"),
        ("PostgreSQL", found.server.value),
        ("database", database[found.database]),
        ("blobs", f"{found.blobs}, {bytes_text(found.blob_bytes)}"),
        ("gateway.env", "there" if found.gateway_env else "not there"),
        ("gateway", f"running, {found.gateway_url}" if found.gateway_pid else "not running"),
        ("backup sets", ", ".join(found.backups) or "none"),
        ("key escrow", str(found.escrow)),
        ("target", str(found.target)),
        *_wal_rows(found),
    )
    for name, value in rows:
        click.echo(cleaned(f"{name:<12} {value}"))


def _wal_rows(found: "Status") -> tuple[tuple[str, str], ...]:
    if not found.wal:
        return ()
    return (
        ("WAL archive", f"{found.wal_files} files"),
        ("base backups", ", ".join(found.bases) or "none"),
    )
