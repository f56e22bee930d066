"""`python -m tests.benchmarks [NAME…] [--rounds 5] [--quick]`: one table on stdout, news on stderr."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tests.benchmarks.side_by_side import Outcome, run_by_turns, table
from tests.benchmarks.subjects import SUBJECTS, Setting, load


@click.command()
@click.argument("names", metavar="[NAME…]", type=click.Choice(list(SUBJECTS)), nargs=-1)
@click.option("--rounds", type=click.IntRange(1), default=5, help="How often each contender runs.")
@click.option("--quick", is_flag=True, help="Small data: only shows that everything runs.")
@click.option("--only", default="", help="Only the comparisons whose name holds this text.")
@click.option(
    "--dir",
    "place",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(tempfile.gettempdir()),
    help="Where the data is made: the disk that is measured.",
)
def main(names: tuple[str, ...], rounds: int, quick: bool, only: str, place: Path) -> None:
    """Measure this program side by side with what a person would type instead.

    Ends with 1 when a goal was missed, with small data (--quick) never.
    """
    outcomes: list[Outcome] = []
    try:
        for name in names or SUBJECTS:
            with (
                _open_folder(place, name) as folder,
                load(name)(Setting(folder=folder, quick=quick)) as comparisons,
            ):
                for comparison in comparisons:
                    if only in comparison.name:
                        outcomes.append(run_by_turns(comparison, rounds, _tell))
    finally:
        # What was measured before something broke is shown too.
        click.echo(table(outcomes))
    if quick:
        _tell("small data: the ratios prove nothing")
    elif not all(each.all_hold for each in outcomes):
        sys.exit(1)


@contextmanager
def _open_folder(place: Path, name: str) -> Iterator[Path]:
    """A folder that another account may pass through: as root, PostgreSQL's server is one."""
    with tempfile.TemporaryDirectory(prefix=f"drtui-benchmark-{name}-", dir=place) as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


def _tell(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)


if __name__ == "__main__":
    main()
