"""The keys of the screen from which help was asked for."""

from collections.abc import Iterable

from aihummer_drtui.tui.intents import Intent
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line

_ABOUT = (
    "Nothing you do here can lose the run: every event is in the journal before it counts, commands go on "
    "without this screen, and `resume` comes back to the same place.",
    "Status is a word and a sign: + passed, x failed, ! drifted (passed once, no longer true), ? unknown, "
    "~ unproven (cannot be known here), > running, - skipped, . pending.",
    "Of a whole step: + done, x not green, ? unknown, > running, . open, - waits for other steps.",
)


class HelpScreen(ReadingScreen[None]):
    """What each key does there, whether it is legal now or not."""

    def __init__(self, intents: Iterable[Intent]) -> None:
        super().__init__("HELP: the keys of the screen you came from")
        shown = dict.fromkeys((one.shown, one.does) for one in intents if one.does)
        self._lines = (
            *(Line(text=f"{key:<11}{does}", hang=" " * 11) for key, does in shown),
            *(line for text in _ABOUT for line in (Line(text=""), Line(text=text, hang=""))),
        )

    def on_mount(self) -> None:
        """Say them; no run is needed for that."""
        self.say(self._lines)

    def lines(self, view: View) -> tuple[Line, ...]:  # noqa: ARG002
        """The keys."""
        return self._lines
