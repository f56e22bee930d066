"""What a screen shows, cell by cell: its letters, and runs of cells that look the same."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.app import App

from aihummer_drtui.tui import paint


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a cell looks; colours as `#rrggbb`, after reversing."""

    ink: str
    ground: str
    is_bold: bool = False
    is_underlined: bool = False


PLAIN = Look(ink=paint.FOREGROUND, ground=paint.BACKGROUND)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Neighbouring cells of one row that look the same."""

    begin: int
    text: str
    look: Look

    @property
    def cells(self) -> int:
        """Columns that it takes."""
        return cell_len(self.text)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A screen at one moment."""

    width: int
    rows: tuple[tuple[Run, ...], ...]

    @property
    def lines(self) -> list[str]:
        """The letters, a line a row."""
        return ["".join(run.text for run in row) for row in self.rows]


def picture_of(app: App[object]) -> Picture:
    """What the application shows now."""
    strips = app.screen._compositor.render_strips(app.size)
    return Picture(width=app.size.width, rows=tuple(tuple(_runs(list(strip))) for strip in strips))


def _runs(segments: Sequence[Segment]) -> Iterator[Run]:
    looks = [(_look(one.style or Style(), one.text), one.text) for one in segments if one.text]
    begin = 0
    for look, group in itertools.groupby(looks, key=lambda each: each[0]):
        text = "".join(text for _, text in group)
        yield Run(begin=begin, text=text, look=look)
        begin += cell_len(text)


def _look(style: Style, text: str) -> Look:
    ink, ground = _hex(style.color, paint.FOREGROUND), _hex(style.bgcolor, paint.BACKGROUND)
    if style.reverse:
        ink, ground = ground, ink
    look = Look(
        ink=ink, ground=ground, is_bold=bool(style.bold), is_underlined=bool(style.underline or style.strike)
    )
    # Of a blank only the ground is seen.
    return look if text.strip() or look.is_underlined else Look(ink=paint.FOREGROUND, ground=ground)


def _hex(color: Color | None, default: str) -> str:
    return default if color is None or color.is_default else color.get_truecolor().hex
