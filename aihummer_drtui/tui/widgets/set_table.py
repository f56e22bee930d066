"""The recovery set: a row for each thing to recover from, and the three parts of the selected one."""

from datetime import datetime
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.set_words import Yardstick, looking_text, set_head
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.set_options import Option, Purpose, nothing_lines, options
from aihummer_drtui.tui.widgets.pane import Line, Pane
from aihummer_drtui.tui.widgets.rows import Rows
from aihummer_drtui.tui.widgets.word import Word

_LEAST: Final = 4
"""Rows that are always left to the list."""


class SetTable(Vertical):
    """Shows what is known so far; what was selected stays selected when more comes in."""

    DEFAULT_CSS = """
    SetTable { height: 1fr; width: 1fr; }
    SetTable #state, SetTable #head { width: 1fr; }
    SetTable Rows { height: 1fr; min-height: 4; }
    SetTable #parts { height: 1fr; }
    """

    def __init__(self, purpose: Purpose) -> None:
        super().__init__()
        self._purpose = purpose
        self._seen = RecoverySets()
        self._state = ""
        """How far the look is, or by what the RPO is measured."""
        self._options: tuple[Option, ...] = ()
        self._ground: tuple[datetime, datetime, str] | None = None
        """What the rows were made with, beside what was seen."""
        self._key = ""
        """Of the selected row; empty = the first."""

    def compose(self) -> ComposeResult:
        """How far the look is, the rows, the parts."""
        yield Word(id="state")
        yield Word(id="head")
        yield Rows()
        yield Pane(id="parts")

    @property
    def selected(self) -> Option | None:
        """The selected row."""
        return self._options[self._at] if self._options else None

    @property
    def _at(self) -> int:
        return next((at for at, one in enumerate(self._options) if one.key == self._key), 0)

    def see(self, seen: RecoverySets, by: Yardstick, backup_set: str) -> None:
        """Take in what is known by now. What is the same for the eye is not made anew."""
        ground = (by.against, by.now.replace(second=0, microsecond=0), backup_set)
        if seen is self._seen and ground == self._ground:
            return
        self._seen, self._ground = seen, ground
        self._options = options(self._purpose, seen, by, backup_set)
        self._state = looking_text(seen) or by.words
        self._draw_table()

    def select(self, key: str) -> None:
        """Select a row by its key; another is selected where there is none of it."""
        self._key = key
        self._draw_table()

    def follow(self, value: str) -> None:
        """Select the row that gives this value, if one does."""
        found = next((one for one in self._options if one.value == value), None)
        if value and found is not None and found is not self.selected:
            self.select(found.key)

    def move(self, by: int) -> None:
        """Select a row that many below."""
        if self._options:
            at = max(0, min(len(self._options) - 1, self._at + by))
            self.select(self._options[at].key)

    def page(self, pages: int) -> None:
        """Scroll the parts."""
        self.query_one("#parts", Pane).page(pages)

    def on_resize(self) -> None:
        """Draw it in the room there is."""
        self._draw_table()

    def lines(self) -> tuple[str, ...]:
        """All of it as text: the rows with what speaks against each, then the three parts."""
        rows = [text for one in self._options for text in (one.row, *(f"  {below}" for below in one.below))]
        return (set_head(), *rows, "", *(line.text for line in self._parts()))

    def _parts(self) -> tuple[Line, ...]:
        one = self.selected
        return nothing_lines(self._seen) if one is None else (*one.lines, *_unseen(self._seen))

    def _draw_table(self) -> None:
        if not self.is_mounted:
            return
        self._say("state", self._state, paint.BUSY if self._seen.looking else paint.QUIET)
        self._say("head", f"   {set_head()}", paint.QUIET)
        one = self.selected
        rows = [each.row for each in self._options]
        self._fit(len(rows) + sum(len(each.below) for each in self._options))
        self.query_one(Rows).show(rows, self._at, [each.below for each in self._options])
        title = "" if one is None else one.title
        self.query_one("#parts", Pane).show(title, self._parts())

    def _fit(self, count: int) -> None:
        """Leave to the parts the room that the rows do not need; a new layout only where it is another."""
        styles, most = self.query_one(Rows).styles, max(_LEAST, count)
        if styles.max_height is None or styles.max_height.value != most:
            styles.max_height = most

    def _say(self, name: str, text: str, style: str) -> None:
        width = max(20, self.size.width or self.screen.size.width)
        self.query_one(f"#{name}", Word).say(Content.styled(paint.cut(text, width), style))


def _unseen(seen: RecoverySets) -> tuple[Line, ...]:
    return nothing_lines(seen)[1:]
