"""A terminal that became smaller than the screens need: said so, until it is larger again."""

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from aihummer_drtui.tui import paint
from aihummer_drtui.tui.terminal import COLUMNS, LINES
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.canvas import Canvas


class TooSmallScreen(Screen[None], inherit_bindings=False):
    """Stands above what was shown and takes its keys: nobody acts on what cannot be read."""

    DEFAULT_CSS = """
    TooSmallScreen Canvas { width: 1fr; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,f10,ctrl+c", "app.leave", show=False)]

    def __init__(self, view: View | None) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        """The words."""
        yield Canvas()

    def on_mount(self) -> None:
        """Say it."""
        self.say()

    def on_resize(self) -> None:
        """Say it in the room there is now."""
        self.say()

    def say(self) -> None:
        """What is the matter, the mode first where there is a run."""
        if not self.is_mounted:
            return
        width, height = self.app.size
        rows = []
        if self._view is not None:
            word, style = paint.MODES[self._view.state.declared.mode]
            rows.append(Content.styled(paint.cut(f" {word} ", width), style))
        text = (
            f"Too small: {width}x{height}; the screens need {COLUMNS}x{LINES}. Make it larger and they "
            "come back by themselves. Whatever runs goes on. q leaves."
        )
        rows += [Content(row) for row in textwrap.wrap(text, max(1, width))]
        self.query_one(Canvas).put(rows)
