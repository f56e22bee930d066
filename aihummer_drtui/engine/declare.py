"""Declaring a run: one live run per target, its folder, its runbook, its first record."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

from aihummer_drtui import __version__
from aihummer_drtui.engine.clock import Clock
from aihummer_drtui.engine.folder import RunFolder, create_run, list_runs, new_run_id
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.journal_reading import inspect_journal, read_first
from aihummer_drtui.engine.lock import Holder, take_target_lock
from aihummer_drtui.engine.record import Clean, Corrupt, Newer, Torn
from aihummer_drtui.engine.runbook_text import keep_text, not_kept
from aihummer_drtui.engine.standing_runs import state_of
from aihummer_drtui.errors import CorruptJournalError, LockedError, PreconditionError
from aihummer_drtui.run.events import Mode, RunDeclared
from aihummer_drtui.run.fold import begin
from aihummer_drtui.run.state import Living
from aihummer_drtui.runbook.model import Runbook


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What an operator declares."""

    mode: Mode
    target: str
    target_key: str
    runbook: Runbook
    runbook_text: str
    runbook_source: str
    incident_at: str
    operator: str


def declare_run(state: Path, declaration: Declaration, clock: Clock) -> RunFolder:
    """Begin a run and give its folder.

    Raises LockedError when an unfinished run, or a live engine, has the target; PreconditionError
    when the state folder does not take it.
    """
    run_id = new_run_id(datetime.now(UTC), random.SystemRandom())
    holder = Holder.this_process(run=run_id, operator=declaration.operator, clock=clock)
    with take_target_lock(state, declaration.target_key, holder):
        _refuse_second_run(state, declaration.target_key)
        folder = create_run(state, run_id)
        try:
            sha256 = keep_text(folder, declaration.runbook_text)
        except OSError as error:
            raise not_kept(folder, error) from error
        journal = Journal.create(folder.path, clock)
        try:
            journal.append(_declared(run_id, declaration, sha256), declaration.operator)
        finally:
            journal.close()
    return folder


def _refuse_second_run(state: Path, target_key: str) -> None:
    for folder in list_runs(state):
        # The first record tells the target; a long journal of another's is not read.
        other = state_of(folder) if _target_key(folder) == target_key else None
        if other is not None and isinstance(other.ending, Living):
            raise LockedError(
                f"run {folder.id} on target `{other.declared.target}` is not finished",
                where=str(folder.path),
                hint=_way_out(state, folder),
            )


def _target_key(folder: RunFolder) -> str | None:
    """What the run acts on; None where not even its first record can be read."""
    try:
        return begin(read_first(folder.path)).declared.target_key
    except (PreconditionError, CorruptJournalError, ValueError):
        return None


def _way_out(state: Path, folder: RunFolder) -> str:
    """What frees the target of an unfinished run: one that cannot be read to its end takes no end either."""
    run = folder.id
    match inspect_journal(folder.path).tail:
        case Clean() | Torn():
            return (
                f"go on with it: `aihummer-drtui resume {run}`, "
                f"or give it up: `aihummer-drtui abandon {run} --reason …`"
            )
        case Corrupt():
            # Never passed over in silence: what it started may be at work on the target.
            return (
                "its journal is corrupt: see that nothing of it runs (`ps`), "
                f"then move (`mv`) {folder.path} out of {state / 'runs'} and start the new run"
            )
        case Newer():
            return (
                "it was written by a newer aihummer-drtui: go on with it by that version, or see that nothing"
                f" of it runs (`ps`), move (`mv`) {folder.path} out of {state / 'runs'} and start the new run"
            )
        case _ as never:
            assert_never(never)


def _declared(run_id: str, declaration: Declaration, sha256: str) -> RunDeclared:
    return RunDeclared(
        run=run_id,
        mode=declaration.mode,
        target=declaration.target,
        target_key=declaration.target_key,
        runbook=declaration.runbook.id,
        runbook_version=declaration.runbook.version,
        runbook_sha256=sha256,
        runbook_source=declaration.runbook_source,
        incident_at=declaration.incident_at,
        program_version=__version__,
    )
