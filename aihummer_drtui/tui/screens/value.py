"""A value that the run needs: chosen from what is known, or typed."""

import time
from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run.requests import Accepted, GiveInput, Reply, Request
from aihummer_drtui.run.verdict import Choice
from aihummer_drtui.runbook.model import InputItem
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.aside import asked
from aihummer_drtui.tui.intents import CHOOSE, SCROLL, TYPING, bindings
from aihummer_drtui.tui.screens.typing_screen import TypingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line, Pane
from aihummer_drtui.tui.widgets.rows import Rows
from aihummer_drtui.tui.widgets.typed import Typed
from aihummer_drtui.tui.widgets.word import Word


class ValueScreen(TypingScreen[None]):
    """Arrows choose a known value and put it into the line; Enter gives what stands there."""

    DEFAULT_CSS = """
    ValueScreen #lines { height: auto; max-height: 8; min-height: 3; }
    """
    intents = (*TYPING, *CHOOSE, *SCROLL)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, given: InputItem) -> None:
        super().__init__(f"Give {given.variable}", prompt=given.variable, enter="give this value")
        self._input = given
        self._choices: tuple[Choice, ...] = ()
        self._at = -1
        self._is_known = False
        self._filled_at = 0.0

    def body(self) -> Iterable[Widget]:
        """What it is for, and what there is to choose from."""
        yield Word(id="heading")
        yield Pane(id="lines")
        yield Rows()

    def on_mount(self) -> None:
        """Ask what is known of it."""
        self._ask_what_is_known()

    @work
    async def _ask_what_is_known(self) -> None:
        facts, variable = self.run_app.desk.facts, self._input.variable
        choices = await asked(lambda: facts.choices(variable))
        suggested = await asked(lambda: facts.suggestion(variable))
        self._is_known = True
        self.notice("")
        if isinstance(choices, DrtuiError):
            self.refused(choices.what, choices.hint)
        else:
            self._choices = choices
        value = suggested if isinstance(suggested, str) else ""
        values = [choice.value for choice in self._choices]
        self._at = values.index(value) if value in values else -1
        typed = self.query_one(Typed)
        if value and not typed.value:
            typed.put(value)
            self._filled_at = time.monotonic()
        self.draw([])

    def show(self, view: View, news: list[Growth]) -> None:
        """The item's text, and the choices with what each means."""
        super().show(view, news)
        text = plain_words(" ".join(self._input.text.split()))
        self.lines(
            (Line(text=text, style=paint.LOUD), Line(text=self._how(), style=paint.QUIET)), "WHAT IT IS FOR"
        )
        rows = [f"{number}. {choice.value}" for number, choice in enumerate(self._choices, 1)]
        self.query_one(Rows).show(rows, self._at, [choice.told for choice in self._choices])

    def _how(self) -> str:
        if not self._is_known:
            return "Looking for what there is to choose from ..."
        if self._choices:
            return "Up and Down choose; or type another value."
        # Without a choice there may still be a suggestion, and it stands in the line.
        return (
            "Change what stands in the line, or give it as it is." if self._filled_at else "Type the value."
        )

    def action_move(self, by: int) -> None:
        """Choose the value above or below."""
        if self._choices:
            self._at = max(0, min(len(self._choices) - 1, self._at + by))
            self.query_one(Typed).put(self._choices[self._at].value)
            self.draw([])

    def on_input_submitted(self, event: Typed.Submitted) -> None:
        """Give the value; one that was filled in has to have stood there long enough to be read."""
        event.stop()
        value = event.value.strip()
        if not self.has_stood_since(self._filled_at):
            return
        if not value and not self._is_known:
            self.notice("Still looking for what there is; wait, or type a value.", paint.REFUSED)
        elif not value:
            self.notice("A value is needed; F3 goes back.", paint.REFUSED)
        elif self.run_app.asked is None:
            self.run_app.ask(GiveInput(item=self._input.id, value=value))

    def answered(self, request: Request, reply: Reply | DrtuiError) -> None:
        """Go back when it was taken; else say why not."""
        if isinstance(reply, Accepted) and isinstance(request, GiveInput):
            self.dismiss()
        else:
            super().answered(request, reply)
