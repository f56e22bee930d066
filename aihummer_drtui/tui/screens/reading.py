"""A screen that is only read: lines in a pane, and back."""

from collections.abc import Iterable
from typing import ClassVar, Final, TypeVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import ELSEWHERE, Intent, bindings
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line, Pane
from aihummer_drtui.tui.widgets.word import Word

T = TypeVar("T")
_MOVES: Final = (
    Intent(action="scroll(1)", keys="down", shown="Up, Down", does="scroll"),
    Intent(action="scroll(-1)", keys="up", shown="Up", does=""),
    Intent(
        action="page(1)", keys="pagedown,space", shown="PgUp, PgDn", word="scroll", does="scroll by a screen"
    ),
    Intent(action="page(-1)", keys="pageup", shown="PgUp", does=""),
)
_GO_ON: Final = Intent(
    action="go_on", keys="enter,q", shown="Enter", word="go on", does="go back to the step"
)


class ReadingScreen(RunScreen[T]):
    """Enter, q or F3 goes back. `lines` is what is read."""

    DEFAULT_CSS = """
    ReadingScreen #heading { width: 1fr; }
    """
    intents = (_GO_ON, *_MOVES, *ELSEWHERE)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def body(self) -> Iterable[Widget]:
        """Heading and pane."""
        yield Word(id="heading")
        yield Pane(id="lines")

    def lines(self, view: View) -> tuple[Line, ...]:  # noqa: ARG002
        """What is read."""
        return ()

    def show(self, view: View, news: list[Growth]) -> None:  # noqa: ARG002
        """Draw the lines."""
        self.say(self.lines(view))

    def say(self, lines: tuple[Line, ...]) -> None:
        """Show these lines under the title."""
        self.query_one("#heading", Word).say(Content.styled(f" {self._title} ", paint.NEXT))
        self.query_one("#lines", Pane).show("", lines)

    def action_go_on(self) -> None:
        """Go back, once it can have been read."""
        if self.can_be_read():
            self.dismiss()

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self.query_one("#lines", Pane).scroll(rows)

    def action_page(self, pages: int) -> None:
        """Scroll by screenfuls."""
        self.query_one("#lines", Pane).page(pages)

    def as_text(self) -> str:
        """The lines."""
        view = self.view
        return "" if view is None else "\n".join([self._title, *(line.text for line in self.lines(view))])
