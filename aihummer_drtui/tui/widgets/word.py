"""A few words that cost nothing on the wire while they stay the same."""

from textual.content import Content
from textual.widget import Widget


class Word(Widget):
    """A line, or a few, repainted only when they change."""

    DEFAULT_CSS = """
    Word { height: 1; width: auto; }
    """
    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id)
        self._content = Content("")

    def say(self, content: Content) -> None:
        """Say this instead."""
        if content != self._content or content.spans != self._content.spans:
            wider = _extent(content) != _extent(self._content)
            self._content = content
            self.refresh(layout=wider)

    def render(self) -> Content:
        """What was said last."""
        return self._content


def _extent(content: Content) -> tuple[int, ...]:
    return tuple(line.cell_length for line in content.split("\n"))
