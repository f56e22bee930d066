"""How things are told apart on the screen: a word and an ASCII glyph always, colour on top of them.

The colours have a contrast of at least 4.5:1 on the background (WCAG 2.2, 1.4.3), and do not rely on
red against green. Only ASCII is drawn: it looks the same on a serial console as in any terminal.
"""

from typing import Final

from textual.content import Content
from textual.theme import Theme

from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.state import CheckState, RunState, Status
from aihummer_drtui.run.words import GLYPHS
from aihummer_drtui.runbook.model import Item

BACKGROUND: Final = "#000000"
FOREGROUND: Final = "#d4d4d4"
QUIET: Final = "#a0a0a0"
LOUD: Final = "bold #ffffff"
GOOD: Final = "#56d4b0"
BAD: Final = "bold #ff9075"
DOUBT: Final = "bold #f0d050"
BUSY: Final = "bold #8cc8ff"
STATUS: Final = {
    Status.PENDING: "",
    Status.RUNNING: BUSY,
    Status.PASSED: GOOD,
    Status.FAILED: BAD,
    Status.SKIPPED: QUIET,
    Status.UNKNOWN: DOUBT,
    Status.UNPROVEN: DOUBT,
    Status.DRIFTED: BAD,
}
NEXT: Final = "bold #000000 on #8cc8ff"
"""The one thing that Enter does."""
REFUSED: Final = "bold #000000 on #f0d050"
MODES: Final = {
    Mode.REAL: ("*** REAL ***", "bold #000000 on #ff9075"),
    Mode.DRILL: ("[ DRILL ]", "bold #000000 on #56d4b0"),
    Mode.TABLETOP: ("( TABLETOP )", "bold #000000 on #d4d4d4"),
    Mode.TRAINING: ("< TRAINING >", "bold #000000 on #8cc8ff"),
}
"""The mode in its banner: no two have the same word, or the same marks around it."""

THEME: Final = Theme(
    name="drtui",
    primary="#8cc8ff",
    foreground=FOREGROUND,
    background=BACKGROUND,
    surface=BACKGROUND,
    panel=BACKGROUND,
    variables={
        "input-cursor-background": "#ffffff",
        "input-cursor-foreground": "#000000",
        "input-selection-background": "#404040",
    },
)


def status_cell(state: RunState, item: Item) -> Content:
    """Glyph and word of an item's status, always of the same width."""
    status = state.status(item.id)
    known = state.items.get(item.id)
    if isinstance(known, CheckState) and not known.fresh:
        return Content(f"{'. again':<10}")
    if known is not None and known.deviation is not None and status is not Status.SKIPPED:
        return Content.styled(f"{GLYPHS[status]} {'overrode':<8}", QUIET)
    return Content.styled(f"{GLYPHS[status]} {status:<8}", STATUS[status])


def cut(text: str, width: int) -> str:
    """The text in at most that many characters; what was cut off is marked."""
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."[: max(0, width)]
