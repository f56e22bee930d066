"""One of several: the palette, the steps. Typing narrows the list, arrows and Enter choose."""

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.tui.intents import CHOOSE, TYPING, Intent, bindings
from aihummer_drtui.tui.screens.typing_screen import TypingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.rows import Rows
from aihummer_drtui.tui.widgets.typed import Typed
from aihummer_drtui.tui.widgets.word import Word

_BY_TEN: Final = (
    Intent(action="move(-10)", keys="pageup", shown="PgUp, PgDn", does="go ten rows up or down"),
    Intent(action="move(10)", keys="pagedown", shown="PgDn", does=""),
)


class ChoosingScreen(TypingScreen[int]):
    """Gives the number of what was chosen, counted from 0, or None."""

    intents = (*TYPING, *CHOOSE, *_BY_TEN)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, *, title: str, rows: list[str], at: int = 0) -> None:
        super().__init__(title, prompt="type to narrow", enter="do what is selected")
        self._choices = rows
        self._at = at
        self._fitting = list(range(len(rows)))

    def body(self) -> Iterable[Widget]:
        """The list."""
        yield Word(id="heading")
        yield Rows()

    def show(self, view: View, news: list[Growth]) -> None:  # noqa: ARG002
        """Draw the list; it stays as it was when it was opened."""
        self._draw_rows()

    def _draw_rows(self) -> None:
        self.query_one(Rows).show([self._choices[one] for one in self._fitting], self._at)

    def on_input_changed(self, event: Typed.Changed) -> None:
        """Narrow the list to what has all the words."""
        words = event.value.casefold().split()
        if event.value:
            self._at = 0
        self._fitting = [
            number
            for number, row in enumerate(self._choices)
            if all(word in row.casefold() for word in words)
        ]
        self._draw_rows()

    def on_input_submitted(self, event: Typed.Submitted) -> None:
        """Choose."""
        event.stop()
        if self._fitting:
            self.dismiss(self._fitting[self._at])

    def action_move(self, by: int) -> None:
        """Go up or down the list."""
        self._at = max(0, min(len(self._fitting) - 1, self._at + by))
        self._draw_rows()
