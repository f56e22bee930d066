"""The footer: the keys that do something now, as many as have room."""

from collections.abc import Iterable

from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import Intent


class Keys(Widget):
    """One line of keys, the most needed first."""

    DEFAULT_CSS = """
    Keys { height: 1; }
    """
    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self._intents: tuple[Intent, ...] = ()

    def show(self, intents: Iterable[Intent]) -> None:
        """Show these, in this order."""
        shown = tuple(intent for intent in intents if intent.word)
        if shown != self._intents:
            self._intents = shown
            self.refresh()

    def render(self) -> Content:
        """Key and word, key and word."""
        parts: list[tuple[str, str]] = []
        left = self.size.width
        for intent in self._intents:
            left -= len(intent.shown) + len(intent.word) + 3
            if left < 0:
                break
            parts += [(intent.shown, paint.LOUD), (f" {intent.word}  ", paint.QUIET)]
        return Content.assemble(*parts)
