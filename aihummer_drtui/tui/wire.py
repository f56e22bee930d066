"""What goes over the wire: of what Textual writes, the letters that the terminal does not show already.

Textual paints a new screen two or three times, and repaints all of it for a new layout. Over a slow line
every letter counts, so what the terminal shows is remembered cell by cell, and only what differs is sent.

The sequences are those of ECMA-48 (CUP, SGR) and xterm's ctlseqs. Whatever is not known here is passed on
as it is, and what the terminal shows is then taken to be unknown: it is sent again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from rich.cells import cell_len

_TOKENS: Final = re.compile(
    r"\x1b\[(?P<style>[0-9;]*)m"
    r"|\x1b\[(?P<row>[0-9]+);(?P<column>[0-9]+)H"
    r"|(?P<line>\n)"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
    r"|(?P<other>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|[\x00-\x1f\x7f])",
    re.DOTALL,
)
_HARMLESS: Final = re.compile(
    r"\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|2004|2026|2048)[hl]"
    r"|\x1b\[\?[0-9]+\$p|\x1b\[[<>=][0-9]*u|\x1b\].*",
    re.DOTALL,
)
"""Modes, questions and operating system commands: what is shown stays as it is."""
_BRIDGED: Final = 5
"""Cells that are shown already and sent again, because going over them costs more."""
_SHOWS_ON_BLANKS: Final = frozenset({"4", "7", "9", "21", "53"})
"""Underline, reverse, strike, double underline, overline: there a blank is more than its background."""

Cell: TypeAlias = tuple[str, str]
"""A letter and its style, as the parameters of SGR; of a blank only what can be seen of it."""


@dataclass(frozen=True, kw_only=True)
class _Style:
    """The parameters of SGR, taken apart."""

    marks: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""


@dataclass(kw_only=True)
class Wire:
    """Remembers what the terminal shows."""

    _rows: dict[int, list[Cell | None]] = field(default_factory=dict)
    _cursor: tuple[int, int] | None = None
    """Column and row of the terminal's cursor, counted from 0; None = unknown."""
    _style: str = ""
    """The style that the terminal writes in."""

    def forget(self) -> None:
        """Take what the terminal shows to be unknown: somebody else wrote to it, or it has another size."""
        self._rows.clear()
        self._cursor = None

    def spare(self, data: str) -> str:
        """The least to send so that the terminal shows what it would with all of `data`."""
        out: list[str] = []
        x, y = self._cursor or (0, 0)
        has_moved = False
        style = ""
        for token in _TOKENS.finditer(data):
            match token.lastgroup:
                case "style":
                    style = "" if token["style"] in {"", "0"} else token["style"]
                case "column":
                    x, y, has_moved = int(token["column"]) - 1, int(token["row"]) - 1, True
                case "line":
                    # Textual goes to the row by itself afterwards.
                    y, has_moved = y + 1, True
                case "text":
                    x = self._text(out, x, y, token["text"], style)
                    has_moved = True
                case _:
                    out += self._restyled("")
                    out.append(token["other"])
                    if not _HARMLESS.fullmatch(token["other"]):
                        self.forget()
        out += self._restyled("")
        if has_moved:
            # Where the cursor stands matters to who hears the screen, or types in another script.
            out += self._moved(x, y)
        return "".join(out)

    def _text(self, out: list[str], x: int, y: int, text: str, style: str) -> int:
        """Write what differs of a text at that place, and give the column after it."""
        row = self._rows.setdefault(y, [])
        if not text.isascii():
            width = cell_len(text)
            row += [None] * (x + width - len(row))
            row[x : x + width] = [None] * width
            out += self._moved(x, y)
            out += self._restyled(style)
            out.append(text)
            # How wide a terminal takes such letters to be, it alone knows.
            self._cursor = None
            return x + width
        blank = _ground(style)
        cells: list[Cell] = [(letter, blank if letter == " " else style) for letter in text]
        row += [None] * (x + len(cells) - len(row))
        for begin, end in _differences(row[x : x + len(cells)], cells):
            out += self._moved(x + begin, y)
            for letter, wanted in cells[begin:end]:
                if (_ground(self._style) if letter == " " else self._style) != wanted:
                    out += self._restyled(wanted)
                out.append(letter)
            self._cursor = (x + end, y)
        row[x : x + len(cells)] = cells
        return x + len(cells)

    def _moved(self, x: int, y: int) -> Iterator[str]:
        if self._cursor != (x, y):
            self._cursor = (x, y)
            yield f"\x1b[{y + 1};{x + 1}H"

    def _restyled(self, wanted: str) -> Iterator[str]:
        if self._style != wanted:
            before, self._style = self._style, wanted
            yield _change(before, wanted)


def _differences(before: list[Cell | None], after: list[Cell]) -> Iterator[tuple[int, int]]:
    """Begin and end of each stretch to send; short ones between that are the same go with them."""
    begin = end = -1
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if begin >= 0 and at - end > _BRIDGED:
            yield begin, end
            begin = at
        begin = at if begin < 0 else begin
        end = at + 1
    if begin >= 0:
        yield begin, end


@lru_cache(maxsize=512)
def _ground(style: str) -> str:
    """What can be seen of a style on a blank."""
    taken = _apart(style)
    return style if taken.marks & _SHOWS_ON_BLANKS else taken.background


@lru_cache(maxsize=1024)
def _change(before: str, after: str) -> str:
    """The shortest SGR from one style to another. Marks are taken back by a reset alone (as on a VT100)."""
    if not after:
        return "\x1b[m"
    old, new = _apart(before), _apart(after)
    if old.marks - new.marks or (old.foreground and not new.foreground):
        return f"\x1b[0;{after}m"
    if old.background and not new.background:
        return f"\x1b[0;{after}m"
    parts = sorted(new.marks - old.marks)
    parts += [new.foreground] if new.foreground != old.foreground else []
    parts += [new.background] if new.background != old.background else []
    return f"\x1b[{';'.join(parts)}m" if parts else ""


@lru_cache(maxsize=512)
def _apart(style: str) -> _Style:
    marks: set[str] = set()
    colours = {"3": "", "4": ""}
    codes = iter(style.split(";") if style else ())
    for code in codes:
        if code in {"38", "48"}:
            kind = next(codes, "")
            count = {"5": 1, "2": 3}.get(kind, 0)
            colours[code[0]] = ";".join([code, kind, *(next(codes, "") for _ in range(count))])
        elif re.fullmatch(r"[34][0-79]|9[0-7]|10[0-7]", code):
            colours["4" if code.startswith(("4", "10")) else "3"] = "" if code in {"39", "49"} else code
        else:
            marks.add(code)
    return _Style(marks=frozenset(marks), foreground=colours["3"], background=colours["4"])
