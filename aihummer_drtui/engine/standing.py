"""Where a run stands: its journal, the state that it folds to, its runbook. Everything is recorded here."""

from collections.abc import Callable
from dataclasses import dataclass

from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal, JournalUnhealthyError
from aihummer_drtui.engine.log import note
from aihummer_drtui.engine.runbook_text import ReadRunbook, accept_text, text_in_force
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold, follow
from aihummer_drtui.run.settled import level_of, told_level_of
from aihummer_drtui.run.state import Living, RunState
from aihummer_drtui.runbook.model import CommandItem, Runbook


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Who hears of what is recorded."""

    grew: Callable[[int], None]
    """The journal has grown up to that sequence number."""
    unhealthy: Callable[[str], None]
    """Nothing more can be recorded by this process, and why."""


class Standing:
    """The run as far as it is on record."""

    def __init__(self, *, folder: RunFolder, journal: Journal, read: ReadRunbook, heard: Heard) -> None:
        """Fold what was found, and read the runbook in force."""
        self._folder = folder
        self._journal = journal
        self._read = read
        self._heard = heard
        self.state: RunState = fold(journal.found)
        journal.found = ()  # Folded: a long run's records are not kept beside its state.
        self.runbook: Runbook = read(text_in_force(folder, self.state))
        self.unrecorded: DrtuiError | None = None
        """Why the latest event that no request waits for could not be recorded."""

    def situation(self) -> tuple[Runbook, RunState]:
        """The runbook and the state, as they are now."""
        return self.runbook, self.state

    def record(self, event: e.Event, actor: str) -> None:
        """Journal an event, and what follows from it. Raises DrtuiError when it is not on the disk."""
        try:
            record = self._journal.append(event, actor)
        except JournalUnhealthyError:
            # A new engine may find the disk mended.
            self._heard.unhealthy(f"the journal could not be written: {self._journal.unhealthy}")
            raise
        self.state = follow(self.state, record)
        self._heard.grew(self.state.sequence)
        self._follow_level()

    def _follow_level(self) -> None:
        """Record the level that runbook and state support now, where it is another than the recorded one."""
        level = level_of(self.runbook, self.state)
        if level is not self.state.level and isinstance(self.state.ending, Living):
            # What led to it is recorded already, so no request fails by this; it is tried again.
            self.record_quietly(e.LevelReached(level=level))
        told = told_level_of(self.runbook, self.state)
        if told is not self.state.told_level and isinstance(self.state.ending, Living):
            self.record_quietly(e.LevelTold(level=told))

    def record_quietly(self, event: e.Event) -> bool:
        """Record what no request waits for; a journal that cannot be written says so to every request."""
        try:
            self.record(event, e.ENGINE)
        except DrtuiError as error:
            self.unrecorded = error
            note(error)
            return False
        return True

    def accept_runbook(self, text: str, reason: str, actor: str) -> None:
        """Go on with an edited runbook. Raises DrtuiError when it cannot be gone on with."""
        runbook = self._read(text)
        for item in (*self.state.running, *self.state.lost):
            if not isinstance(runbook.item(item), CommandItem):
                raise PreconditionError(
                    f"the changed runbook lacks {item}, which is running or in doubt",
                    hint="leave that command in until its outcome is known",
                )
        difference = accept_text(self._folder, self.state, text, runbook.sha256)
        accepted = e.RunbookAccepted(sha256=runbook.sha256, difference=difference, reason=reason)
        self.record(accepted, actor)
        self.runbook = runbook
        self._follow_level()
