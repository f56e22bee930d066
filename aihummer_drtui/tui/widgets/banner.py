"""The line that is always there: mode, target, clocks, engine."""

from datetime import datetime
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.objectives import clocks
from aihummer_drtui.run.state import Living, Moment
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.asking import SILENT
from aihummer_drtui.tui.view import Connection, View
from aihummer_drtui.tui.widgets.word import Word

_NO_ANSWER: Final = "no answer"


def now() -> Moment:
    """This moment, as the journal would know it."""
    clock = SystemClock()
    return Moment(boot_id=clock.boot_id(), boottime=clock.boottime(), wall=clock.wall())


def wall_now() -> datetime:
    """This moment by the wall clock."""
    return datetime.fromisoformat(now().wall)


def clock_text(seconds: float) -> str:
    """A running clock: `0:07:05`, `12:00:00`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}"


class Banner(Horizontal):
    """Mode and target on the left; clocks and engine on the right. The clocks alone tick."""

    DEFAULT_CSS = """
    Banner { height: 1; width: 1fr; dock: top; }
    Banner #what { width: 1fr; padding: 0 1 0 0; }
    Banner #clocks { width: 36; }
    Banner #engine { width: auto; min-width: 10; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._view: View | None = None
        self._ending = ""

    def compose(self) -> ComposeResult:
        """Three words."""
        yield Word(id="what")
        yield Word(id="clocks")
        yield Word(id="engine")

    def on_mount(self) -> None:
        """Tick once a second: it proves life over a silent line."""
        self.set_interval(1.0, self._tick)

    def show(self, view: View, *, waited: float = 0.0) -> None:
        """Show a newer view; the engine was asked something that many seconds ago and has not answered."""
        self._view = view
        declared = view.state.declared
        word, style = paint.MODES[declared.mode]
        what = self.query_one("#what", Word)
        room = (what.size.width or self.app.size.width - 47) - len(f" {word}  ")
        target = paint.cut(cleaned_line(declared.target, 60), max(8, room))
        what.say(Content.assemble((f" {word} ", style), f" {target}"))
        live = view.connection is Connection.LIVE and waited < SILENT
        connection = view.connection.value if isinstance(view.state.ending, Living) else "ended"
        if view.connection is Connection.LIVE and not live:
            connection = _NO_ANSWER
        self.query_one("#engine", Word).say(
            Content.styled(f" {connection}", paint.FOREGROUND if live else paint.REFUSED)
        )
        self._tick()

    def _tick(self) -> None:
        view = self._view
        if view is None or not self.screen.is_current:
            return
        times = clocks(view.state, now())
        left = view.runbook.rto - times.since_incident
        objective = f"RTO {clock_text(left)} left" if left >= 0 else f"RTO OVER {clock_text(-left)}"
        declared = f"declared {clock_text(times.since_declared)}"
        wide = self.app.size.width >= 70
        text = f"{declared}  {objective} " if wide else f"{objective} "
        self.query_one("#clocks", Word).say(
            Content.styled(text, paint.FOREGROUND if left >= 0 else paint.BAD)
        )
