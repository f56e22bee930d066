"""`lint` and `print`: a runbook looked at, nothing run."""

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.runbook_file import SHIPPED, author_text, judged, load_runbook, shipped_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import ExitCode, UsageError
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.runbook.findings import in_order, problem_text
from aihummer_drtui.runbook.model import Problem, Runbook
from aihummer_drtui.runbook.render import render, render_plain


class LintReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `lint --json` prints."""

    file: str
    stopping: tuple[Problem, ...]
    """With these no run starts."""
    advice: tuple[Problem, ...]


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def lint(file: Path | None, as_json: bool) -> int:
    """Tell every problem of the runbook FILE (default: the shipped one) at once.

    Each is printed as file:line:column: what, with a hint below. Ends with 0 if there is none, else 1.
    """
    name = str(file) if file else SHIPPED
    judgement = judged(author_text(file) if file else shipped_text())
    problems = in_order([*judgement.stopping, *judgement.advice])
    if as_json:
        report = LintReport(file=name, stopping=judgement.stopping, advice=judgement.advice)
        click.echo(json_text(report))
    else:
        for problem in problems:
            click.echo(problem_text(name, problem))
        click.echo(cleaned(f"{name}: {_count(judgement.stopping, judgement.advice)}"), err=True)
    return ExitCode.FAILED if problems else ExitCode.OK


@click.command("print")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option(
    "--runbook",
    "runbook_file",
    type=click.Path(path_type=Path),
    help="A runbook of your own instead of ours.",
)
@click.option("--json", "as_json", is_flag=True, help="The runbook as one JSON object.")
@click.pass_obj
def print_runbook(settings: Settings, run_id: str | None, runbook_file: Path | None, as_json: bool) -> None:
    """Print a runbook as plain text for paper, 80 columns wide; of a RUN, what remains to do.

    What remains can be followed by hand with this program dead: values are filled in.
    """
    if run_id is not None:
        from aihummer_drtui.cli.run_folder import read_run
        from aihummer_drtui.run.tabletop import is_tabletop
        from aihummer_drtui.run.told_words import NOTHING_PROVEN

        if runbook_file is not None or as_json:
            raise UsageError(
                "a run is printed as text, by the runbook it goes by",
                hint="give RUN, or --runbook and --json",
            )
        one = read_run(settings, run_id)
        statuses = {item: known.status.value for item, known in one.state.items.items()}
        if is_tabletop(one.state):
            # On paper a tick that was only told would be taken for one that was seen.
            click.echo(f"This is of a {NOTHING_PROVEN}. So no box is ticked; the values are the talk's.\n")
            statuses = {}
        print_remaining(one.runbook, statuses=statuses, values=one.state.values)
        return
    _, runbook = load_runbook(runbook_file)
    if as_json:
        click.echo(json_text(runbook))
    else:
        click.echo(render_plain(runbook), nl=False)


def print_remaining(runbook: Runbook, *, statuses: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Print what is left to do: `statuses` by item id (none = pending), `values` by input variable."""
    click.echo(render(runbook, statuses=statuses, values=values), nl=False)


def _count(stopping: tuple[Problem, ...], advice: tuple[Problem, ...]) -> str:
    if not stopping and not advice:
        return "no problem found"
    return f"{len(stopping)} that stop a run, {len(advice)} that make it harder to follow"
