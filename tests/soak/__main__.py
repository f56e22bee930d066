"""`python -m tests.soak [--minutes 60] [--events 100000]`: the table on stdout, news on stderr."""

import sys
import tempfile
import time
from pathlib import Path

import click

from tests.soak.plan import THE_HOUR, Plan
from tests.soak.soaking import soak


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.5), default=60.0, show_default=True)
@click.option("--events", type=click.IntRange(1), default=100_000, show_default=True, help="In the journal.")
@click.option(
    "--dir",
    "place",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(tempfile.gettempdir()),
    help="Where the run is kept: the disk that is written to.",
)
def main(minutes: float, events: int, place: Path) -> None:
    """Soak one run, and say whether memory stayed flat, the screens answered and resuming was quick.

    Ends with 1 when a limit was missed or something went wrong.
    """
    plan = Plan(seconds=minutes * 60, events=events)
    with tempfile.TemporaryDirectory(prefix="drtui-soak-", dir=place) as folder:
        account = soak(Path(folder), plan, _tell)
    for line in account.table():
        click.echo(line)
    missed = account.missed(THE_HOUR, plan.events)
    for line in missed:
        click.echo(f"MISSED: {line}")
    if missed:
        sys.exit(1)
    click.echo("All limits were met.")


def _tell(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')} {text}", err=True)


if __name__ == "__main__":
    main()
