"""The panes of a step: its text, the selected item, an output; one at a time, or all where it is tall."""

from textual.app import ComposeResult
from textual.containers import Vertical

from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.hints import hint_lines
from aihummer_drtui.run.words import kind_word
from aihummer_drtui.runbook.model import ConfirmItem, InputItem, Step
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.describing import item_lines, output_lines, output_title, step_lines
from aihummer_drtui.tui.place import Place, Showing
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import now
from aihummer_drtui.tui.widgets.pane import Line, Pane

_TEXT_FOLLOWS = Line(text="-- the step's text --", style=paint.QUIET)
TALL = 36
"""Rows of the screen from which there is room for more than one."""


class Panes(Vertical):
    """Shows what there is room for; what the operator looks at takes the keys that scroll and search."""

    DEFAULT_CSS = """
    Panes { height: 1fr; width: 1fr; }
    Panes Pane { display: none; }
    Panes Pane.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.follows = True
        """Whether the end of the output is kept in sight."""
        self._main = Showing.ITEM
        self._item = ""

    def compose(self) -> ComposeResult:
        """A pane for each."""
        for one in Showing:
            yield Pane(id=one.value, classes="-shown" if one is self._main else None)

    @property
    def main(self) -> Pane:
        """The pane that the operator looks at."""
        return self.pane(self._main)

    def pane(self, showing: Showing) -> Pane:
        """One of them."""
        return self.query_one(f"#{showing.value}", Pane)

    def show(self, view: View, step: Step, place: Place) -> None:
        """Show the step at this place."""
        self._main = place.showing(view.state)
        shown = {self._main}
        is_tall = self.screen.size.height >= TALL and not place.is_zoomed
        if is_tall:
            shown |= {Showing.ITEM, Showing.TEXT}
            if view.output is not None and view.output.attempt:
                shown |= {Showing.OUTPUT}
        for one in Showing:
            self.pane(one).set_class(one in shown, "-shown")
        text_title = "THE STEP'S TEXT" if is_tall else "THE STEP'S TEXT (w puts it away)"
        self.pane(Showing.TEXT).show(text_title, step_lines(step, self.size.width))
        self._show_item(view, step, place, with_text=not is_tall)
        if view.output is not None:
            title = output_title(view.output, follows=self.follows)
            self.pane(Showing.OUTPUT).show(title, output_lines(view.output), follow=self.follows)

    def _show_item(self, view: View, step: Step, place: Place, *, with_text: bool) -> None:
        item = view.runbook.item(place.selected)
        if item is None:
            # A step without a checklist is only read.
            lines = step_lines(step, self.size.width) if with_text else ()
            self._item = ""
            self.pane(Showing.ITEM).show("", lines)
        else:
            title = f"{kind_word(item).upper()} {item.id}"
            is_other = item.id != self._item
            self._item = item.id
            hints = (Line(text=hint, style=paint.BUSY) for hint in hint_lines(view.state, item))
            lines = (*item_lines(view.state, item, now()), *hints)
            training = view.state.declared.mode is Mode.TRAINING
            if with_text and (training or isinstance(item, ConfirmItem | InputItem)):
                # What a person states may well be about what stands in the text.
                lines = (*lines, _TEXT_FOLLOWS, *step_lines(step, self.size.width))
            self.pane(Showing.ITEM).show(title, lines, restart=is_other)

    def scroll_by(self, rows: int) -> None:
        """Scroll what is looked at; away from its end, an output is no longer followed."""
        self._release()
        self.main.scroll(rows)

    def page_by(self, pages: int) -> None:
        """Scroll what is looked at by screenfuls."""
        self._release()
        self.main.page(pages)

    def find(self, text: str) -> bool:
        """Search in what is looked at, from the row below the top on."""
        self._release()
        return self.main.find(text)

    def _release(self) -> None:
        if self._main is Showing.OUTPUT:
            self.follows = False
