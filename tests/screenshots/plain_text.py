"""A picture as text that can be compared line by line: the screen in a frame, then how its parts look."""

from collections.abc import Iterator
from typing import Final

from aihummer_drtui.tui import paint
from tests.screenshots.cells import PLAIN, Look, Picture

_NAMES: Final = {
    paint.BACKGROUND: "black",
    paint.FOREGROUND: "plain",
    **{
        getattr(paint, name).split()[-1]: name.lower()
        for name in ("QUIET", "LOUD", "GOOD", "BAD", "DOUBT", "BUSY")
    },
}


def text_of(picture: Picture) -> str:
    """The rows between bars; then, for each row, the columns that look other than plain."""
    edge = "+" + "-" * picture.width + "+"
    rows = [f"|{line}|" for line in picture.lines]
    return "\n".join([edge, *rows, edge, "", *_looks(picture)]) + "\n"


def _looks(picture: Picture) -> Iterator[str]:
    for number, row in enumerate(picture.rows, 1):
        told = [
            f"{run.begin + 1}-{run.begin + run.cells} {words(run.look)}" for run in row if run.look != PLAIN
        ]
        if told:
            yield f"row {number}: {', '.join(told)}"


def words(look: Look) -> str:
    """A look in the words of the theme."""
    ink, ground = (_NAMES.get(colour, colour) for colour in (look.ink, look.ground))
    on = "" if look.ground == PLAIN.ground else f" on {ground}"
    marks = ("bold " if look.is_bold else "") + ("underlined " if look.is_underlined else "")
    return f"{marks}{ink}{on}"
