"""What this run is: target, mode, clocks, what will happen, how long it takes, whom to call."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from textual import work

from aihummer_drtui.engine.earlier import earlier_runs
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.estimates import Earlier, step_line, whole_text
from aihummer_drtui.run.verdict import TargetIdentity
from aihummer_drtui.run.words import BANNERS, local_time
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.aside import asked
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line


class BriefingScreen(ReadingScreen[None]):
    """Read before the first step, and whenever somebody takes over."""

    def __init__(self) -> None:
        super().__init__("BRIEFING")
        self._identity: TargetIdentity | DrtuiError | None = None
        self._earlier: tuple[Earlier, ...] | None = None
        """None = not looked yet."""

    def on_mount(self) -> None:
        """Ask the target who it is."""
        self._identify()
        self._look_back()

    @work
    async def _look_back(self) -> None:
        view = self.view
        if view is not None:
            seen = await asked(lambda: earlier_runs(view.folder, view.state.declared))
            self._earlier = () if isinstance(seen, DrtuiError) else seen
            self.draw([])

    @work
    async def _identify(self) -> None:
        self._identity = await asked(self.run_app.desk.facts.identity)
        self.draw([])

    def lines(self, view: View) -> tuple[Line, ...]:
        """The run in a screenful or two."""
        runbook, declared = view.runbook, view.state.declared
        end = datetime.fromisoformat(declared.incident_at) + timedelta(seconds=runbook.rto)
        by = cleaned_line(view.state.declared_by, 60)
        return (
            Line(text=BANNERS[declared.mode], style=paint.LOUD),
            Line(text=f"Target {cleaned_line(declared.target)}, run {declared.run}", style=paint.LOUD),
            *self._identity_lines(),
            Line(text=f"Runbook {plain_words(runbook.title)} {runbook.version}, reviewed {runbook.reviewed}"),
            Line(text=f"Incident since {local_time(declared.incident_at)}"),
            Line(text=f"Declared {local_time(view.state.declared_at.wall)} by {by}"),
            Line(
                text=f"Objectives: back within {duration_text(runbook.rto)} of the incident, by "
                f"{local_time(end.isoformat())}; at most {duration_text(runbook.rpo)} of data lost"
            ),
            *self._estimate_lines(view),
            Line(text=""),
            *self._step_lines(view),
            Line(text=""),
            Line(text=f"The record lies in {view.folder.path}"),
            Line(text=f"To come back: {self.run_app.desk.come_back}", style=paint.LOUD),
        )

    def _estimate_lines(self, view: View) -> tuple[Line, ...]:
        if self._earlier is None:
            return (Line(text="Looking how long earlier runs took ..."),)
        return (Line(text=f"{whole_text(view.runbook, self._earlier, view.state.declared.mode)}."),)

    def _step_lines(self, view: View) -> Iterator[Line]:
        for number, step in enumerate(view.runbook.steps, 1):
            text = step_line(number, step, self._earlier or (), view.state.declared.mode)
            yield Line(text=text, hang="   ")
            if step.call:
                called = plain_words(" ".join(step.call.split()))
                yield Line(text=f"   Call: {called}", style=paint.QUIET)

    def _identity_lines(self) -> tuple[Line, ...]:
        match self._identity:
            case None:
                return (Line(text="Asking the target who it is ..."),)
            case TargetIdentity() as identity:
                host, database = cleaned_line(identity.host, 100), cleaned_line(identity.database, 100)
                facts = (Line(text=f"  {cleaned_line(fact, 300)}", hang="  ") for fact in identity.facts)
                if self.is_tabletop:
                    return (Line(text=f"Its gates take {host}/{database}:"), *facts)
                return (Line(text=f"It answers as host {host}, database {database}:"), *facts)
            case error:
                # On a lost host this is what one expects: there is no database yet.
                return (Line(text=f"It cannot be identified now: {error.what}", style=paint.DOUBT),)
