"""`backup seal`: a set around a dump that exists already."""

from pathlib import Path

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned


@click.command()
@click.argument("dump", type=click.Path(path_type=Path))
@click.argument("place", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the set's folder and manifest as JSON.")
@click.pass_obj
def seal(settings: Settings, dump: Path, place: Path | None, as_json: bool) -> None:
    """Copy DUMP, a file of `pg_dump --format=custom`, into a new sealed set of PLACE (default: beside it).

    What a dump does not tell (row counts, key, version, blobs) stays unproven in every check.
    """
    from aihummer_drtui.recovery.backup.seal import seal_dump
    from aihummer_drtui.recovery.database.tools import find_tools
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    target = load_target(settings.target_path)
    click.echo(
        "note: nothing tells yet that this dump is what the gateway's host wrote: pg_restore reads it, "
        "on your word",
        err=True,
    )
    for hole in find_tools(target).known_holes:
        click.echo(cleaned(f"warning: {hole}"), err=True)
    with Reporter.from_environment() as reporter:
        made = seal_dump(target, dump, place, reporter)
    if as_json:
        click.echo(json_text({"path": made.path, "manifest": made.manifest}))
        return
    click.echo(cleaned(str(made.path)))
    for doubt in made.manifest.doubts:
        click.echo(cleaned(f"warning: {doubt}"), err=True)
    click.echo(cleaned(f"prove it: aihummer-drtui backup verify '{made.path}'"), err=True)
