"""The screens, given what they may not know themselves: the target's facts and the way to an engine."""

import click

from aihummer_drtui.cli.pointer import settings_of
from aihummer_drtui.cli.sitting import Sitting, coming_back
from aihummer_drtui.engine.folder import find_run, state_dir
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.plain.showing import leaving_lines
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.tui.app import Desk, run_screens
from aihummer_drtui.tui.away import Away


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

    facts = Catalogue(load_target(settings.target_path))
    left = run_screens(Desk(connect=connect, facts=facts, come_back=come_back))
    if left.state is not None:
        for line in leaving_lines(left.state, come_back):
            click.echo(line)
    return left.code
