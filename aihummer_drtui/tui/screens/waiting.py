"""What is shown while the engine is started and the journal is read."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen

from aihummer_drtui.tui.intents import LEAVE, bindings
from aihummer_drtui.tui.widgets.word import Word


class WaitingScreen(Screen[None], inherit_bindings=False):
    """One line; the run is safe, whatever happens here."""

    BINDINGS: ClassVar[list[BindingType]] = bindings((LEAVE,))

    def compose(self) -> ComposeResult:
        """The line."""
        yield Word(id="waiting")

    def on_mount(self) -> None:
        """Say it."""
        self.query_one(Word).say(Content(" Reading the journal and connecting to the engine ... (q leaves)"))
