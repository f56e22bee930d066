"""Giving up a run that no engine can take up any more, because its target is gone."""

from aihummer_drtui.cli.run_folder import sound_state
from aihummer_drtui.cli.runbook_file import runbook_of
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.lock import Holder, take_lock
from aihummer_drtui.engine.runbook_text import text_in_force
from aihummer_drtui.errors import FailedError
from aihummer_drtui.run.events import RunAbandoned
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.requests import Abandon
from aihummer_drtui.run.state import RunState


def abandon_without_engine(folder: RunFolder, reason: str, operator: str) -> RunState:
    """Journal the end of a run under its lock, as an engine would; give the state afterwards.

    Raises LockedError when an engine lives, FailedError when it is refused, and as `Journal.open`.
    """
    sound_state(folder)
    clock = SystemClock()
    holder = Holder.this_process(run=folder.id, operator=operator, clock=clock)
    with take_lock(folder.lock, holder):
        journal = Journal.open(folder.path, clock)
        try:
            state = fold(journal.found)
            refused = refusal(runbook_of(text_in_force(folder, state)), state, Abandon(reason=reason))
            if refused is not None:
                raise FailedError(refused.reason, where=f"run {folder.id}", hint=refused.hint)
            journal.append(RunAbandoned(reason=reason), operator)
        finally:
            journal.close()
    return sound_state(folder)
