"""An operator's words: a note, a reason, what to search for."""

from collections.abc import Sequence

from aihummer_drtui.tui import paint
from aihummer_drtui.tui.screens.typing_screen import TypingScreen
from aihummer_drtui.tui.widgets.pane import Line
from aihummer_drtui.tui.widgets.typed import Typed


class WordingScreen(TypingScreen[str]):
    """Gives the words, or None when the operator went back."""

    def __init__(
        self, title: str, lines: Sequence[str] = (), *, prompt: str, enter: str, may_be_empty: bool = False
    ) -> None:
        super().__init__(title, prompt=prompt, enter=enter)
        self._lines = tuple(Line(text=line) for line in lines)
        self._may_be_empty = may_be_empty

    def on_mount(self) -> None:
        """Say what follows from it."""
        if self._lines:
            self.lines(self._lines)

    def on_input_submitted(self, event: Typed.Submitted) -> None:
        """Take the words; nothing is done without any."""
        event.stop()
        text = event.value.strip()
        if self.query_one(Typed).pace.gap < self.by_hand:
            self.notice("Enter came at once with other keys, as in a paste: press it again.", paint.REFUSED)
        elif text:
            self.dismiss(text)
        elif self._may_be_empty:
            if self.can_be_read():
                self.dismiss("")
        else:
            self.notice(f"Type the {self._prompt} first; F3 goes back and nothing is done.", paint.REFUSED)
