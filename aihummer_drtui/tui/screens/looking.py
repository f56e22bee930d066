"""What only looks on the screen of a step: the place, its panes. The engine is asked nothing here."""

from aihummer_drtui.runbook.model import CommandItem
from aihummer_drtui.tui.intents import Intent
from aihummer_drtui.tui.place import Place, Showing
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.widgets.panes import Panes


class LookingScreen(RunScreen[None]):
    """Selects, shows, scrolls, searches; all of it works while the engine is asked, or is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Place()
        """Where the operator is."""
        self._sought = ""

    @property
    def panes(self) -> Panes:
        """The panes of the step."""
        return self.query_one(Panes)

    def is_legal(self, intent: Intent) -> bool:
        """An output can be followed and opened once there is one."""
        name, _, argument = intent.action.partition("(")
        if (name == "show" and "output" in argument) or name in {"pager", "follow"}:
            output = None if self.view is None else self.view.output
            return output is not None and output.attempt > 0
        return super().is_legal(intent)

    def see_output(self, command: CommandItem) -> None:
        """Show what a command wrote; when it is shown already, on the whole screen."""
        if self.place.selected != command.id:
            return
        shown = self.view is not None and self.place.showing(self.view.state) is Showing.OUTPUT
        self.place = self.place.zoomed(Showing.OUTPUT) if shown else self.place.seeing(Showing.OUTPUT)
        self.draw([])

    def action_select(self, by: int) -> None:
        """Select another item."""
        step = None if self.view is None else self.view.runbook.step(self.view.state.step)
        if step is not None:
            self.place = self.place.moved(step, by)
            self.draw([])

    def action_show(self, what: str) -> None:
        """Show the step's text or the output, or put it away."""
        if self.view is not None:
            showing = Showing(what)
            self.panes.follows = True
            self.place = self.place.toggled(showing, self.place.showing(self.view.state))
            self.draw([])

    def action_zoom(self) -> None:
        """Give the pane the whole screen, or take it back."""
        if self.view is not None:
            self.place = self.place.zoomed(self.place.showing(self.view.state))
            self.draw([])

    def action_follow(self) -> None:
        """Follow the output, or pause."""
        self.panes.follows = not self.panes.follows
        self.draw([])

    def action_page(self, pages: int) -> None:
        """Scroll by screenfuls."""
        self.panes.page_by(pages)
        self.draw([])

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.panes.scroll_by(rows)
        self.draw([])

    def action_find(self) -> None:
        """Search in the pane."""
        from aihummer_drtui.tui.screens.wording import WordingScreen

        title = "Search" + (f" (Enter alone: the next `{self._sought}`)" if self._sought else "")
        self.app.push_screen(
            WordingScreen(title, prompt="text", enter="search", may_be_empty=bool(self._sought)), self._find
        )

    def _find(self, text: str | None) -> None:
        if text is None:
            return
        self._sought = text or self._sought
        found = self.panes.find(self._sought)
        self.draw([])
        self.notice("" if found else f"`{self._sought}` is not in what is shown here")

    def action_pager(self) -> None:
        """Open the whole output in a pager."""
        from aihummer_drtui.tui.outside import open_pager

        view = self.view
        if view is not None and view.output is not None and view.output.attempt:
            file = view.folder.attempt(view.output.item, view.output.attempt) / "output"
            self.notice(open_pager(self.app, file))

    def copied(self) -> tuple[str, str]:
        """The selected command, check or value."""
        from aihummer_drtui.tui.printing import copied_of

        return super().copied() if self.view is None else copied_of(self.view, self.place)

    def as_text(self) -> str:
        """The step with its checklist and what is known of the selected item."""
        from aihummer_drtui.tui.printing import step_text

        return "" if self.view is None else step_text(self.view, self.place)
