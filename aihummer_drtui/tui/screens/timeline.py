"""What happened, along one line of time: clocks, steps, commands, waits; then the events, a line each."""

import time
from typing import Final

from textual import work

from aihummer_drtui.engine.follower import journal_records
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.tui.aside import asked
from aihummer_drtui.tui.gantt import Happened, gantt_lines, read_happened
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import now
from aihummer_drtui.tui.widgets.pane import Line

_AGAIN_AFTER: Final = 2.0
"""Seconds between two readings of a journal that grows; ten times as long as one took, if that is more."""


class TimelineScreen(ReadingScreen[None]):
    """Read from the journal when it is opened, and now and then while that grows."""

    def __init__(self) -> None:
        super().__init__("TIMELINE")
        self._happened: Happened | DrtuiError | None = None
        self._is_reading = False
        self._next_reading = 0.0
        self._is_due = False
        """Whether it is read in a moment anyway."""

    def on_mount(self) -> None:
        """Read the journal."""
        self._read()

    @work
    async def _read(self) -> None:
        view = self.view
        if view is None or self._is_reading:
            return
        self._is_reading, began = True, time.monotonic()
        self._happened = await asked(lambda: read_happened(view.runbook, journal_records(view.folder.path)))
        took = time.monotonic() - began
        self._next_reading = time.monotonic() + max(_AGAIN_AFTER, 10 * took)
        self._is_reading = False
        self.draw([])

    def _read_when_due(self) -> None:
        """Read what was added, now or in a moment: nothing may come that would have it read."""
        left = self._next_reading - time.monotonic()
        if left <= 0:
            self._read()
        elif not self._is_due:
            self._is_due = True
            self.set_timer(left, self._come_due)

    def _come_due(self) -> None:
        self._is_due = False
        self._read()

    def lines(self, view: View) -> tuple[Line, ...]:
        """The bars and the events."""
        happened = self._happened
        if isinstance(happened, DrtuiError):
            return (Line(text=happened.what), Line(text=f"hint: {happened.hint}"))
        if happened is None:
            return (Line(text="Reading the journal ..."),)
        if happened.sequence < view.state.sequence:
            self._read_when_due()
        return gantt_lines(view.runbook, view.state, happened, now(), max(40, self.size.width))
