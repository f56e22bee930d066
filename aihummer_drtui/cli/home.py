"""`aihummer-drtui` without arguments: home, again and again, and what was chosen there in between."""

import contextlib
import sys
from functools import partial
from typing import assert_never

import click

from aihummer_drtui.cli.declaring import A_NAME
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.engine.folder import find_run, state_dir, state_to_read
from aihummer_drtui.engine.standing_runs import unfinished_runs
from aihummer_drtui.errors import DrtuiError, ExitCode
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.loading import loading
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.events import Mode
from aihummer_drtui.tui.choices import LOOK_WITHIN, Begin, Choice, GiveUp, HomeFacts, LookAt, Plainly, Resume


def stay_at_home(context: click.Context, settings: Settings) -> None:
    """Show home until the operator leaves. What fails is told, and home comes back."""
    news = ""
    while True:
        facts = _facts(settings, news)
        with loading():
            from aihummer_drtui.tui.home import chosen_at_home

            choice = chosen_at_home(facts)
        if choice is None:
            return
        try:
            news = _do(context, settings, choice)
        except DrtuiError as error:
            click.echo(cleaned(str(error)), err=True)
            _wait()
            news = error.what


def _facts(settings: Settings, news: str) -> HomeFacts:
    sets = None
    try:
        target = load_target(settings.target_path)
        told = f"Target {target.name} ({settings.target_path or 'the default configuration'})"
        sets = partial(Catalogue(target).recovery_sets, LOOK_WITHIN)
    except DrtuiError as error:
        told = f"No target yet: {_in_one_line(error)}. A drill or a tabletop needs none."
    try:
        unfinished = tuple(reversed(unfinished_runs(state_to_read(settings.state_dir))))
    except DrtuiError as error:
        unfinished, news = (), news or _in_one_line(error)
    return HomeFacts(target=told, unfinished=unfinished, news=news, sets=sets)


def _in_one_line(error: DrtuiError) -> str:
    what = error.what.partition("\n")[0]
    return f"{what} ({error.where})" if error.where else what


def _do(context: click.Context, settings: Settings, choice: Choice) -> str:
    """Do what was chosen, and give what to say of it at home. Raises DrtuiError."""
    match choice:
        case Resume(run=run):
            return _sit(settings, run)
        case LookAt(run=run):
            from aihummer_drtui.cli.runs import status

            _plainly(context, status, run_id=run)
            return ""
        case GiveUp(run=run, reason=reason):
            return _give_up(settings, run, reason)
        case Begin(mode=Mode.REAL, incident_at=incident_at):
            return _begin(settings, incident_at)
        case Begin(mode=Mode.TABLETOP):
            from aihummer_drtui.cli.tabletop import tabletop

            context.invoke(tabletop, name=_talked_about(settings))
            return "You left the tabletop; what was told is on record."
        case Begin(mode=mode):
            from aihummer_drtui.cli.drill import drill

            click.echo("Building the sandbox ...", err=True)
            code = context.invoke(drill, training=mode is Mode.TRAINING)
            return f"{_left('the drill', code)} `aihummer-drtui sandbox down` removes its sandbox."
        case Plainly():
            _plainly(context, _command(choice))
            return ""
        case _ as never:
            assert_never(never)


def _talked_about(settings: Settings) -> str:
    """The name of the target that was named, if it can be read; a talk needs none."""
    if settings.target_path is None:
        return ""
    try:
        return load_target(settings.target_path).name
    except DrtuiError:
        return A_NAME


def _command(choice: Plainly) -> click.Command:
    match choice:
        case Plainly.READINESS:
            from aihummer_drtui.cli.check import check

            return check
        case Plainly.BACKUPS:
            from aihummer_drtui.cli.backup_list import list_points

            return list_points
        case Plainly.RUNS:
            from aihummer_drtui.cli.runs import runs

            return runs
        case _ as never:
            assert_never(never)


def _sit(settings: Settings, run: str) -> str:
    from aihummer_drtui.cli.pointer import own_settings
    from aihummer_drtui.cli.run import sit_down, sitting_of
    from aihummer_drtui.plain.answers import Answers

    # A drill that was begun here has a sandbox of its own, whatever target home was opened with.
    own = own_settings(find_run(state_dir(settings.state_dir), run), settings)
    return _left(f"run {run}", sit_down(own, run, Answers(), **sitting_of({})))


def _left(what: str, code: int) -> str:
    """How a sitting ended: its exit code tells a run that is over from one that was left."""
    if code in {ExitCode.PRECONDITION, ExitCode.INTERRUPTED}:
        return f"You left {what}; whatever runs in it goes on."
    return f"{what[0].upper()}{what[1:]} has ended; `Runs so far` tells how."


def _begin(settings: Settings, incident_at: str) -> str:
    from aihummer_drtui.cli.declaring import declare
    from aihummer_drtui.cli.run import moment, operator_name

    folder = declare(
        settings,
        mode=Mode.REAL,
        runbook=None,
        incident_at=moment(incident_at),
        operator=operator_name(""),
    )
    return _sit(settings, folder.id)


def _give_up(settings: Settings, run: str, reason: str) -> str:
    from aihummer_drtui.cli.giving_up import give_up
    from aihummer_drtui.cli.pointer import own_settings
    from aihummer_drtui.cli.run import operator_name

    folder = find_run(state_dir(settings.state_dir), run)
    give_up(own_settings(folder, settings), folder, reason=reason, operator=operator_name(""))
    return f"Run {run} is abandoned."


def _plainly(context: click.Context, command: click.Command, **parameters: object) -> None:
    """Call a command of this program as it would be typed, and let its text be read."""
    with contextlib.suppress(click.exceptions.Exit):
        context.invoke(command, **parameters)
    _wait()


def _wait() -> None:
    click.echo("-- Enter: back --")
    sys.stdin.readline()
