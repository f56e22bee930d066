"""`engine RUN`: the process that makes a run happen. Front ends start it; a person rarely does."""

import asyncio
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from aihummer_drtui.cli.settings import Settings

if TYPE_CHECKING:
    from aihummer_drtui.engine.process import Engine


@click.command(hidden=True)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--linger", type=float, default=60.0, show_default=True, help="Seconds to wait for a front end."
)
@click.pass_obj
def engine(settings: Settings, run_id: str, linger: float) -> None:
    """Take up a run's journal and serve its front ends until there is nothing to do."""
    from aihummer_drtui.engine.launch import NotReady, Ready, announce
    from aihummer_drtui.errors import DrtuiError

    try:
        with ExitStack() as held:
            one = _taken_up(settings, run_id, linger, held)
            asyncio.run(one.serve(lambda: announce(Ready(pid=os.getpid()))))
    except DrtuiError as error:
        announce(NotReady(what=error.what, where=error.where, hint=error.hint, exit_code=error.exit_code))
        raise


def _taken_up(settings: Settings, run_id: str, linger: float, held: ExitStack) -> "Engine":
    from aihummer_drtui.cli.runbook_file import runbook_of
    from aihummer_drtui.cli.world import world_of
    from aihummer_drtui.engine.clock import SystemClock
    from aihummer_drtui.engine.folder import find_run, state_dir
    from aihummer_drtui.engine.journal import Journal
    from aihummer_drtui.engine.lock import Holder, take_lock, take_target_lock
    from aihummer_drtui.engine.process import Engine
    from aihummer_drtui.engine.takeover import record_taking
    from aihummer_drtui.loading import loading
    from aihummer_drtui.run.events import ENGINE
    from aihummer_drtui.run.fold import begin

    os.umask(0o077)
    state_folder = state_dir(settings.state_dir)
    folder = find_run(state_folder, run_id)
    clock = SystemClock()
    holder = Holder.this_process(run=folder.id, operator=ENGINE, clock=clock)
    held.enter_context(take_lock(folder.lock, holder))
    with loading():
        journal = Journal.open(folder.path, clock)
    held.callback(journal.close)
    record_taking(folder, journal)
    declared = begin(journal.found[0]).declared
    held.enter_context(take_target_lock(state_folder, declared.target_key, holder))
    return Engine(
        folder=folder,
        journal=journal,
        read=runbook_of,
        world=world_of(declared, settings, state_folder),
        clock=clock,
        linger=linger,
    )
