"""An outcome that nobody saw: what was started, what the probe sees, and what is safe to do."""

from typing import ClassVar, Final

from textual.binding import BindingType

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.run.requests import ProbeOutcome
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import Lost
from aihummer_drtui.run.told_words import said_text, why_unknown
from aihummer_drtui.run.verdict import ProbeResult
from aihummer_drtui.run.words import local_time
from aihummer_drtui.runbook.model import CommandItem
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint, wanting
from aihummer_drtui.tui.describing import command_lines
from aihummer_drtui.tui.intents import ELSEWHERE, Intent, bindings
from aihummer_drtui.tui.offer import OpenTold
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line

_SAFE: Final = {
    ProbeResult.DONE: "The probe sees its whole effect. Safe: count it as done (d). It is not run again.",
    ProbeResult.NOT_DONE: "The probe sees nothing of it. Safe: count it as not done (x), start it again.",
    ProbeResult.PARTIAL: "The probe sees a part of it. Look at output and target by hand before you "
    "decide. Not done (x) lets you start it again, and its own checks look first.",
    ProbeResult.UNKNOWN: "The probe came to no answer. Probe again (Enter) when what stops it is mended, or "
    "look by hand. Decide nothing from memory.",
}


_ANSWER_PROBE: Final = Intent(
    action="probe", keys="enter", shown="Enter", word="answer the probe", does="answer the probe otherwise"
)


class UnknownScreen(ReadingScreen[None]):
    """Nothing is run again by itself; a person decides, with a reason."""

    intents = (
        Intent(
            action="probe",
            keys="enter",
            shown="Enter",
            word="probe again",
            does="run the probe again",
        ),
        Intent(
            action="decide(True)", keys="d", shown="d", word="it was done", does="decide that it was done"
        ),
        Intent(
            action="decide(False)", keys="x", shown="x", word="not done", does="decide that it was not done"
        ),
        Intent(action="page(1)", keys="pagedown", shown="PgDn", does="scroll"),
        Intent(action="page(-1)", keys="pageup", shown="PgUp", does="scroll back"),
        *ELSEWHERE,
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, command: CommandItem) -> None:
        super().__init__(f"UNKNOWN OUTCOME of {command.id}")
        self._command = command

    def all_intents(self) -> tuple[Intent, ...]:
        """What can be wanted here; a tabletop's probe is not run, but answered otherwise."""
        told = self.is_tabletop
        return tuple(_ANSWER_PROBE if told and one.action == "probe" else one for one in self.intents)

    def show(self, view: View, news: list[Growth]) -> None:
        """Draw it; when it is decided there is nothing left to show."""
        if self._command.id not in view.state.lost:
            self.dismiss()
            return
        super().show(view, news)

    def lines(self, view: View) -> tuple[Line, ...]:
        """What was started, when, why nobody knows, what the probe sees, what is safe."""
        command = self._command
        latest = latest_attempt(view.state, command.id)
        lost = latest.end if latest is not None and isinstance(latest.end, Lost) else None
        if latest is None or lost is None:
            return ()
        lines = [
            Line(text=plain_words(command.text), style=paint.LOUD),
            Line(text=f"Started {local_time(latest.at.wall)}, attempt {latest.number}:"),
            *command_lines(command),
            Line(text=f"Why nobody knows: {why_unknown(latest, lost)}", style=paint.DOUBT),
        ]
        if lost.probed is None:
            lines.append(Line(text="The probe has not answered yet; it looks, and changes nothing."))
        else:
            says = "The probe, as answered" if latest.rehearsed else "The probe says"
            said = f"{says}: {lost.probed.result}{said_text(lost.probed.observed)}"
            lines += [
                Line(text=said, style=paint.DOUBT),
                Line(text=_SAFE[lost.probed.result], style=paint.LOUD),
            ]
        if command.undo:
            lines.append(Line(text=f"Undo: {plain_words(command.undo)}"))
        lines.append(Line(text="Nothing is run a second time by itself.", style=paint.QUIET))
        return tuple(lines)

    def action_probe(self) -> None:
        """Run the probe again; in a tabletop, answer it again. A key that is held asks once."""
        if self.run_app.asked is not None or not self.can_be_read():
            return
        if self.is_tabletop:
            from aihummer_drtui.tui.screens.telling import telling_screen

            self.app.push_screen(telling_screen(OpenTold(item=self._command, probe=True)))
            return
        self.asking("Probing ...")
        self.run_app.ask(ProbeOutcome(item=self._command.id))

    def action_decide(self, done: bool) -> None:
        """Decide what it was, with a reason."""
        view = self.view
        latest = None if view is None else latest_attempt(view.state, self._command.id)
        lost = latest.end if latest is not None and isinstance(latest.end, Lost) else None
        result = ProbeResult.DONE if done else ProbeResult.NOT_DONE
        agrees = lost is not None and lost.probed is not None and lost.probed.result is result
        self.run_app.want(wanting.settle(self._command, done=done, agrees=agrees))
