"""What happened, along one line of time: steps, commands, deviations; then the events, a line each."""

from textual import work

from aihummer_drtui.engine.journal import read_journal
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.events import Record
from aihummer_drtui.tui.aside import asked
from aihummer_drtui.tui.gantt import gantt_lines
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import now
from aihummer_drtui.tui.widgets.pane import Line


class TimelineScreen(ReadingScreen[None]):
    """Read from the journal when it is opened."""

    def __init__(self) -> None:
        super().__init__("TIMELINE")
        self._records: list[Record] | DrtuiError = []

    def on_mount(self) -> None:
        """Read the journal."""
        super().on_mount()
        self._read()

    @work
    async def _read(self) -> None:
        view = self.view
        if view is not None:
            self._records = await asked(lambda: list(read_journal(view.folder.path)))
            self.draw([])

    def lines(self, view: View) -> tuple[Line, ...]:
        """The bars and the events."""
        if isinstance(self._records, DrtuiError):
            return (Line(text=self._records.what), Line(text=f"hint: {self._records.hint}"))
        if not self._records:
            return (Line(text="Reading the journal ..."),)
        return gantt_lines(view.runbook, view.state, self._records, now(), max(40, self.size.width))
