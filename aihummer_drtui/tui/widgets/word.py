"""A few words that cost nothing on the wire while they stay the same."""

from textual.content import Content

from aihummer_drtui.tui.widgets.canvas import Canvas


class Word(Canvas):
    """A line, or a few, as large as what they say."""

    DEFAULT_CSS = """
    Word { height: 1; width: auto; }
    """

    def say(self, content: Content) -> None:
        """Say this instead."""
        rows = content.split("\n") if content.plain else []
        grown = _extent(rows) != _extent(list(self._drawn))
        self.put(rows)
        if grown and (self.styles.auto_dimensions):
            self.refresh(layout=True, repaint=False)


def _extent(rows: list[Content]) -> tuple[int, ...]:
    return tuple(row.cell_length for row in rows)
