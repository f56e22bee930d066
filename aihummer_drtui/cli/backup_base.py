"""`backup base`: a verified physical copy of the whole server, for point-in-time recovery."""

from pathlib import Path

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.quantities import bytes_text


@click.command()
@click.argument("place", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the base backup's folder and seal as JSON.")
@click.pass_obj
def base(settings: Settings, place: Path | None, as_json: bool) -> None:
    """Copy this host's whole server into a new folder of PLACE (default: the first of base-places).

    With the WAL archived from then on, any later moment can be brought back (docs/wal.md).
    Runs as root or as the server's account.
    """
    from aihummer_drtui.recovery.point_in_time.base_create import make_base
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    where = place or next(iter(target.wal.base_places if target.wal else ()), None)
    if where is None:
        raise PreconditionError(
            "no place for a base backup is named",
            hint="name a folder, or `base-places` in [wal] of target.toml",
        )
    with Reporter.from_environment() as reporter:
        made = make_base(target, where.absolute(), reporter)
    seal = made.seal
    if as_json:
        click.echo(json_text({"path": made.path, "base": seal}))
        return
    click.echo(cleaned(str(made.path)))
    _say(
        f"sealed: {bytes_text(seal.size)} in {seal.files} files, PostgreSQL {seal.server_version}, "
        f"WAL {seal.start_lsn} to {seal.end_lsn}, timeline {seal.timeline}"
    )
    _say(f"with archived WAL it brings back every moment from {seal.ended[:19]}Z on")
    if not seal.key_fingerprint:
        _say("warning: no usable master key was set: no key can be compared with this base backup")


def verify_base_backup(settings: Settings, folder: Path, *, as_json: bool) -> None:
    """Verify the base backup in `folder` and tell of it. Raises PreconditionError, FailedError."""
    from aihummer_drtui.recovery.point_in_time.base import open_base
    from aihummer_drtui.recovery.point_in_time.base_verify import base_verified, verify_base
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    opened = open_base(folder.absolute())
    with Reporter.from_environment() as reporter:
        signed = verify_base(target, opened, reporter)
    recorded = base_verified(opened) is not None
    if as_json:
        told = {"base": opened.seal, "signed": signed, "recorded": recorded}
        click.echo(json_text({"path": folder, **told}))
        return
    click.echo(cleaned(f"sound: {folder}"))
    _say(f"{bytes_text(opened.seal.size)} in {opened.seal.files} files read, every hash as sealed")
    _say(f"signature: {signed}")
    if not recorded:
        _say("warning: `backup list` will not tell of it, no record could be written beside base.json")


def _say(text: str) -> None:
    click.echo(cleaned(text), err=True)
