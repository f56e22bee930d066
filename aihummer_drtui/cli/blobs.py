"""`blobs`: what lies in the blob folder, held against the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from msgspec.structs import replace

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.recovery.blobs.references import Listed
from aihummer_drtui.run.verdict import Verdict


@click.group()
def blobs() -> None:
    """Look at the blob folder."""


@blobs.command()
@click.option("--backup-set", envvar="BACKUP_SET", help="The backup set to compare the counts with.")
@click.option(
    "--listing",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write every blob that is amiss to this file, a line of JSON each (mode 0600).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the sums as one JSON object.")
@click.pass_context
def compare(context: click.Context, backup_set: str | None, listing: Path | None, as_json: bool) -> None:
    """Hold database and blob folder against each other, in both directions; change neither.

    Rows whose blob is missing or differs are damage; blobs that no row refers to are not. Ends with 0 when
    all that the database refers to is there, 1 when something is missing or differs, 4 when it cannot be
    known.
    """
    from aihummer_drtui.recovery.blobs.check import compare_with_database
    from aihummer_drtui.recovery.check import Scene
    from aihummer_drtui.recovery.reporting import Reporter
    from aihummer_drtui.recovery.target_file import load_target

    settings: Settings = context.obj
    values = {"BACKUP_SET": backup_set} if backup_set else {}
    scene = Scene(target=load_target(settings.target_path), values=values)
    with (
        suppress(_NothingComparedError),
        _listing(listing) as listed,
        Reporter.from_environment() as reporter,
    ):
        found = compare_with_database(scene, listing=listed, reporter=reporter)
        seen = found.observation
        compared = found.references is not None or seen.verdict is Verdict.PASSED
        if not compared:
            raise _NothingComparedError
    if not compared and seen.verdict is Verdict.FAILED:
        # The check fails then; damage was not seen.
        seen = replace(seen, verdict=Verdict.UNKNOWN)
    if as_json:
        click.echo(
            json_text(
                {
                    "observation": seen,
                    "references": found.references,
                    "listing": listing if compared else None,
                }
            )
        )
    else:
        click.echo(cleaned(f"{seen.verdict.value}: {seen.observed}"))
        for said in (seen.hint, *(f"warning: {warning}" for warning in seen.warnings)):
            if said:
                click.echo(cleaned(said), err=True)
        if listing is not None and compared:
            click.echo(cleaned(f"listed in {listing}"), err=True)
    context.exit({Verdict.PASSED: 0, Verdict.FAILED: 1}.get(seen.verdict, 4))


class _NothingComparedError(Exception):
    """Leaves the listing as it was: of what was not compared there is none."""


@contextmanager
def _listing(path: Path | None) -> Iterator[Callable[[Listed], None]]:
    """What to call with each blob that is amiss; the file is there, whole, when the block ends."""
    if path is None:
        yield lambda _: None
        return
    from aihummer_drtui.durable import written_durably

    with written_durably(path) as file:

        def listed(one: Listed) -> None:
            file.write(json_text(one).encode() + b"\n")

        yield listed
