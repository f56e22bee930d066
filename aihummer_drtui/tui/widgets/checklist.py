"""The items of a step, a row each: where it stands, what it is; which is selected, which comes next."""

from typing import Final

from textual.content import Content

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.state import InputState, ItemState, ObservedState, RunState
from aihummer_drtui.run.told_words import told_mark
from aihummer_drtui.run.words import kind_word
from aihummer_drtui.runbook.model import Item, Step
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.canvas import Canvas

_MARKED: Final = 13
"""Columns of a row that are in reverse when it is selected: its status."""


class Checklist(Canvas):
    """The rows of one step; `=>` is what comes next, the status of the selected item is in reverse."""

    DEFAULT_CSS = """
    Checklist { height: auto; }
    """

    _shown: tuple[RunState, Step, str, str] | None = None

    def on_resize(self) -> None:
        """Fit the rows to the room there is now."""
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, state: RunState, step: Step, selected: str, following: str) -> None:
        """Show the step's items."""
        self._shown = (state, step, selected, following)
        width = self.size.width or self.screen.size.width
        rows = [
            _painted(_row(state, item), item.id == selected, item.id == following, width)
            for item in step.items
        ]
        taller = len(rows) != len(self._drawn)
        self.put(rows)
        if taller:
            self.refresh(layout=True)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002
        """One row for each item."""
        return len(self._drawn)


def _painted(row: Content, is_selected: bool, is_next: bool, width: int) -> Content:
    line = Content.assemble(("=> ", paint.BUSY) if is_next else "   ", row)
    if line.cell_length > width:
        line = line.truncate(width - 3) + Content("...")
    return line.stylize("reverse", 0, _MARKED) if is_selected else line


def _row(state: RunState, item: Item) -> Content:
    known = state.items.get(item.id)
    given = f" = {cleaned_line(known.value, 60)}" if isinstance(known, InputState) else ""
    name = item.id.partition("/")[2]
    told = f" [{mark}]" if (mark := told_mark(known)) else ""
    what = "" if name.startswith("confirm-") else f"{name}{given}{_warned(known)}{told}: "
    text = " ".join(plain_words(item.text).split())
    return Content.assemble(paint.status_cell(state, item), f" {kind_word(item):<7} {what}{text}")


def _warned(known: ItemState | None) -> str:
    """That a check which may well be green has said something to read."""
    count = len(known.observation.warnings) if isinstance(known, ObservedState) else 0
    return "" if not count else f" [{count} warning{'s' if count > 1 else ''}]"
