"""The recovery set: read at any time, in a run and before one."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import ClassVar, Final, TypeAlias

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.recovery_set import BACKUP_SET, RecoverySets
from aihummer_drtui.run.set_words import Yardstick
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.aside import told
from aihummer_drtui.tui.intents import BACK, ELSEWHERE, HELP, Intent, bindings
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.set_options import Purpose
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import wall_now
from aihummer_drtui.tui.widgets.keys import Keys
from aihummer_drtui.tui.widgets.set_table import SetTable
from aihummer_drtui.tui.widgets.word import Word

LookAtSets: TypeAlias = Callable[[], Iterator[RecoverySets]]
_READING: Final = (
    Intent(action="back", keys="enter,q,f3,escape", shown="Enter", word="go back", does="go back"),
    Intent(action="move(-1)", keys="up", shown="Up, Down", word="select", does="select another set"),
    Intent(action="move(1)", keys="down", shown="Down", does=""),
    Intent(action="page(1)", keys="pagedown,space", shown="PgUp, PgDn", does="scroll the three parts"),
    Intent(action="page(-1)", keys="pageup", shown="PgUp", does=""),
    Intent(action="move(-1000000)", keys="home", shown="Home, End", does="to the first set, or the last"),
    Intent(action="move(1000000)", keys="end", shown="End", does=""),
    Intent(action="again", keys="a", shown="a", word="again", does="look again"),
)


def yardstick_of(view: View) -> Yardstick:
    """What a run measures losses by: the beginning of its outage, and its runbook's objective."""
    incident = datetime.fromisoformat(view.state.declared.incident_at)
    return Yardstick(against=incident, is_incident=True, now=wall_now(), objective=view.runbook.rpo)


def yardstick_now() -> Yardstick:
    """What is lost where the loss is now."""
    moment = wall_now()
    return Yardstick(against=moment, is_incident=False, now=moment)


class RecoverySetScreen(RunScreen[None]):
    """Read only: sets, windows, and what only looks like a backup."""

    DEFAULT_CSS = """
    RecoverySetScreen #heading { width: 1fr; }
    """
    intents = (*_READING, *(one for one in ELSEWHERE if one != BACK))
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, look: LookAtSets) -> None:
        super().__init__()
        self._look = look
        self._seen = RecoverySets(looking=("the backup places",))

    def body(self) -> Iterable[Widget]:
        """Heading and table."""
        yield Word(id="heading")
        yield SetTable(Purpose.READ)

    def on_mount(self) -> None:
        """Begin to look."""
        if self.view is not None:
            # What the run has chosen, if it has.
            self.query_one(SetTable).select(self.view.state.values.get(BACKUP_SET, ""))
        self.query_one("#heading", Word).say(
            Content.styled(" RECOVERY SET: database, blobs, key ", paint.NEXT)
        )
        self.action_again()

    def action_again(self) -> None:
        """Look again."""
        self._see()

    @work(exclusive=True)
    async def _see(self) -> None:
        async for seen in told(self._look):
            if isinstance(seen, DrtuiError):
                self._seen = RecoverySets(
                    sets=self._seen.sets, windows=self._seen.windows, unseen=(seen.what,)
                )
                self.refused(seen.what, seen.hint)
            else:
                self._seen = seen
            self._take_in()

    def draw(self, news: list[Growth]) -> None:
        """Draw the table, with a run or without one."""
        super().draw(news)
        if self.is_mounted:
            self._take_in()

    def _take_in(self) -> None:
        view = self.view
        by = yardstick_now() if view is None else yardstick_of(view)
        chosen = "" if view is None else view.state.values.get(BACKUP_SET, "")
        self.query_one(SetTable).see(self._seen, by, chosen)

    def action_move(self, by: int) -> None:
        """Select another row."""
        self.query_one(SetTable).move(by)

    def action_page(self, pages: int) -> None:
        """Scroll the parts."""
        self.query_one(SetTable).page(pages)

    def as_text(self) -> str:
        """The whole table."""
        return "\n".join(("RECOVERY SET", *self.query_one(SetTable).lines()))


class SetsAtHome(RecoverySetScreen):
    """The same before any run: there is nothing to note down, and nobody to ask."""

    intents = (HELP, *_READING)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def compose(self) -> ComposeResult:
        """Without the banner of a run."""
        yield from self.body()
        yield Word(id="notice")
        yield Keys()
