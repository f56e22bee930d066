"""The screens, given what they may not know themselves: the target's facts and the way to an engine."""

import click

from aihummer_drtui.cli.pointer import settings_of
from aihummer_drtui.cli.run_folder import declared_in
from aihummer_drtui.cli.sitting import Sitting, coming_back, typed_program
from aihummer_drtui.cli.world import facts_of
from aihummer_drtui.engine.folder import find_run, state_dir
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.foreign import cleaned
from aihummer_drtui.loading import loading
from aihummer_drtui.run.state import Living
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.bridge import Bridge
from aihummer_drtui.tui.desk import Desk
from aihummer_drtui.tui.view import View


def hold_on_screens(sitting: Sitting) -> ExitCode:
    """Show the run until it has ended or the operator leaves. Raises DrtuiError."""
    folder = find_run(state_dir(sitting.settings.state_dir), sitting.run_id)
    settings = settings_of(folder, sitting.settings)
    come_back = coming_back(sitting.settings, folder)

    def connect(away: Away) -> Session:
        session = sitting.attached(folder, settings, "screens", away.hear)
        try:
            sitting.settle_runbook(session, come_back)
        except BaseException:
            session.__exit__()
            raise
        return session

    facts = facts_of(declared_in(folder), settings)
    bridge = Bridge(connect)
    bridge.start()
    try:
        with loading():
            # Textual is loaded while the engine is connected to.
            from aihummer_drtui.tui.app import run_screens

            desk = Desk(facts=facts, come_back=come_back, program=typed_program(settings))
            left = run_screens(desk, bridge)
    finally:
        bridge.close()
    if left.view is not None:
        _tell_where_it_stands(left.view, come_back)
    return left.code


def _tell_where_it_stands(view: View, come_back: str) -> None:
    """On the terminal as it was before the screens: it stays there to be read and copied."""
    from aihummer_drtui.plain.showing import leaving_lines
    from aihummer_drtui.run.closing import closing_lines

    lines = leaving_lines(view.state, come_back)
    if not isinstance(view.state.ending, Living):
        lines = [*closing_lines(view.runbook, view.state), f"The record lies in {view.folder.path}"]
    for line in lines:
        click.echo(cleaned(line))
