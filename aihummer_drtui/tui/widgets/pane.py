"""A pane of lines with a title: wraps, scrolls, searches. Nothing in it is markup."""

from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, chop_cells
from textual.content import Content

from aihummer_drtui.foreign import cleaned
from aihummer_drtui.runbook.prose import wrapped
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.canvas import Canvas

VERBATIM_BEGIN: Final = "| "
VERBATIM_ON: Final = "+ "
"""Before what goes on from the line above only because the screen is narrow."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line as it was meant, before it is fitted to a width."""

    text: str
    style: str = ""
    verbatim: bool = False
    """A command or its output: broken anywhere, with a mark, and nothing of it left out."""
    hang: str = ""
    """What stands before the continuations of a sentence, beside its own indent."""


def fitted(line: Line, width: int) -> list[Content]:
    """The line as rows of at most that width; whatever it holds, nothing of it controls the terminal."""
    whole = cleaned(line.text)
    if line.verbatim:
        room = max(1, width - len(VERBATIM_BEGIN))
        parts = chop_cells(whole.expandtabs(), room) or [""]
        marks = [VERBATIM_BEGIN, *[VERBATIM_ON] * (len(parts) - 1)]
        return [Content.styled(mark + part, line.style) for mark, part in zip(marks, parts, strict=True)]
    indent = whole[: len(whole) - len(whole.lstrip())]
    text = wrapped(whole.strip(), width=width, first=indent, rest=indent + line.hang)
    return [
        Content.styled(part, line.style)
        for row in text.split("\n")
        for part in (chop_cells(row, width) if cell_len(row) > width else [row])
    ]


class Pane(Canvas):
    """Shows as many rows as it has room for. `follow` keeps the last one in sight."""

    DEFAULT_CSS = """
    Pane { height: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self._title = ""
        self._lines: tuple[Line, ...] = ()
        self._rows: list[Content] = []
        self._width = 0
        self._top = 0
        self._follow = False

    def show(
        self, title: str, lines: tuple[Line, ...], *, follow: bool = False, restart: bool = False
    ) -> None:
        """Show these lines; `restart` begins at the top, else the place is kept."""
        changed = (title, lines, follow) != (self._title, self._lines, self._follow)
        if not changed and not restart:
            return
        self._title, self._follow = title, follow
        if lines != self._lines:
            self._lines = lines
            self._fit()
            if self.styles.height is not None and self.styles.height.is_auto:
                self.refresh(layout=True)
        if restart:
            self._top = 0
        self._place(self._top)

    def scroll(self, rows: int) -> None:
        """Go that many rows down, or up."""
        self._follow = False
        self._place(self._top + rows)

    def page(self, pages: int) -> None:
        """Go that many screenfuls down, or up; one row of the last stays in sight."""
        self.scroll(pages * max(1, self._room() - 1))

    def find(self, text: str) -> bool:
        """Bring the next row with that text (any case) to the top, from the one below the top on."""
        wanted = text.casefold()
        count = len(self._rows)
        for step in range(1, count + 1):
            row = (self._top + step) % count
            if wanted in self._rows[row].plain.casefold():
                self._follow = False
                self._place(row, past_end=True)
                return True
        return False

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002
        """The title and every row, for a pane that is as high as what it shows."""
        return 1 + sum(len(fitted(line, width)) for line in self._lines)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self._fit()
        self._place(self._top)

    def _head(self) -> Content:
        width = self.size.width
        shown_to = min(len(self._rows), self._top + self._room())
        more = f" {self._top + 1}-{shown_to} of {len(self._rows)} " if len(self._rows) > self._room() else ""
        title = f"-- {paint.cut(self._title, max(0, width - len(more) - 5))} " if self._title else ""
        return Content.styled(title + "-" * max(0, width - len(title) - len(more)) + more, paint.QUIET)

    def _room(self) -> int:
        return max(0, self.size.height - 1)

    def _last_top(self) -> int:
        return max(0, len(self._rows) - self._room())

    def _fit(self) -> None:
        self._width = self.size.width
        self._rows = [row for line in self._lines for row in fitted(line, self._width)] if self._width else []

    def _place(self, top: int, *, past_end: bool = False) -> None:
        last = max(0, len(self._rows) - 1) if past_end else self._last_top()
        self._top = self._last_top() if self._follow else max(0, min(top, last))
        self.put([self._head(), *self._rows[self._top : self._top + self._room()]])
