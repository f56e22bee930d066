"""Choosing the set, or the recovery point: from the table of three parts, or typed."""

import time
from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.recovery_set import BACKUP_SET, RECOVERY_POINT, THE_DUMP, RecoverySets
from aihummer_drtui.run.requests import Accepted, GiveInput, Reply, Request
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.runbook.model import InputItem
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.aside import asked, told
from aihummer_drtui.tui.choices import LOOK_WITHIN
from aihummer_drtui.tui.intents import CHOOSE, SCROLL, TYPING, bindings
from aihummer_drtui.tui.screens.recovery_set import yardstick_of
from aihummer_drtui.tui.screens.typing_screen import TypingScreen
from aihummer_drtui.tui.set_options import Purpose
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.set_table import SetTable
from aihummer_drtui.tui.widgets.typed import Typed
from aihummer_drtui.tui.widgets.word import Word

_ABOUT = {
    Purpose.POINT: "dump, latest, a time with its zone (2026-11-24 03:12:45Z), name:... or lsn:...",
    Purpose.SET: "Up and Down choose a set; or type the path of another.",
}


def giving_screen(given: InputItem, *, looks: bool) -> Screen[None]:
    """The screen in which an input's value is given: the recovery set's, or that of any other value.

    Where nothing may be looked at (a tabletop), every value is typed.
    """
    if looks and given.variable in {BACKUP_SET, RECOVERY_POINT}:
        return GivingSetScreen(given, Purpose(given.variable))
    from aihummer_drtui.tui.screens.value import ValueScreen

    return ValueScreen(given)


class GivingSetScreen(TypingScreen[None]):
    """Arrows put a choice into the line; Enter gives it. A typed point is looked at first, then given."""

    intents = (*TYPING, *CHOOSE, *SCROLL)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, given: InputItem, purpose: Purpose) -> None:
        super().__init__(
            f"RECOVERY SET: give {given.variable}", prompt=given.variable, enter="give this value"
        )
        self._input = given
        self._purpose = purpose
        self._seen = RecoverySets(looking=("the backup places",))
        self._proposed = ""
        """What was put into the line last; anything else was typed."""
        self._proposed_at = 0.0
        self._has_chosen = False
        """Whether the operator went to a row."""
        self._looked_at = ""
        """The point of which it was told whether it is within reach."""
        self._is_looking = False
        """Whether a typed point is looked at now."""

    def body(self) -> Iterable[Widget]:
        """What it is for, and the table."""
        yield Word(id="heading")
        yield SetTable(self._purpose)

    def on_mount(self) -> None:
        """Begin to look."""
        self.notice(_ABOUT[self._purpose])
        self._suggest()
        self._see()

    @work
    async def _suggest(self) -> None:
        """Propose the value of before, else what is likely; a slow place must not hold the table up."""
        facts, variable = self.run_app.desk.facts, self._input.variable
        before = None if self.view is None else self.view.state.values.get(variable)
        suggested = before or await asked(lambda: facts.suggestion(variable))
        if isinstance(suggested, str):
            self._propose(suggested)

    @work
    async def _see(self) -> None:
        facts = self.run_app.desk.facts
        async for seen in told(lambda: facts.recovery_sets(LOOK_WITHIN)):
            if isinstance(seen, DrtuiError):
                self._seen = RecoverySets(
                    sets=self._seen.sets, windows=self._seen.windows, unseen=(seen.what,)
                )
                self.refused(seen.what, seen.hint)
            else:
                self._seen = seen
            self.draw([])
        # Not before: while sets come in, the first of them is another at every moment.
        best = self.query_one(SetTable).selected
        if best is not None and not self._proposed:
            self._propose(best.value)

    def _propose(self, value: str) -> None:
        """Put a value into the line and select its row, unless the operator has chosen or typed."""
        typed = self.query_one(Typed)
        if not self._has_chosen and typed.value in {"", self._proposed}:
            self.query_one(SetTable).select(value)
            typed.put(value)
            self._proposed = typed.value
            self._proposed_at = time.monotonic()

    def show(self, view: View, news: list[Growth]) -> None:
        """Draw what is known."""
        super().show(view, news)
        self.query_one(SetTable).see(self._seen, yardstick_of(view), view.state.values.get(BACKUP_SET, ""))

    def action_move(self, by: int) -> None:
        """Choose the row above or below."""
        self._has_chosen = True
        table = self.query_one(SetTable)
        table.move(by)
        if table.selected is not None:
            typed = self.query_one(Typed)
            typed.put(table.selected.value)
            self._proposed = typed.value

    def on_input_changed(self, event: Typed.Changed) -> None:
        """A value that was typed is told of like one that was chosen: what is marked is what Enter gives."""
        event.stop()
        self.query_one(SetTable).follow(event.value.strip())

    def action_page(self, pages: int) -> None:
        """Scroll the parts."""
        self.query_one(SetTable).page(pages)

    def on_input_submitted(self, event: Typed.Submitted) -> None:
        """Give the value; a point in time once it was told what it means."""
        event.stop()
        value = event.value.strip()
        if self._is_looking or self.run_app.asked is not None or not self.has_stood_since(self._proposed_at):
            # What was put into the line has to have stood there long enough to be read.
            return
        if not value:
            self.notice(self._why_nothing(), paint.REFUSED)
        elif self._purpose is Purpose.POINT and value not in {THE_DUMP, self._looked_at}:
            self._is_looking = True
            self.notice(f"Looking whether `{cleaned_line(value, 60)}` is within reach ...")
            self._look_at_point(value)
        else:
            self.run_app.ask(GiveInput(item=self._input.id, value=value))

    def _why_nothing(self) -> str:
        one = self.query_one(SetTable).selected
        if one is None or self._proposed:
            return "A value is needed; F3 goes back."
        if one.value:
            return "Its name holds control characters, which no value may: rename the folder, look again."
        if self._purpose is Purpose.POINT:
            return (
                "An older base backup has no name as a point: type a time within its window, with its zone."
            )
        return f"It cannot be recovered from: {'; '.join(line.removeprefix('! ') for line in one.below)}"

    @work
    async def _look_at_point(self, value: str) -> None:
        facts = self.run_app.desk.facts
        seen = await asked(lambda: facts.recovery_point(value))
        self._is_looking = False
        self._looked_at = value
        if isinstance(seen, DrtuiError):
            self.notice(f"It could not be looked at: {seen.what}. Enter again gives it.", paint.REFUSED)
        elif seen.verdict is Verdict.PASSED:
            warned = f" WARNING: {'; '.join(seen.warnings)}." if seen.warnings else ""
            self.notice(f"That is {seen.observed}.{warned} Enter again gives it.", paint.DOUBT)
        else:
            told_so = f"{seen.observed}. {seen.hint} (Enter again gives it all the same.)"
            self.notice(told_so, paint.REFUSED)

    def answered(self, request: Request, reply: Reply | DrtuiError) -> None:
        """Go back when it was taken; else say why not."""
        if isinstance(reply, Accepted) and isinstance(request, GiveInput):
            self.dismiss()
        else:
            super().answered(request, reply)
