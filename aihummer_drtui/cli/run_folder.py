"""Finding and reading a run for looking at it, without attaching to it."""

from dataclasses import dataclass
from pathlib import Path

from aihummer_drtui.cli.runbook_file import followed_runbook
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.engine.folder import RunFolder, find_run, list_runs, state_dir, state_to_read
from aihummer_drtui.engine.journal_reading import read_first, read_journal
from aihummer_drtui.engine.runbook_text import text_in_force
from aihummer_drtui.errors import CorruptJournalError, UsageError
from aihummer_drtui.run.events import RunDeclared
from aihummer_drtui.run.fold import begin, fold
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import Runbook


@dataclass(frozen=True, kw_only=True)
class ReadRun:
    """A run as its journal tells it, with the runbook it goes by."""

    folder: RunFolder
    state: RunState
    runbook: Runbook


def run_folder(settings: Settings, run_id: str | None) -> RunFolder:
    """The run's folder; none named = the newest. Raises UsageError when there is no such run."""
    return _named(state_dir(settings.state_dir), run_id)


def _named(state: Path, run_id: str | None) -> RunFolder:
    if run_id is not None:
        return find_run(state, run_id)
    folders = list_runs(state)
    if not folders:
        raise UsageError("there is no run yet", where=str(state), hint="`aihummer-drtui drill` begins one")
    return folders[-1]


def sound_state(folder: RunFolder) -> RunState:
    """The state of a run whose journal is sound. Raises CorruptJournalError, PreconditionError."""
    try:
        return fold(read_journal(folder.path))
    except ValueError as error:
        raise _begins_wrong(folder, error) from error


def declared_in(folder: RunFolder) -> RunDeclared:
    """What the run was declared as. Raises CorruptJournalError, PreconditionError."""
    try:
        return begin(read_first(folder.path)).declared
    except ValueError as error:
        raise _begins_wrong(folder, error) from error


def _begins_wrong(folder: RunFolder, error: ValueError) -> CorruptJournalError:
    return CorruptJournalError(
        str(error),
        where=str(folder.journal),
        hint="move (`mv`) the run's folder out of `runs` and start anew",
    )


def read_run(settings: Settings, run_id: str | None) -> ReadRun:
    """Read a run whole. Raises UsageError, CorruptJournalError, PreconditionError."""
    folder = _named(state_to_read(settings.state_dir), run_id)
    state = sound_state(folder)
    return ReadRun(folder=folder, state=state, runbook=followed_runbook(text_in_force(folder, state)))
