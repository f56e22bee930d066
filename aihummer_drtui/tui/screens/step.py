"""The screen of a step: the checklist, what is known of the selected item, what Enter does next."""

import time
from collections.abc import Iterable
from typing import ClassVar, Final, assert_never

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.overlap import going_refused
from aihummer_drtui.run.requests import Reply, Request
from aihummer_drtui.run.state import Living
from aihummer_drtui.runbook.model import CommandItem, Runbook, Step
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import outside, paint
from aihummer_drtui.tui.describing import progress_text_of
from aihummer_drtui.tui.intents import RUN, STEP, Intent, bindings
from aihummer_drtui.tui.item_acts import About, item_act
from aihummer_drtui.tui.legal_acts import legal_acts
from aihummer_drtui.tui.offer import (
    Act,
    Ask,
    Offer,
    OpenGate,
    OpenUnknown,
    OpenValue,
    Plain,
    SeeOutput,
    next_offer,
    offer_for,
)
from aihummer_drtui.tui.place import Place, Showing
from aihummer_drtui.tui.printing import copied_of, step_text
from aihummer_drtui.tui.reporting import news_notice
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.wanting import Wanting
from aihummer_drtui.tui.widgets.banner import now
from aihummer_drtui.tui.widgets.checklist import Checklist
from aihummer_drtui.tui.widgets.panes import Panes
from aihummer_drtui.tui.widgets.strip import WIDTH, Steps
from aihummer_drtui.tui.widgets.word import Word

WIDE: Final = 110
"""Columns from which the steps stand as a list at the left."""
_WAITING: Final = "Reading the journal and connecting to the engine ... (q leaves; the run is safe)"
_AGES_EVERY: Final = 20.0
"""Seconds between two looks at how old what is shown has become."""


class StepScreen(RunScreen[None]):
    """The heart. Enter alone walks a healthy recovery; no gate is passed by it."""

    DEFAULT_CSS = f"""
    StepScreen #list {{ display: none; width: {WIDTH}; height: 1fr; }}
    StepScreen.-wide #list {{ display: block; }}
    StepScreen.-wide #strip {{ display: none; }}
    StepScreen #work {{ width: 1fr; height: 1fr; }}
    StepScreen #title, StepScreen #why, StepScreen #next {{ width: 1fr; }}
    StepScreen #progress {{ display: none; width: 1fr; }}
    StepScreen.-busy #progress {{ display: block; }}
    StepScreen.-zoomed Checklist, StepScreen.-zoomed #why {{ display: none; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings((*STEP, *RUN))
    intents = (*STEP, *RUN)

    def __init__(self) -> None:
        super().__init__()
        self._place = Place()
        self._asked: Request | None = None
        self._offer: Offer | None = None
        self._offered_at = 0.0
        self._sought = ""
        self._was_living = True

    def body(self) -> Iterable[Widget]:
        """Steps, checklist, panes."""
        yield Steps(as_list=False, id="strip")
        with Horizontal():
            yield Steps(as_list=True, id="list")
            with Vertical(id="work"):
                yield Word(id="title")
                yield Word(id="why")
                yield Checklist()
                yield Panes()
                yield Word(id="progress")

    def foot(self) -> Iterable[Widget]:
        """What Enter does."""
        yield Word(id="next")

    def on_mount(self) -> None:
        """Draw, and look now and then how old things have become."""
        super().on_mount()
        if self.view is None:
            self.notice(_WAITING)
        self.set_interval(_AGES_EVERY, lambda: self.draw([]))

    @property
    def _panes(self) -> Panes:
        return self.query_one(Panes)

    def show(self, view: View, news: list[Growth]) -> None:
        """Draw this view."""
        self.set_class(self.size.width >= WIDE, "-wide")
        runbook, state = view.runbook, view.state
        self._place = self._place.in_view(runbook, state)
        told = news_notice(news, self._place.selected)
        if told is not None:
            self.notice(*told)
        elif self._offer is None:
            self.notice("")
        for steps in self.query(Steps):
            steps.show(runbook, state)
        self._show_offer(view)
        step = runbook.step(state.step)
        if step is not None:
            self._show_step(view, step)
        self.set_class(bool(state.running), "-busy")
        self._say("progress", f"> {progress_text_of(view, now())}", paint.BUSY)
        if self._was_living and not isinstance(state.ending, Living):
            self._was_living = False
            self.perform(Plain.SEE_END)

    def _show_step(self, view: View, step: Step) -> None:
        runbook, state, place = view.runbook, view.state, self._place
        self.set_class(place.is_zoomed, "-zoomed")
        count = f"Step {runbook.steps.index(step) + 1} of {len(runbook.steps)}: "
        self._say("title", count + plain_words(step.title), paint.LOUD)
        self._say("why", f"Why: {plain_words(' '.join(step.why.split()))}", paint.QUIET)
        following = next_offer(runbook, state).item
        self.query_one(Checklist).show(state, step, place.selected, following)
        self.run_app.bridge.watch(place.watched(runbook, state))
        self._panes.show(view, step, place)

    def _show_offer(self, view: View) -> None:
        selected = view.runbook.item(self._place.selected)
        offer = next_offer(view.runbook, view.state)
        if selected is not None and self._place.is_chosen:
            offer = offer_for(view.runbook, view.state, selected)
        if offer != self._offer:
            self._offer, self._offered_at = offer, time.monotonic()
        self._say("next", f" Enter: {offer.words} ", paint.NEXT)

    def _say(self, name: str, text: str, style: str) -> None:
        word = self.query_one(f"#{name}", Word)
        width = word.size.width or self.size.width
        word.say(Content.styled(paint.cut(cleaned_line(text, 1_000), max(20, width)), style))

    def is_legal(self, intent: Intent) -> bool:
        """Whether it would do something now."""
        name, _, argument = intent.action.partition("(")
        if (name == "show" and "output" in argument) or name in {"pager", "follow"}:
            output = None if self.view is None else self.view.output
            return output is not None and output.attempt > 0
        if name != "about":
            return super().is_legal(intent)
        return self._about(About(argument.strip("')"))) is not None

    def _about(self, about: About) -> Act | Wanting | None:
        view = self.view
        item = None if view is None else view.runbook.item(self._place.selected)
        if view is None or item is None:
            return None
        return item_act(about, view.runbook, view.state, item)

    def answered(self, request: Request, reply: Reply | DrtuiError) -> None:
        """Hear what the engine said; after what it took, the selection follows what comes next."""
        self._asked = None
        if isinstance(reply, r.Accepted):
            self._place = self._place.released()
            self.notice("")
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
            case OpenGate() | OpenUnknown() | OpenValue():
                self._open(act)
            case SeeOutput(command=command):
                self._see_output(command)
            case Wanting():
                self.run_app.want(act)
            case Plain.GO_BACK:
                self._place = self._place.released()
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
        self._asked = request
        self.notice("Asking the engine ...")
        self.run_app.ask(request)

    def _open(self, act: OpenGate | OpenUnknown | OpenValue) -> None:
        match act:
            case OpenGate(command=command):
                from aihummer_drtui.tui.screens.gate import GateScreen

                self.app.push_screen(GateScreen(command))
            case OpenUnknown(command=command):
                from aihummer_drtui.tui.screens.unknown import UnknownScreen

                self.app.push_screen(UnknownScreen(command))
            case OpenValue(input=given):
                from aihummer_drtui.tui.screens.value import ValueScreen

                self.app.push_screen(ValueScreen(given))
            case _ as never:
                assert_never(never)

    def _see_output(self, command: CommandItem) -> None:
        if self._place.selected != command.id:
            return
        shown = self.view is not None and self._place.showing(self.view.state) is Showing.OUTPUT
        self._place = self._place.zoomed(Showing.OUTPUT) if shown else self._place.seeing(Showing.OUTPUT)
        self.draw([])

    def action_next(self) -> None:
        """Do what is offered, if it was there to be read before the key was pressed."""
        if self._offer is None or self._asked is not None:
            return
        if time.monotonic() - self._offered_at >= self.run_app.settle:
            self.perform(self._offer.act)

    def action_about(self, about: str) -> None:
        """Do something about the selected item."""
        act = self._about(About(about))
        if act is not None and self._asked is None:
            self.perform(act)

    def action_select(self, by: int) -> None:
        """Select another item."""
        step = None if self.view is None else self.view.runbook.step(self.view.state.step)
        if step is not None:
            self._place = self._place.moved(step, by)
            self.draw([])

    def action_show(self, what: str) -> None:
        """Show the step's text or the output, or put it away."""
        if self.view is not None:
            showing = Showing(what)
            self._panes.follows = True
            self._place = self._place.toggled(showing, self._place.showing(self.view.state))
            self.draw([])

    def action_zoom(self) -> None:
        """Give the pane the whole screen, or take it back."""
        if self.view is not None:
            self._place = self._place.zoomed(self._place.showing(self.view.state))
            self.draw([])

    def action_follow(self) -> None:
        """Follow the output, or pause."""
        self._panes.follows = not self._panes.follows
        self.draw([])

    def action_page(self, pages: int) -> None:
        """Scroll by screenfuls."""
        self._panes.page_by(pages)
        self.draw([])

    def action_scroll(self, rows: int) -> None:
        """Scroll by rows."""
        self._panes.scroll_by(rows)
        self.draw([])

    def action_find(self) -> None:
        """Search in the pane."""
        from aihummer_drtui.tui.screens.wording import WordingScreen

        title = "Search" + (f" (Enter alone: the next `{self._sought}`)" if self._sought else "")
        self.app.push_screen(
            WordingScreen(title, prompt="text", enter="search", may_be_empty=bool(self._sought)), self._find
        )

    def _find(self, text: str | None) -> None:
        if text is None:
            return
        self._sought = text or self._sought
        found = self._panes.find(self._sought)
        self.draw([])
        self.notice("" if found else f"`{self._sought}` is not in what is shown here")

    def action_pager(self) -> None:
        """Open the whole output in a pager."""
        view = self.view
        if view is not None and view.output is not None and view.output.attempt:
            file = view.folder.attempt(view.output.item, view.output.attempt) / "output"
            self.notice(outside.open_pager(self.app, file))

    def action_step(self, number: int) -> None:
        """Go to that step."""
        steps = () if self.view is None else self.view.runbook.steps
        if 1 <= number <= len(steps) and self._asked is None:
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

    def copied(self) -> tuple[str, str]:
        """The selected command, check or value."""
        return super().copied() if self.view is None else copied_of(self.view, self._place)

    def as_text(self) -> str:
        """The step with its checklist and what is known of the selected item."""
        return "" if self.view is None else step_text(self.view, self._place)
