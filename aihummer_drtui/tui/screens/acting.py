"""What acts on the screen of a step: what was offered or chosen is done, mostly by asking the engine."""

import time
from typing import assert_never

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.overlap import going_refused
from aihummer_drtui.run.requests import Reply, Request
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.runbook.model import CommandItem, Runbook
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import Intent
from aihummer_drtui.tui.item_acts import About, item_act
from aihummer_drtui.tui.offer import (
    Act,
    Ask,
    Offer,
    OpenGate,
    OpenTold,
    OpenUnknown,
    OpenValue,
    Plain,
    SeeOutput,
)
from aihummer_drtui.tui.screens.looking import LookingScreen
from aihummer_drtui.tui.wanting import Wanting


class ActingScreen(LookingScreen):
    """Does one thing at a time; a key that came before its line could be read does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._offer: Offer | None = None
        self._offered_at = 0.0

    def offered(self, offer: Offer) -> None:
        """Take in what Enter does from now on."""
        if offer != self._offer:
            self._offer, self._offered_at = offer, time.monotonic()

    def is_legal(self, intent: Intent) -> bool:
        """What is wanted about the selected item is legal where there is an act for it."""
        name, _, argument = intent.action.partition("(")
        if name != "about":
            return super().is_legal(intent)
        about = About(argument.strip("')"))
        return self._about(about) is not None and not (about is About.AGAIN and self._never_ran())

    def _never_ran(self) -> bool:
        """Whether the selected item is a command that was never started: Enter is what starts it."""
        view = self.view
        item = None if view is None else view.runbook.item(self.place.selected)
        return (
            view is not None and isinstance(item, CommandItem) and latest_attempt(view.state, item.id) is None
        )

    def action_next(self) -> None:
        """Do what is offered, if it was there to be read before the key was pressed."""
        if self._offer is None or self.run_app.asked is not None:
            return
        if self.has_stood_since(self._offered_at) and self.run_app.pace.gap >= self.by_hand:
            self.perform(self._offer.act)

    def action_about(self, about: str) -> None:
        """Do something about the selected item."""
        act = self._about(About(about))
        if act is None:
            self._say_why_not(about)
        if act is None or self.run_app.asked is not None:
            return
        if isinstance(act, Ask):
            self.unless_pasted(lambda: self.perform(act))
        else:
            self.perform(act)

    def _say_why_not(self, about: str) -> None:
        """Say that a key does nothing, so that nobody takes the screens for dead."""
        key = next((one for one in self.intents if one.action == f"about('{about}')"), None)
        if key is not None and self.run_app.asked is None and self.place.selected:
            item = self.place.selected
            told = f"'{key.shown}' ({key.word}) does nothing about {item} as it stands."
            self.notice(told, until=lambda: self.place.selected != item)

    def _about(self, about: About) -> Act | Wanting | None:
        view = self.view
        item = None if view is None else view.runbook.item(self.place.selected)
        if view is None or item is None:
            return None
        return item_act(about, view.runbook, view.state, item)

    def answered(self, request: Request, reply: Reply | DrtuiError) -> None:
        """Hear what the engine said; after what it took, the selection follows what comes next."""
        if isinstance(reply, r.Accepted):
            self.place = self.place.released()
            if isinstance(request, r.ShowStep) and self.view is not None:
                self._tell_whether_open(self.view.runbook, request.step)
        self.draw([])
        super().answered(request, reply)

    def _tell_whether_open(self, runbook: Runbook, step: str) -> None:
        closed = None if self.view is None else going_refused(runbook, self.view.state, step)
        if closed is not None:
            self.notice(f"{closed.reason}. {closed.hint}", paint.DOUBT)

    def perform(self, act: Act | Wanting) -> None:
        """Do what was offered, or chosen in the palette."""
        match act:
            case Ask(request=request):
                self._send(request)
            case OpenGate() | OpenUnknown() | OpenValue() | OpenTold():
                self._open(act)
            case SeeOutput(command=command):
                self.see_output(command)
            case Wanting():
                self.run_app.want(act)
            case Plain.GO_BACK:
                self.place = self.place.released()
                self.draw([])
            case Plain.FINISH:
                self._send(r.Finish())
            case Plain.SEE_END:
                from aihummer_drtui.tui.screens.completion import CompletionScreen

                self.app.push_screen(CompletionScreen())
            case Plain.WAIT:
                pass
            case _ as never:
                assert_never(never)

    def _send(self, request: Request) -> None:
        self.asking("Asking the engine ...")
        self.run_app.ask(request)

    def _open(self, act: OpenGate | OpenUnknown | OpenValue | OpenTold) -> None:
        match act:
            case OpenGate(command=command):
                from aihummer_drtui.tui.screens.gate import GateScreen

                self.app.push_screen(GateScreen(command))
            case OpenUnknown(command=command):
                from aihummer_drtui.tui.screens.unknown import UnknownScreen

                self.app.push_screen(UnknownScreen(command))
            case OpenTold():
                from aihummer_drtui.tui.screens.telling import telling_screen

                self.app.push_screen(telling_screen(act))
            case OpenValue(input=given):
                from aihummer_drtui.tui.screens.giving_set import giving_screen

                self.app.push_screen(giving_screen(given, looks=not self.is_tabletop))
            case _ as never:
                assert_never(never)

    def action_step(self, number: int) -> None:
        """Go to that step."""
        steps = () if self.view is None else self.view.runbook.steps
        if 1 <= number <= len(steps) and self.run_app.asked is None:
            self._send(r.ShowStep(step=steps[number - 1].id))

    def action_steps(self) -> None:
        """List the steps, and go to one."""
        from aihummer_drtui.tui.screens.choosing import ChoosingScreen
        from aihummer_drtui.tui.widgets.strip import step_rows

        if self.view is None:
            return
        steps = self.view.runbook.steps
        at = next((n for n, step in enumerate(steps) if step.id == self.view.state.step), 0)

        def chosen(number: int | None) -> None:
            if number is not None:
                self.action_step(number + 1)

        rows = step_rows(self.view.runbook, self.view.state)
        self.app.push_screen(ChoosingScreen(title="Go to a step", rows=rows, at=at), chosen)

    def action_palette(self) -> None:
        """List every action that is legal now, and do one."""
        from aihummer_drtui.tui.legal_acts import legal_acts
        from aihummer_drtui.tui.screens.choosing import ChoosingScreen

        if self.view is None:
            return
        entries = legal_acts(self.view.runbook, self.view.state)
        intents = [intent for intent in self.legal_intents() if intent.in_palette]
        rows = [entry.words for entry in entries] + [f"{intent.does}  [{intent.shown}]" for intent in intents]

        async def chosen(number: int | None) -> None:
            if number is None:
                return
            if number < len(entries):
                self.perform(entries[number].act)
            else:
                await self.run_action(intents[number - len(entries)].action)

        self.app.push_screen(ChoosingScreen(title="Every action that is legal now", rows=rows), chosen)
