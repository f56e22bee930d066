"""`run` and `resume`: an operator sits down to a run, on the screens or in line mode."""

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aihummer_drtui.cli.moment import typed_moment
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.events import ENGINE, Mode
from aihummer_drtui.run.requests import LONGEST_NAME
from aihummer_drtui.tui.terminal import why_line_mode

if TYPE_CHECKING:
    from aihummer_drtui.plain.answers import Answers

_SITTING: Final = {
    "plain": False,
    "yes": False,
    "answers": None,
    "confirm": "",
    "patience": 60.0,
    "as_json": False,
    "operator": "",
}
"""The options of every sitting, with what they are where none is given."""


def sitting_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `options` that are a sitting's; what is missing is as if it was not given."""
    return {name: options.get(name, default) for name, default in _SITTING.items()}


def sitting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of every sitting; whoever gives answers beforehand gets line mode."""
    for option in (
        click.option("--plain", is_flag=True, help="Line mode instead of the screens."),
        click.option("--yes", "-y", is_flag=True, help="Accept confirms and suggestions; never a gate."),
        click.option("--answers", type=click.Path(path_type=Path), help="A TOML file of answers by item."),
        click.option("--confirm", default="", metavar="HOST/DATABASE", help="The words of the gates."),
        click.option(
            "--patience",
            type=click.FloatRange(min=0),
            default=_SITTING["patience"],
            show_default=True,
            help="Seconds for a check to turn green when nobody is at the terminal.",
        ),
        click.option("--json", "as_json", is_flag=True, help="One event a line on stdout; talk on stderr."),
        click.option("--operator", default="", help="Who is sitting here (default: the login name)."),
    ):
        command = option(command)
    return command


@click.command()
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.REAL.value, show_default=True
)
@click.option("--runbook", type=click.Path(path_type=Path), help="A runbook of your own.")
@click.option("--incident-at", default="", metavar="TIME", help="When the outage began (ISO 8601 with zone).")
@sitting_options
@click.pass_obj
def run(settings: Settings, /, mode: str, runbook: Path | None, incident_at: str, **sitting: Any) -> int:
    """Declare a run on the target and walk through it.

    Exit code 0: it ended proven. 1: failed, abandoned, or ended short of proven, as every tabletop does.
    3: not finished. 4: a command's outcome is unknown.
    """
    from aihummer_drtui.cli.declaring import declare

    answers = answers_of(sitting)  # first: a run is not declared with answers that cannot be read
    operator = operator_name(sitting["operator"])
    folder = declare(
        settings, mode=Mode(mode), runbook=runbook, incident_at=moment(incident_at), operator=operator
    )
    return sit_down(settings, folder.id, answers, **sitting)


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--accept-runbook", default="", metavar="REASON", help="Go on with a runbook that was edited.")
@sitting_options
@click.pass_obj
def resume(settings: Settings, /, run_id: str | None, accept_runbook: str, **sitting: Any) -> int:
    """Go on with a run (default: the one that is not finished)."""
    answers = answers_of(sitting)
    run_id = run_id or _only_unfinished(settings)
    return sit_down(settings, run_id, answers, accept_runbook=accept_runbook, **sitting)


def answers_of(sitting: dict[str, Any]) -> "Answers":
    """What the options of a sitting answer in advance. Raises UsageError, PreconditionError."""
    from aihummer_drtui.plain.answers import Answers, read_answers
    from aihummer_drtui.recovery.trusted_file import read_trusted

    path: Path | None = sitting["answers"]
    if path is not None and path.exists():
        # They choose the backup and may pass the gate. A missing file is told as the option's fault.
        read_trusted(path, what="answers file")
    return Answers(
        yes=sitting["yes"],
        confirm=sitting["confirm"],
        by_item=read_answers(path) if path is not None else {},
        patience=sitting["patience"],
    )


def sit_down(
    settings: Settings, run_id: str, given: "Answers", *, accept_runbook: str = "", **sitting: Any
) -> int:
    """Attach to a run until it ends or the operator leaves; give the exit code.

    On the screens where the terminal can show them and nothing was answered beforehand, else in line mode.
    """
    from aihummer_drtui.cli.sitting import Sitting

    one = Sitting(
        settings=settings,
        run_id=run_id,
        answers=given,
        operator=operator_name(sitting["operator"]),
        host=socket.gethostname(),
        as_json=sitting["as_json"],
        accept_runbook=accept_runbook,
    )
    if sitting["plain"] or one.as_json or given.yes or given.confirm or given.by_item:
        return int(one.hold())
    reason = why_line_mode()
    if reason:
        click.echo(f"Line mode, because {reason}.", err=True)
        return int(one.hold())
    from aihummer_drtui.cli.tui import hold_on_screens

    return int(hold_on_screens(one))


def operator_name(given: str) -> str:
    """The name that goes into the record; what is no text in it, as an argument may have it, made visible.

    Raises UsageError for the name that the engine records under.
    """
    name = cleaned_line(given or _login_name(), LONGEST_NAME)
    if name.strip() == ENGINE:
        raise UsageError(
            f"`{ENGINE}` stands for the engine's own records", where="--operator", hint="say who you are"
        )
    return name


def _login_name() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user {os.geteuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{behind} (as {name})" if behind and behind != name else name


def moment(text: str) -> str:
    """A moment as it was typed, in ISO 8601 with zone; empty = now. Raises UsageError."""
    now = datetime.now(UTC)
    if not text:
        return now.isoformat(timespec="seconds")
    hint = "for example 2026-11-22T03:10:00+01:00, or 2026-11-22T02:10:00Z"
    given = typed_moment(text, option="--incident-at", hint=hint)
    if given > now:
        raise UsageError(
            f"`{text}` lies in the future",
            where="--incident-at",
            hint=f"it is now {now.isoformat(timespec='seconds')}",
        )
    return given.isoformat(timespec="seconds")


def _only_unfinished(settings: Settings) -> str:
    from aihummer_drtui.engine.folder import list_runs, state_dir
    from aihummer_drtui.engine.standing_runs import state_of, unfinished_runs

    state_folder = state_dir(settings.state_dir)
    states = unfinished_runs(state_folder)
    if len(states) == 1:
        return states[0].declared.run
    unreadable = [folder.id for folder in list_runs(state_folder) if state_of(folder) is None]
    if unreadable and not states:
        # It may well be unfinished; whoever opens it is told what is wrong with it.
        return unreadable[-1]
    names = ", ".join(state.declared.run for state in reversed(states))
    raise UsageError(
        "there are several unfinished runs" if states else "there is no unfinished run",
        hint=f"name one: {names}" if states else "`aihummer-drtui runs` lists all; `run` begins one",
    )
