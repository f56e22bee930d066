"""Home: where `aihummer-drtui` without arguments begins. It gives what was chosen; others do it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.events import Mode
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.base import SETTLE, ScreensApp, made, shown_on_terminal
from aihummer_drtui.tui.choices import (
    Begin,
    Choice,
    GiveUp,
    HomeFacts,
    LookAt,
    Offered,
    Plainly,
    Resume,
    offered,
)
from aihummer_drtui.tui.intents import REDRAW, Intent, bindings
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.widgets.banner import now
from aihummer_drtui.tui.widgets.keys import Keys
from aihummer_drtui.tui.widgets.rows import Rows
from aihummer_drtui.tui.widgets.word import Word

if TYPE_CHECKING:
    from aihummer_drtui.engine.session import Growth

_HOME = (
    Intent(action="app.help", keys="f1,question_mark", shown="F1", word="help", does="explain the keys"),
    Intent(action="app.leave", keys="q,f10,ctrl+c", shown="q", word="leave", does="leave"),
    Intent(action="choose", keys="enter", shown="Enter", does="do what the line above the footer says"),
    Intent(action="move(-1)", keys="up", shown="Up, Down", word="select", does="select"),
    Intent(action="move(1)", keys="down", shown="Down", does=""),
    Intent(action="look", keys="v", shown="v", word="view", does="read where the selected run stands"),
    Intent(
        action="give_up", keys="a", shown="a", word="abandon", does="give the selected run up, with a reason"
    ),
    Intent(action="app.mouse", keys="m", shown="m", does="turn the mouse on or off"),
    REDRAW,
)


class HomeScreen(RunScreen[None]):
    """Unfinished runs first; Enter alone resumes the newest."""

    DEFAULT_CSS = """
    HomeScreen #heading, HomeScreen #target, HomeScreen #next { width: 1fr; }
    """
    intents = _HOME
    BINDINGS: ClassVar[list[BindingType]] = bindings(_HOME)

    def __init__(self, facts: HomeFacts) -> None:
        super().__init__()
        self._facts = facts
        self._offered: tuple[Offered, ...] = offered(facts, now())
        # Whoever comes from a run that ended presses Enter perhaps once more: nothing real begins by that.
        came_back = bool(facts.news) and not facts.unfinished
        self._at = len(self._offered) - 1 if came_back else 0

    def compose(self) -> ComposeResult:
        """The target on top, the choices, what Enter does."""
        yield Word(id="heading")
        yield Word(id="target")
        yield Rows()
        yield Word(id="notice")
        yield from self.foot()
        yield Keys()

    def foot(self) -> Iterable[Widget]:
        """What Enter does."""
        yield Word(id="next")

    def on_mount(self) -> None:
        """Say where one is."""
        heading = " AiHummer disaster recovery "
        self.query_one("#heading", Word).say(Content.styled(heading, paint.NEXT))
        if self._facts.news:
            self.notice(self._facts.news)

    def draw(self, news: "list[Growth]") -> None:
        """Draw the list."""
        super().draw(news)
        if not self.is_mounted:
            return
        width = max(20, self.size.width)
        target = paint.cut(cleaned_line(self._facts.target, 300), width)
        self.query_one("#target", Word).say(Content.styled(target, paint.LOUD))
        rows = [one.words for one in self._offered]
        self.query_one(Rows).show(rows, self._at, [tuple(one.below.split("\n")) for one in self._offered])
        chosen = paint.cut(self._offered[self._at].words, width - 10)
        self.query_one("#next", Word).say(Content.styled(f" Enter: {chosen} ", paint.NEXT))

    def is_legal(self, intent: Intent) -> bool:
        """Only a run can be looked at, or given up."""
        if intent.action in {"look", "give_up"}:
            return isinstance(self._offered[self._at].choice, Resume)
        return super().is_legal(intent)

    def action_move(self, by: int) -> None:
        """Select another line."""
        self._at = max(0, min(len(self._offered) - 1, self._at + by))
        self.draw([])

    def action_choose(self) -> None:
        """Choose; a real recovery asks for the beginning of the outage first.

        Home opens where a run was left or ended, often by Enter: one more of it must not declare anything.
        """
        if not self.can_be_read():
            return
        choice = self._offered[self._at].choice
        if isinstance(choice, Begin) and choice.mode is Mode.REAL:
            self._ask_for_incident(choice)
        elif choice is Plainly.BACKUPS and self._facts.sets is not None:
            from aihummer_drtui.tui.screens.recovery_set import SetsAtHome

            self.app.push_screen(SetsAtHome(self._facts.sets))
        else:
            self._leave_with(choice)

    def _ask_for_incident(self, begin: Begin) -> None:
        from aihummer_drtui.tui.screens.wording import WordingScreen

        def given(text: str | None) -> None:
            if text is not None:
                self._leave_with(replace(begin, incident_at=text))

        lines = (
            "A REAL run is declared on the target below; nothing of it is changed by that.",
            self._facts.target,
            "The clock of the RTO runs since the outage began. Give that moment with its zone, "
            "for example 2026-11-22T03:10:00+01:00; Enter alone: now.",
        )
        screen = WordingScreen(
            "Declare a REAL recovery", lines, prompt="outage began", enter="declare it", may_be_empty=True
        )
        self.app.push_screen(screen, given)

    def action_look(self) -> None:
        """Read where the run stands."""
        choice = self._offered[self._at].choice
        if isinstance(choice, Resume):
            self._leave_with(LookAt(run=choice.run))

    def action_give_up(self) -> None:
        """Give the run up."""
        from aihummer_drtui.tui.screens.wording import WordingScreen

        choice = self._offered[self._at].choice
        if not isinstance(choice, Resume):
            return
        run = choice.run

        def given(text: str | None) -> None:
            if text:
                self._leave_with(GiveUp(run=run, reason=text))

        lines = (
            "The run ends as abandoned; it cannot be resumed. Its record stays.",
            "Nothing on the target is changed, and nothing is undone.",
        )
        screen = WordingScreen(f"Give up run {run}", lines, prompt="reason", enter="give it up")
        self.app.push_screen(screen, given)

    def _leave_with(self, choice: Choice) -> None:
        self.app.exit(choice)


class HomeApp(ScreensApp[Choice], inherit_bindings=False):
    """One look at home; its return value is the choice, None for leaving."""

    def __init__(self, facts: HomeFacts, *, settle: float = SETTLE) -> None:
        super().__init__(settle=settle)
        self._facts = facts

    def get_default_screen(self) -> Screen[None]:
        """The one screen."""
        return HomeScreen(self._facts)

    def action_leave(self) -> None:
        """End."""
        self.exit()

    def action_help(self) -> None:
        """Explain the keys."""
        if isinstance(self.screen, RunScreen):
            self.help_with(self.screen.intents)

    def action_mouse(self) -> None:
        """Turn the mouse on or off."""
        if isinstance(self.screen, RunScreen):
            self.screen.notice(self.toggle_mouse())


def chosen_at_home(facts: HomeFacts) -> Choice | None:
    """Show home, and give what was chosen there; None when the operator left."""
    return shown_on_terminal(made(lambda: HomeApp(facts)))
