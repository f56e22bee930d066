"""While you were away: what happened to the run since anybody was attached to it."""

from typing import Final

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Status
from aihummer_drtui.run.told_words import told_event
from aihummer_drtui.run.words import GLYPHS, ending, local_time
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line

_STAYS_TOLD: Final = "What was told stays told: in a tabletop nobody looks again."
_CLOSING: Final = (
    "Everything that had passed is looked at again now; what is no longer true shows as drifted."
)


def absence_lines(away: Away, *, tabletop: bool = False) -> tuple[Line, ...]:
    """What is worth telling; empty when nobody was away, or nothing happened."""
    told = [line for record in away.records() if (line := _told(record)) is not None]
    if not told or away.before is None:
        return ()
    since = Line(text=f"Nobody was attached since {local_time(away.before.wall)}.", style=paint.LOUD)
    closing = _STAYS_TOLD if tabletop else _CLOSING
    return (since, *told, Line(text=""), Line(text=closing, style=paint.QUIET))


def _told(record: e.Record) -> Line | None:
    at = local_time(record.wall)
    match record.what:
        case e.CommandEnded(item=item, kind=kind, code=code):
            good = kind is e.EndKind.EXITED and code == 0
            status = Status.PASSED if good else Status.FAILED
            text = f"{at}  {GLYPHS[status]} {status}: {item}: {ending(record.what)}"
            return Line(text=text, style=paint.STATUS[status])
        case e.OutcomeLost(item=item, why=why):
            text = f"{at}  ? unknown: {item}: nobody saw how it ended: {cleaned_line(why, 300)}"
            return Line(text=text, style=paint.DOUBT)
        case e.CheckAnswered() | e.CommandRehearsed() | e.OutcomeTold() | e.ProbeAnswered():
            return Line(text=f"{at}  {told_event(record.what)} ({cleaned_line(record.actor, 60)})")
        case e.LevelReached(level=level):
            return Line(text=f"{at}  recovery level: {level}")
        case e.JournalRepaired(bytes_cut=cut, copy=copy):
            return Line(text=f"{at}  the journal's torn end ({cut} bytes) was cut off; a copy: {copy}")
        case e.LockTaken(holder=holder, reason=reason):
            text = f"{at}  taken over from {cleaned_line(holder, 200)}: {cleaned_line(reason, 300)}"
            return Line(text=text, style=paint.DOUBT)
        case e.RunAbandoned(reason=reason):
            return Line(text=f"{at}  abandoned: {cleaned_line(reason, 300)}", style=paint.BAD)
        case _:
            return None


class AbsenceScreen(ReadingScreen[None]):
    """Shown once, when somebody comes back."""

    def __init__(self, lines: tuple[Line, ...]) -> None:
        super().__init__("WHILE YOU WERE AWAY")
        self._lines = lines

    def lines(self, view: View) -> tuple[Line, ...]:  # noqa: ARG002
        """What happened."""
        return self._lines
