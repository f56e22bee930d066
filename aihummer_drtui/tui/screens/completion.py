"""How the run ended: level, clocks, deviations, what is unproven, left over, and to be done next."""

import time
from typing import ClassVar, Final

from textual.binding import BindingType

from aihummer_drtui.run.closing import closing_lines
from aihummer_drtui.run.state import Abandoned, CommandState, Status
from aihummer_drtui.runbook.model import CommandItem, RecoveryLevel
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import RUN, Intent, bindings
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line

_KEPT: Final = ("app.timeline", "app.copy", "app.print", "app.shell")


class CompletionScreen(ReadingScreen[None]):
    """Enter leaves; the record stays."""

    intents = (
        Intent(
            action="leave_it", keys="enter,q", shown="Enter", word="leave", does="leave; the record stays"
        ),
        Intent(action="back", keys="f3,escape", shown="F3", word="look back at the steps", does="look back"),
        Intent(action="page(1)", keys="pagedown,down", shown="PgDn", word="scroll", does="scroll"),
        Intent(action="page(-1)", keys="pageup,up", shown="PgUp", does="scroll back"),
        *(one for one in RUN if one.action in _KEPT),
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self) -> None:
        super().__init__("THE END OF THE RUN")
        self._since = 0.0

    def on_mount(self) -> None:
        """Note since when it can be read."""
        self._since = time.monotonic()
        super().on_mount()

    def action_leave_it(self) -> None:
        """Leave, unless the key was pressed for what was here before."""
        if time.monotonic() - self._since >= self.run_app.settle:
            self.run_app.action_leave()

    def lines(self, view: View) -> tuple[Line, ...]:
        """The end, what is kept where, and what to do next."""
        told = [line for line in closing_lines(view.runbook, view.state) if line.strip()]
        proven = view.state.level is RecoveryLevel.PROVEN and not isinstance(view.state.ending, Abandoned)
        return (
            *(Line(text=line, style=_style(line, proven=proven)) for line in told),
            Line(text=""),
            *_leftovers(view),
            *_next_actions(view),
            Line(text=f"The record lies in {view.folder.path}", style=paint.LOUD),
        )


def _style(line: str, *, proven: bool) -> str:
    if line.startswith("***"):
        return f"bold {paint.GOOD}" if proven else paint.DOUBT
    return paint.BAD if "NOT proven" in line or " OVER " in line else ""


def _leftovers(view: View) -> list[Line]:
    """Irreversible commands that ran keep what they put aside, until a person removes it."""
    done = [
        item
        for item in view.runbook.items
        if isinstance(item, CommandItem)
        and item.destructive
        and isinstance(view.state.items.get(item.id), CommandState)
        and view.state.status(item.id) is Status.PASSED
    ]
    return [
        Line(text=f"Left over by {item.id}: {plain_words(item.destroys)} Undo: {plain_words(item.undo)}")
        for item in done
    ]


def _next_actions(view: View) -> list[Line]:
    if isinstance(view.state.ending, Abandoned):
        return [Line(text="Next: `aihummer-drtui run` begins anew; what was restored so far stays as it is.")]
    if view.state.level is RecoveryLevel.PROVEN and not view.state.deviations:
        return [Line(text="Next: tell the people; keep the old database and blobs until nobody misses them.")]
    return [
        Line(
            text="Next: look by hand at each deviation and each thing that is unproven, and say who does it "
            "by when; only then is AiHummer known to be back.",
            style=paint.LOUD,
        )
    ]
