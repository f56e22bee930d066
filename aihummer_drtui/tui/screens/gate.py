"""The gate of an irreversible command: what it destroys, what undoes it, and whose it is, typed by hand."""

from typing import Final

from textual import work

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.requests import Accepted, Reply, Request, StartCommand
from aihummer_drtui.run.verdict import TargetIdentity
from aihummer_drtui.run.words import given_lines
from aihummer_drtui.runbook.model import CommandItem
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.aside import asked
from aihummer_drtui.tui.describing import command_lines
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.screens.typing_screen import TypingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line
from aihummer_drtui.tui.widgets.typed import ByHand, Typed

_PASTED: Final = "Nothing was taken: this is typed by hand, not pasted."


class GateScreen(TypingScreen[None]):
    """Enter alone does not pass it, nor does a paste; the engine compares what was typed."""

    def __init__(self, command: CommandItem) -> None:
        super().__init__(
            f"GATE: {command.id} is IRREVERSIBLE",
            prompt="HOST/DATABASE",
            enter="start it, if these are the words; typed by hand, never by Enter alone",
        )
        self._command = command
        self._identity: TargetIdentity | DrtuiError | None = None

    def typed(self) -> Typed:
        """By hand only."""
        return ByHand()

    def on_mount(self) -> None:
        """Ask the target who it is."""
        self._identify()

    @work
    async def _identify(self) -> None:
        self._identity = await asked(self.run_app.desk.facts.identity)
        self.draw([])

    def show(self, view: View, news: list[Growth]) -> None:  # noqa: ARG002
        """What is about to be replaced, and the way back; a gate of a command that is another now is left."""
        command = self._command
        if view.runbook.item(command.id) != command:
            self._leave(f"The runbook was edited meanwhile: read {command.id} anew before you start it.")
            return
        refused = refusal(view.runbook, view.state, StartCommand(item=command.id))
        if refused is not None and self.run_app.asked is None:
            # Somebody else has started it, say.
            self._leave(f"The gate of {command.id} is closed: {refused.reason}. {refused.hint}")
            return
        runs = (
            "A real run would run exactly this; now nothing is executed:"
            if self.is_tabletop
            else "It runs exactly this:"
        )
        self.lines(
            (
                Line(text=f"It destroys: {plain_words(command.destroys)}", style=paint.BAD),
                Line(text=f"Undo: {plain_words(command.undo)}", style=paint.LOUD),
                *self._identity_lines(),
                Line(text=runs),
                *command_lines(command),
                *(Line(text=f"  {line}", style=paint.LOUD) for line in given_lines(view.state, command)),
                Line(text=f"Expect: {plain_words(command.expect)}"),
            ),
            "WHAT IS ABOUT TO HAPPEN",
        )

    def _leave(self, why: str) -> None:
        """Go, and say why where that is read."""
        if not self.is_active:
            return
        self.dismiss()
        below = self.app.screen
        if isinstance(below, RunScreen):
            below.notice(why, paint.DOUBT)

    def _identity_lines(self) -> tuple[Line, ...]:
        match self._identity:
            case None:
                return (Line(text="Asking the target who it is ..."),)
            case TargetIdentity() as identity:
                host, database = cleaned_line(identity.host, 100), cleaned_line(identity.database, 100)
                return (
                    Line(text=f"It acts on host {host}, database {database}:", style=paint.LOUD),
                    *(Line(text=f"  {cleaned_line(fact)}") for fact in identity.facts),
                )
            case error:
                return (
                    Line(text=f"The target cannot be identified: {error.what}", style=paint.BAD),
                    Line(text=f"hint: {error.hint}"),
                )

    def on_by_hand_pasted(self) -> None:
        """A paste is no word of a person."""
        self.notice(_PASTED, paint.REFUSED)

    def on_input_submitted(self, event: Typed.Submitted) -> None:
        """Ask the engine to start it with what was typed."""
        event.stop()
        text = event.value.strip()
        if self.run_app.asked is not None:
            return
        if not text:
            self.notice(
                "Enter does not pass this gate: type host and database, as HOST/DATABASE.", paint.REFUSED
            )
        elif "/" not in text:
            self.notice("This gate takes HOST/DATABASE, typed by hand; nothing was started.", paint.REFUSED)
        elif self.query_one(Typed).pace.came_at_once(self.by_hand):
            self.query_one(Typed).put("")
            self.notice(_PASTED, paint.REFUSED)
        else:
            self.asking(self._asked_words())
            self.run_app.ask(StartCommand(item=self._command.id, confirmation=text))

    def _asked_words(self) -> str:
        if self.is_tabletop:
            return "Asking the engine; it compares the words, and executes nothing ..."
        return "Asking the engine; it looks at the target and at every check once more ..."

    def answered(self, request: Request, reply: Reply | DrtuiError) -> None:
        """Go back when it was started; else say why not."""
        if isinstance(reply, Accepted) and isinstance(request, StartCommand):
            self.dismiss()
        else:
            super().answered(request, reply)
