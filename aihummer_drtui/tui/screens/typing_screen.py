"""A screen with lines to read and one line to type: reasons, notes, gates, values."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import SCROLL, TYPING, Intent, bindings
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.widgets.pane import Line, Pane
from aihummer_drtui.tui.widgets.typed import Typed
from aihummer_drtui.tui.widgets.word import Word

T = TypeVar("T")


class TypingScreen(RunScreen[T]):
    """Letters go into the line; F3 or Escape goes back with nothing done."""

    DEFAULT_CSS = """
    TypingScreen #entry { height: 1; }
    TypingScreen #next { width: 1fr; }
    TypingScreen #heading { width: 1fr; }
    """
    intents: tuple[Intent, ...] = (*TYPING, *SCROLL)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, title: str, *, prompt: str, enter: str) -> None:
        super().__init__()
        self._enter = enter
        self._title = title
        self._prompt = prompt

    def body(self) -> Iterable[Widget]:
        """What is to be known before typing."""
        yield Word(id="heading")
        yield Pane(id="lines")

    def foot(self) -> Iterable[Widget]:
        """The line."""
        with Horizontal(id="entry"):
            yield Word(id="prompt")
            yield self.typed()
        yield Word(id="next")

    def typed(self) -> Typed:
        """The line to type into."""
        return Typed()

    def on_mount(self) -> None:
        """Say what it is about, and wait for letters."""
        self.query_one("#heading", Word).say(Content.styled(f" {self._title} ", paint.NEXT))
        self.query_one("#prompt", Word).say(Content.styled(f"{self._prompt}> ", paint.LOUD))
        self.query_one("#next", Word).say(Content.styled(f" Enter: {self._enter} ", paint.NEXT))
        self.query_one(Typed).focus()

    def lines(self, lines: tuple[Line, ...], title: str = "BEFORE YOU DO IT") -> None:
        """Show what is to be known."""
        self.query_one("#lines", Pane).show(title, lines)

    def action_page(self, pages: int) -> None:
        """Scroll what is to be known."""
        self.query_one("#lines", Pane).page(pages)
