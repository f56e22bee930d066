"""Which runs there are, and where each stands, as far as its journal is sound."""

from pathlib import Path

from aihummer_drtui.engine.folder import RunFolder, list_runs
from aihummer_drtui.engine.journal_reading import inspect_journal
from aihummer_drtui.errors import CorruptJournalError, PreconditionError
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import Living, RunState


def unfinished_runs(state: Path) -> tuple[RunState, ...]:
    """The states of the runs that have not ended, oldest first, as far as their journals are sound."""
    states = (state_of(folder) for folder in list_runs(state))
    return tuple(one for one in states if one is not None and isinstance(one.ending, Living))


def unfinished_on(state: Path, target_key: str) -> str | None:
    """The run on this target that has not ended, if there is one."""
    found = (one.declared for one in unfinished_runs(state))
    return next((declared.run for declared in found if declared.target_key == target_key), None)


def state_of(folder: RunFolder) -> RunState | None:
    """The state as far as the journal is sound, or None when not even its first record is."""
    try:
        records = inspect_journal(folder.path).records
        return fold(records) if records else None
    except (PreconditionError, CorruptJournalError, ValueError):
        return None
