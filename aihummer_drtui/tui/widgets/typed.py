"""A line that is typed into. It does not blink: every blink would go over the wire."""

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.requests import LONGEST_WORDS
from aihummer_drtui.tui.pace import Pace


class Typed(Input):
    """One line of text, with a prompt of its own before it."""

    DEFAULT_CSS = """
    Typed, Typed:focus { border: none; height: 1; padding: 0; background: $background; width: 1fr; }
    Typed:focus { background-tint: $background 0%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, value: str = "", *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(value, max_length=LONGEST_WORDS, id=id, select_on_focus=False)
        self.cursor_blink = False
        self.pace = Pace()
        """How fast the line came."""
        self._was_put = False

    def on_key(self, event: events.Key) -> None:
        """Note how fast keys come; the first letter takes the place of a value that was put here."""
        if self._was_put and event.is_printable:
            self.value = ""
        self._was_put = False
        if event.key == "enter":
            self.pace.key(event.time)
        else:
            self.pace.letter(event.time, first=not self.value)

    def put(self, value: str) -> None:
        """Put a value into the line; one with control characters leaves it empty: no terminal may get it."""
        self.value = value if cleaned_line(value, len(value)) == value else ""
        self.cursor_position = len(self.value)
        self._was_put = bool(self.value)


class ByHand(Typed):
    """What has to be typed by hand: a paste is refused, whole."""

    class Pasted(Message):
        """Somebody pasted; nothing of it was taken."""

    async def _on_paste(self, event: events.Paste) -> None:  # type: ignore[override]
        event.prevent_default()
        event.stop()
        self.post_message(self.Pasted())
