"""How the run ended: level, clocks, deviations, what is unproven, left over, and to be done next."""

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import work
from textual.binding import BindingType

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.closing import closing_lines, next_lines
from aihummer_drtui.run.leftovers import Leftovers, leftover_lines
from aihummer_drtui.run.state import Abandoned
from aihummer_drtui.runbook.model import RecoveryLevel
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.aside import asked
from aihummer_drtui.tui.intents import RUN, Intent, bindings
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import wall_now
from aihummer_drtui.tui.widgets.pane import Line

_LOOK_WITHIN: Final = 30.0
"""Seconds after which what has not answered is told as not looked up."""
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
        self._left: Leftovers | None = None
        """None = not looked up yet."""

    def on_mount(self) -> None:
        """Look for what is left over."""
        if self.is_tabletop:
            # Nothing was touched, so nothing can be left over.
            self._left = Leftovers()
        else:
            self._look()

    @work
    async def _look(self) -> None:
        facts = self.run_app.desk.facts
        seen = await asked(lambda: facts.leftovers(_LOOK_WITHIN))
        self._left = Leftovers(unseen=(seen.what,)) if isinstance(seen, DrtuiError) else seen
        self.draw([])

    def action_leave_it(self) -> None:
        """Leave, unless the key was pressed for what was here before."""
        if self.can_be_read():
            self.run_app.action_leave()

    def lines(self, view: View) -> tuple[Line, ...]:
        """The end, what is kept where, and what to do next."""
        told = [line for line in closing_lines(view.runbook, view.state) if line.strip()]
        proven = view.state.level is RecoveryLevel.PROVEN and not isinstance(view.state.ending, Abandoned)
        return (
            *(Line(text=line, style=_style(line, proven=proven)) for line in told),
            Line(text=""),
            *self._left_lines(view),
            Line(text=""),
            Line(text=f"The record lies in {view.folder.path}", style=paint.LOUD),
        )

    def _left_lines(self, view: View) -> Iterator[Line]:
        if self._left is None:
            yield Line(text="Looking for what is left over ...", style=paint.QUIET)
            return
        told = () if self.is_tabletop else self._told(self._left)
        for line in told:
            yield Line(text=line, style=paint.DOUBT if "not looked up" in line else "", hang="    ")
        for line in next_lines(view.runbook, view.state, self._left):
            yield Line(text=line, style=paint.LOUD, hang="    ")

    def _told(self, left: Leftovers) -> list[str]:
        return leftover_lines(left, wall_now(), self.run_app.desk.program)


def _style(line: str, *, proven: bool) -> str:
    if line.startswith("***"):
        return f"bold {paint.GOOD}" if proven else paint.DOUBT
    return paint.BAD if "NOT proven" in line or " OVER " in line else ""
