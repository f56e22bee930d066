"""A picture as SVG, small and the same everywhere: letters stay letters, and no font is fetched."""

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from rich.cells import cell_len

from tests.screenshots.cells import PLAIN, Picture, Run

_CELL: Final = 8
_ROW: Final = 17
_BASE: Final = 13
_MARGIN: Final = 8
_FONT: Final = "ui-monospace,'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace"


def svg_of(picture: Picture, title: str) -> str:
    """The picture. Every run has the width of its cells, whatever font the reader has."""
    width, height = picture.width * _CELL + 2 * _MARGIN, len(picture.rows) * _ROW + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="6" fill="{PLAIN.ground}"/>',
        f'<g transform="translate({_MARGIN} {_MARGIN})" font-family="{_FONT}" font-size="13" '
        f'fill="{PLAIN.ink}">',
        *(line for y, row in enumerate(picture.rows) for run in row for line in _run(run, y * _ROW)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _run(run: Run, top: int) -> Iterator[str]:
    look = run.look
    if look.ground != PLAIN.ground:
        yield (
            f'<rect x="{run.begin * _CELL}" y="{top}" width="{run.cells * _CELL}" height="{_ROW}" '
            f'fill="{look.ground}"/>'
        )
    marks = "" if look.ink == PLAIN.ink else f' fill="{look.ink}"'
    marks += ' font-weight="bold"' if look.is_bold else ""
    marks += ' text-decoration="underline"' if look.is_underlined else ""
    for part in re.finditer(r"\S+(?: \S+)*", run.text):
        # What more than one blank keeps apart has a place of its own: readers of SVG make one of many.
        x, cells = run.begin + cell_len(run.text[: part.start()]), cell_len(part[0])
        yield (
            f'<text x="{x * _CELL}" y="{top + _BASE}" textLength="{cells * _CELL}"{marks}>'
            f"{escape(part[0], quote=False)}</text>"
        )
