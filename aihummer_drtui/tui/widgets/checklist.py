"""The items of a step, a row each: where it stands, what it is; which is selected, which comes next."""

from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.state import CheckState, InputState, ItemState, RunState
from aihummer_drtui.run.words import kind_word
from aihummer_drtui.runbook.model import Item, Step
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint


class Checklist(Widget):
    """Never more than the rows of one step; selected is in reverse, `=>` is what comes next."""

    DEFAULT_CSS = """
    Checklist { height: auto; }
    """
    can_focus = False

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[tuple[Content, bool, bool], ...] = ()

    def show(self, state: RunState, step: Step, selected: str, following: str) -> None:
        """Show the step's items."""
        rows = tuple((_row(state, item), item.id == selected, item.id == following) for item in step.items)
        if [(row.plain, row.spans, *marks) for row, *marks in rows] != [
            (row.plain, row.spans, *marks) for row, *marks in self._rows
        ]:
            taller = len(rows) != len(self._rows)
            self._rows = rows
            self.refresh(layout=taller)

    def render(self) -> Content:
        """The rows, each in one line."""
        return Content("\n").join([self._painted(*row) for row in self._rows])

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002
        """One row for each item."""
        return len(self._rows)

    def _painted(self, row: Content, is_selected: bool, is_next: bool) -> Content:
        width = self.size.width
        line = Content.assemble(("=> " if is_next else "   ", paint.BUSY), row)
        if line.cell_length > width:
            line = line.truncate(width - 3) + Content("...")
        if not is_selected:
            return line
        return line.pad_right(max(0, width - line.cell_length)).stylize("reverse")


def _row(state: RunState, item: Item) -> Content:
    known = state.items.get(item.id)
    given = f" = {cleaned_line(known.value, 60)}" if isinstance(known, InputState) else ""
    name = item.id.partition("/")[2]
    what = "" if name.startswith("confirm-") else f"{name}{given}{_warned(known)}: "
    text = " ".join(plain_words(item.text).split())
    return Content.assemble(paint.status_cell(state, item), f" {kind_word(item):<7} {what}{text}")


def _warned(known: ItemState | None) -> str:
    """That a check which may well be green has said something to read."""
    count = len(known.observation.warnings) if isinstance(known, CheckState) else 0
    return "" if not count else f" [{count} warning{'s' if count > 1 else ''}]"
