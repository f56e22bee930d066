"""The footer: the keys that do something now, as many as have room."""

from collections.abc import Iterable

from textual.content import Content

from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import Intent
from aihummer_drtui.tui.widgets.canvas import Canvas


class Keys(Canvas):
    """One line of keys, the most needed first; in one style, for every other costs as much as ten letters."""

    DEFAULT_CSS = """
    Keys { height: 1; }
    """

    def show(self, intents: Iterable[Intent], width: int) -> None:
        """Show these, in this order."""
        line = ""
        for intent in intents:
            longer = f"{line}{intent.shown}={intent.word}  "
            if intent.word and len(longer.rstrip()) <= width:
                line = longer
        self.put([Content.styled(line.rstrip(), paint.FOREGROUND)])
