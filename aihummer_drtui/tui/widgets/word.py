"""A few words that cost nothing on the wire while they stay the same."""

from collections.abc import Sequence

from textual.content import Content
from textual.css.scalar import Scalar

from aihummer_drtui.tui.widgets.canvas import Canvas


class Word(Canvas):
    """A line, or a few, as large as what they say."""

    DEFAULT_CSS = """
    Word { height: 1; width: auto; }
    """

    def say(self, content: Content) -> None:
        """Say this instead."""
        rows = content.split("\n") if content.plain else []
        before = self._drawn
        self.put(rows)
        # A new layout paints the whole screen anew: only where the room it takes is another.
        least = self.styles.min_width.value if self.styles.min_width is not None else 0.0
        if (_is_auto(self.styles.width) and max(least, _widest(rows)) != max(least, _widest(before))) or (
            _is_auto(self.styles.height) and max(1, len(rows)) != max(1, len(before))
        ):
            self.refresh(layout=True, repaint=False)
            # Textual counts one wish for a layout until it is idle; a box that was measured between that wish
            # and this one would be kept.
            self._layout_updates += 1


def _is_auto(scalar: Scalar | None) -> bool:
    return scalar is not None and scalar.is_auto


def _widest(rows: Sequence[Content]) -> int:
    return max((row.cell_length for row in rows), default=0)
