"""Rows of text of which only what changed goes over the wire: the changed columns of the changed rows."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content, Span
from textual.geometry import Region
from textual.widget import Widget


class Canvas(Widget):
    """Draws rows; whoever has newer ones puts them, and need not know which of them are new.

    A row that is wider than the room is cut off: were it wrapped, those below it would stand elsewhere than
    where their changes are drawn.
    """

    DEFAULT_CSS = """
    Canvas { text-wrap: nowrap; text-overflow: clip; }
    """
    can_focus = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self._drawn: tuple[Content, ...] = ()

    def put(self, rows: Sequence[Content]) -> None:
        """Draw these rows from the top on."""
        before, self._drawn = self._drawn, tuple(rows)
        regions = [
            region
            for y in range(max(len(before), len(self._drawn)))
            if (region := _changed(_row(before, y), _row(self._drawn, y), y)) is not None
        ]
        if regions:
            self.refresh(*regions)

    def render(self) -> Content:
        """The rows."""
        return Content("\n").join(self._drawn)


def _row(rows: tuple[Content, ...], y: int) -> Content:
    return rows[y] if y < len(rows) else Content("")


def _changed(before: Content, after: Content, y: int) -> Region | None:
    """The part of a row in which two differ, None when they do not."""
    old, new = before.plain, after.plain
    if old == new and before.spans == after.spans:
        return None
    first = _same(old, new)
    styled = _style_differs_from(before.spans, after.spans)
    first = first if styled is None else min(first, styled)
    end = max(before.cell_length, after.cell_length)
    if styled is None and len(old) == len(new):
        # Of the same length and style, such as two clocks: their ends may be the same too.
        end -= cell_len(new[len(new) - _same(old[::-1], new[::-1]) :])
    x = cell_len(new[:first])
    return Region(x, y, max(1, end - x), 1)


def _same(one: str, other: str) -> int:
    """How many letters from the beginning on are the same."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))


def _style_differs_from(before: Sequence[Span], after: Sequence[Span]) -> int | None:
    """The first letter from which the styles differ, None where they do not but for the length."""
    for old, new in zip(before, after, strict=False):
        if (old.start, old.style) != (new.start, new.style):
            return min(old.start, new.start)
        if old.end != new.end and len(before) + len(after) > 2:
            return min(old.end, new.end)
    if len(before) != len(after):
        longer = max(before, after, key=len)
        return longer[min(len(before), len(after))].start
    return None
