"""`sandbox`: a private AiHummer stand-in to drill on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.sandbox_text import show, teller
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned

if TYPE_CHECKING:
    from aihummer_drtui.sandbox.layout import Layout
    from aihummer_drtui.sandbox.status import Status

_dir = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="The sandbox's folder (default: sandbox in the state folder).",
)
_json = click.option("--json", "as_json", is_flag=True, help="Give the status as one JSON object.")


@click.group()
def sandbox() -> None:
    """Build, look at, break and remove a training stand-in for AiHummer.

    It is not AiHummer: it honours what is publicly known of it (probes, files, commands, vault
    envelope), on a real PostgreSQL of its own, in one folder. Nothing outside that folder is touched,
    no database that was there before, and no TCP port of PostgreSQL is taken unless asked.
    """


@sandbox.command()
@_dir
@click.option(
    "--size",
    type=click.Choice(["small", "medium", "large"]),
    default="small",
    show_default=True,
    help="About 5 MB, 200 MB or 2 GB, half of it in blobs.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="The same seed gives the same rows, blobs and vault.",
)
@click.option(
    "--postgres-bin",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of PostgreSQL's programs (default: the extra's package, then the system's).",
)
@click.option(
    "--tcp-port",
    type=click.IntRange(1, 65_535),
    help="Let PostgreSQL listen on this port of 127.0.0.1, too.",
)
@click.option("--no-backup", is_flag=True, help="Take no backup; a later loss cannot be recovered.")
@click.option("--wal", is_flag=True, help="Archive WAL and take a base backup, for point-in-time recovery.")
@_json
@click.pass_obj
def up(settings: Settings, /, **options: Any) -> None:
    """Build a training stand-in and take its backup; or start the one that is there."""
    built = {name: options[name] for name in ("size", "seed", "postgres_bin", "tcp_port", "no_backup", "wal")}
    found = build_sandbox(sandbox_folder(settings, options["folder"], make=True), **built)
    show(found, as_json=options["as_json"])


def build_sandbox(
    folder: Path,
    *,
    size: str,
    seed: int,
    postgres_bin: Path | None,
    tcp_port: int | None = None,
    no_backup: bool = False,
    wal: bool = False,
) -> "Status":
    """Build the sandbox, or start the one that is there, telling on stderr what is going on."""
    from aihummer_drtui.sandbox import lifecycle
    from aihummer_drtui.sandbox.marker import Size

    with _faults_told():
        return lifecycle.up(
            folder,
            size=Size(size),
            seed=seed,
            postgres_bin=postgres_bin,
            tcp_port=tcp_port,
            take_backup=_no_backup if no_backup else _take_backup,
            tell=teller(),
            wal=wal,
        )


@sandbox.command("break")
@_dir
@_json
@click.pass_obj
def break_(settings: Settings, folder: Path | None, as_json: bool) -> None:
    """Lose the stand-in's host: database, blobs, gateway.env and services gone.

    Backups, escrow and an empty PostgreSQL with its roles stay: a replacement host. Of a sandbox made
    with --wal the server is lost too, with the WAL that was not archived yet, and replaced by a new one.
    """
    from aihummer_drtui.sandbox import lifecycle

    with _faults_told():
        found = lifecycle.break_host(sandbox_folder(settings, folder))
    if not found.backups:
        click.echo("there is no backup set: this loss cannot be recovered", err=True)
    show(found, as_json=as_json)


@sandbox.command()
@_dir
@click.option("--json", "as_json", is_flag=True, help="Give the id and the folder as one JSON object.")
@click.pass_obj
def down(settings: Settings, folder: Path | None, as_json: bool) -> None:
    """Stop the sandbox and remove its folder, backups and all; only if it is a sandbox."""
    from aihummer_drtui.sandbox import lifecycle

    place = sandbox_folder(settings, folder)
    with _faults_told():
        removed = lifecycle.down(place)
    if as_json:
        click.echo(json_text({"id": removed, "root": place}))
    else:
        click.echo(cleaned(f"removed {removed} in {place}"))


@sandbox.command()
@_dir
@_json
@click.pass_obj
def status(settings: Settings, folder: Path | None, as_json: bool) -> None:
    """Show what is there of the sandbox just now."""
    from aihummer_drtui.sandbox.status import status as look

    with _faults_told():
        found = look(sandbox_folder(settings, folder))
    show(found, as_json=as_json)


@sandbox.command()
@_dir
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="How long to write."
)
@click.option(
    "--every", type=click.FloatRange(min=0.01), default=0.5, show_default=True, help="Seconds between rows."
)
@click.option("--json", "as_json", is_flag=True, help="Give the first and the last row as one JSON object.")
@click.pass_obj
def traffic(settings: Settings, folder: Path | None, seconds: float, every: float, as_json: bool) -> None:
    """Write messages that tell the time into the stand-in, for a drill to a chosen minute."""
    from aihummer_drtui.sandbox.traffic import write_traffic

    with _faults_told():
        written = write_traffic(sandbox_folder(settings, folder), seconds=seconds, every=every)
    if as_json:
        click.echo(json_text(written))
        return
    click.echo(cleaned(f"{written.count} messages"))
    for word, row in (("first", written.first), ("last", written.last)):
        click.echo(cleaned(f"{word:<5} {row.id}  {row.body}"))


def sandbox_folder(settings: Settings, folder: Path | None, *, make: bool = False) -> Path:
    """The folder meant: the one given, else `sandbox` in the state folder.

    With `make`, root's state folder is opened for passing through (not for looking): its PostgreSQL
    runs as another account. Raises PreconditionError, OSError.
    """
    if folder is not None:
        return folder
    from aihummer_drtui.engine.folder import state_dir

    state = state_dir(settings.state_dir)
    if make:
        found = state.stat()
        if os.geteuid() == 0 and found.st_uid == 0 and not found.st_mode & 0o001:
            state.chmod(found.st_mode & 0o777 | 0o011)  # each run's folder is closed itself
    return state / "sandbox"


@contextmanager
def _faults_told() -> Iterator[None]:
    """Turn what the system refuses (no space, no right) into FailedError with the file's name."""
    from aihummer_drtui.errors import FailedError

    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FailedError(
            f"the system refused: {error.strerror or error}",
            where=str(error.filename or ""),
            hint="is the disk full, or the folder another account's? look: aihummer-drtui sandbox status",
        ) from error


def _take_backup(layout: "Layout") -> None:
    """Take the backup before the loss with the very command that an operator would type.

    A child, because the stand-in must not know how recovery works. Raises FailedError with its words.
    """
    click.echo("sandbox: taking the backup before the loss", err=True)
    _run_backup(layout, "create", layout.backups)
    if layout.wal.exists():
        click.echo("sandbox: taking the base backup", err=True)
        _run_backup(layout, "base", layout.bases)


def _run_backup(layout: "Layout", kind: str, place: Path) -> None:
    from aihummer_drtui.errors import FailedError
    from aihummer_drtui.foreign import cleaned_bytes

    ended = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "aihummer_drtui", "--target", str(layout.target)),
            *("backup", kind, str(place)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if ended.returncode != 0:
        raise FailedError(
            f"the backup before the loss failed ({ended.returncode}): "
            f"{cleaned_bytes(ended.stdout).strip()[-1000:]}",
            where=str(place),
            hint="aihummer-drtui sandbox up tries again from the start",
        )


def _no_backup(layout: "Layout") -> None:
    """Leave `layout` without a backup, as the user asked."""
