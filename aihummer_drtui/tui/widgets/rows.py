"""A list of rows of which one is selected; it scrolls by itself to keep that one in sight."""

from collections.abc import Sequence

from textual.content import Content

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.canvas import Canvas


class Rows(Canvas):
    """Each row is one line; what belongs below a row is given with it."""

    DEFAULT_CSS = """
    Rows { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[str, ...] = ()
        self._below: tuple[tuple[str, ...], ...] = ()
        self._at = 0

    def show(self, rows: Sequence[str], at: int, below: Sequence[tuple[str, ...]] = ()) -> None:
        """Show these, that one selected; `below` are the lines under each."""
        shown = (tuple(rows), tuple(below), at)
        self._rows, self._below, self._at = shown
        self._draw_rows()

    def on_resize(self) -> None:
        """Draw what has room now."""
        self._draw_rows()

    def _draw_rows(self) -> None:
        """The rows that have room, the selected one among them, whole."""
        # Of hundreds only those that are seen become content.
        lines: list[tuple[str, str]] = []
        begin = end = 0
        for number, row in enumerate(self._rows):
            is_at = number == self._at
            if is_at:
                begin = len(lines)
            mark = "=> " if is_at else "   "
            lines.append((mark + row, "reverse" if is_at else paint.FOREGROUND))
            lines += [(f"     {one}", paint.QUIET) for one in (self._below[number] if self._below else ())]
            if is_at:
                end = len(lines)
        room = max(1, self.size.height)
        top = max(0, min(max(begin - room // 2, end - room), len(lines) - room))
        top = min(top, begin)
        left = len(lines) - top - room
        if left > 0 and end < top + room:
            lines[top + room - 1] = (f"   ... {left + 1} more below", paint.QUIET)
        self.put([self._line(text, style) for text, style in lines[top : top + room]])

    def _line(self, text: str, style: str) -> Content:
        return Content.styled(paint.cut(cleaned_line(text, 1_000), max(3, self.size.width)), style)
