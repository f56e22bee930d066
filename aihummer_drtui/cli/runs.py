"""`runs`, `status`, `abandon`: look at runs without sitting down to them, and give one up."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aihummer_drtui.cli.json_text import json_text
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.foreign import cleaned, cleaned_line

if TYPE_CHECKING:
    from aihummer_drtui.engine.folder import RunFolder
    from aihummer_drtui.run.state import RunState
    from aihummer_drtui.runbook.model import Runbook


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object a line.")
@click.pass_obj
def runs(settings: Settings, as_json: bool) -> None:
    """List all runs, newest first."""
    from aihummer_drtui.engine.folder import list_runs, state_to_read
    from aihummer_drtui.engine.standing_runs import state_of

    folders = list_runs(state_to_read(settings.state_dir))
    for folder in reversed(folders):
        state = state_of(folder)
        if as_json:
            click.echo(_as_json(folder, state))
        else:
            click.echo(_line(folder, state))
    if not folders and not as_json:
        click.echo("No runs yet. `aihummer-drtui drill` is a good first one.", err=True)


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--json", "as_json", is_flag=True, help="The whole state as one object.")
@click.pass_obj
def status(settings: Settings, run_id: str | None, as_json: bool) -> int:
    """Show where a run stands (default: the newest), without attaching to it.

    Exit code 0: proven. 1: failed, abandoned or finished short of proven (a tabletop always is).
    3: not finished yet. 4: a command's outcome is unknown.
    """
    from aihummer_drtui.cli.run_folder import read_run

    one = read_run(settings, run_id)
    if as_json:
        click.echo(_as_json(one.folder, one.state))
    else:
        _show(one.state, one.runbook, one.folder.path)
    return _exit_code(one.state)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--reason", required=True, help="Why; it goes into the record.")
@click.option("--operator", default="", help="Who gives it up (default: the login name).")
@click.option("--json", "as_json", is_flag=True, help="The state afterwards as one object.")
@click.pass_obj
def abandon(settings: Settings, run_id: str, reason: str, operator: str, as_json: bool) -> None:
    """Give a run up. Its record stays; nothing on the target is changed."""
    from aihummer_drtui.cli.giving_up import give_up
    from aihummer_drtui.cli.run import operator_name
    from aihummer_drtui.cli.run_folder import run_folder

    folder = run_folder(settings, run_id)
    state = give_up(settings, folder, reason=reason, operator=operator_name(operator))
    click.echo(_as_json(folder, state) if as_json else f"Run {folder.id} is abandoned.")


def _exit_code(state: "RunState") -> int:
    from aihummer_drtui.run.closing import exit_code
    from aihummer_drtui.run.state import Living

    if state.lost:
        return ExitCode.UNKNOWN_OUTCOME
    return ExitCode.PRECONDITION if isinstance(state.ending, Living) else exit_code(state)


def _word(state: "RunState | None") -> str:
    from aihummer_drtui.run.state import Abandoned, Finished, Living
    from aihummer_drtui.run.tabletop import is_tabletop
    from aihummer_drtui.run.told_words import NOTHING_PROVEN, level_text

    if state is None:
        return "unreadable"
    match state.ending:
        case Living():
            return f"unfinished at step {state.step or '(none)'}, {level_text(state)}"
        case Finished(with_exceptions=exceptions):
            return f"completed{' with exceptions' if exceptions else ''}, {level_text(state)}"
        case Abandoned():
            return f"abandoned, {NOTHING_PROVEN}" if is_tabletop(state) else "abandoned"


def _line(folder: "RunFolder", state: "RunState | None") -> str:
    if state is None:
        run = cleaned_line(folder.id)
        return f"{run}  its journal cannot be read: `status {run}` says why"
    declared = state.declared
    at = datetime.fromisoformat(state.declared_at.wall).astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return f"{declared.run}  {at}  {declared.mode:<8}  {cleaned_line(declared.target, 30)}  {_word(state)}"


def _show(state: "RunState", runbook: "Runbook", folder: Path) -> None:
    from aihummer_drtui.plain.console import filled
    from aihummer_drtui.run import words
    from aihummer_drtui.run.closing import closing_lines
    from aihummer_drtui.run.state import Living
    from aihummer_drtui.run.told_words import level_text
    from aihummer_drtui.runbook.prose import plain_words

    lines = [
        f"Run {state.declared.run}, {state.declared.mode}, target {cleaned_line(state.declared.target)}",
        f"Record {folder}, {state.sequence} events, {level_text(state)}",
    ]
    for step in runbook.steps:
        lines.append(f"{'>' if step.id == state.step else ' '} {plain_words(step.title)}")
        plain = {item.id: plain_words(item.text) for item in step.items}
        for item, line in zip(step.items, words.checklist(state, step, plain), strict=True):
            lines.append(f"  {line}")
            lines += [f"     {one}" for one in words.known_lines(state.items.get(item.id))]
    lines += [words.deviation_line(one) for one in state.deviations]
    if not isinstance(state.ending, Living):
        lines += closing_lines(runbook, state)
    for line in lines:
        click.echo(filled(cleaned(line)))


def _as_json(folder: "RunFolder", state: "RunState | None") -> str:
    if state is None:
        return json_text({"run": folder.id, "readable": False})
    return json_text({"run": folder.id, "readable": True, "state": state})
