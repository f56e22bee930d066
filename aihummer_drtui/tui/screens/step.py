"""The screen of a step: the checklist, what is known of the selected item, what Enter does next."""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.state import Living, Status
from aihummer_drtui.runbook.model import Step
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.describing import progress_lines
from aihummer_drtui.tui.intents import RUN, STEP, bindings
from aihummer_drtui.tui.offer import Plain, next_offer, offer_for
from aihummer_drtui.tui.reporting import news_notice
from aihummer_drtui.tui.screens.acting import ActingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import now
from aihummer_drtui.tui.widgets.checklist import Checklist
from aihummer_drtui.tui.widgets.pane import fitted
from aihummer_drtui.tui.widgets.panes import Panes
from aihummer_drtui.tui.widgets.strip import WIDTH, Steps
from aihummer_drtui.tui.widgets.word import Word

WIDE: Final = 110
"""Columns from which the steps stand as a list at the left."""
PROGRESS_ROWS: Final = 4
"""Rows for what runs, at most: two commands with all that they say."""
_WAITING: Final = "Reading the journal and connecting to the engine ... (q leaves; the run is safe)"
_AGES_EVERY: Final = 20.0
"""Seconds between two looks at how old what is shown has become."""


class StepScreen(ActingScreen):
    """The heart. Enter alone walks a healthy recovery; no gate is passed by it."""

    DEFAULT_CSS = f"""
    StepScreen #list {{ display: none; width: {WIDTH}; height: 1fr; }}
    StepScreen.-wide #list {{ display: block; }}
    StepScreen.-wide #strip {{ display: none; }}
    StepScreen #work {{ width: 1fr; height: 1fr; }}
    StepScreen #title, StepScreen #why, StepScreen #next {{ width: 1fr; }}
    StepScreen #progress {{ display: none; width: 1fr; height: auto; max-height: {PROGRESS_ROWS}; }}
    StepScreen.-busy #progress {{ display: block; }}
    StepScreen.-zoomed Checklist, StepScreen.-zoomed #why {{ display: none; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings((*STEP, *RUN))
    intents = (*STEP, *RUN)

    def __init__(self) -> None:
        super().__init__()
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
        if self.view is None:
            self.notice(_WAITING)
        self.set_interval(_AGES_EVERY, lambda: self.draw([]))

    def show(self, view: View, news: list[Growth]) -> None:
        """Draw this view."""
        self.set_class(self.size.width >= WIDE, "-wide")
        runbook, state = view.runbook, view.state
        self.place = self.place.in_view(runbook, state)
        told = news_notice(news, self.place.selected)
        if told is not None:
            self.notice(told.text, told.style, until=self._is_mended(told.trouble))
        elif self._offer is None:
            self.notice("")
        for steps in self.query(Steps):
            steps.show(runbook, state)
        self._show_offer(view)
        step = runbook.step(state.step)
        if step is not None:
            self._show_step(view, step)
        self.set_class(bool(state.running), "-busy")
        self._say_progress(view)
        if self._was_living and not isinstance(state.ending, Living) and self.is_active:
            self._was_living = False
            self.perform(Plain.SEE_END)

    def _is_mended(self, check: str) -> Callable[[], bool] | None:
        """Whether a check that was told to be red stands in nobody's way any more."""
        good = {Status.PASSED, Status.UNPROVEN, Status.SKIPPED}
        if not check:
            return None
        return lambda: self.view is not None and self.view.state.status(check) in good

    def _show_step(self, view: View, step: Step) -> None:
        runbook, state, place = view.runbook, view.state, self.place
        self.set_class(place.is_zoomed, "-zoomed")
        count = f"Step {runbook.steps.index(step) + 1} of {len(runbook.steps)}: "
        self._say("title", count + plain_words(step.title), paint.LOUD)
        self._say("why", f"Why: {plain_words(' '.join(step.why.split()))}", paint.QUIET)
        following = next_offer(runbook, state).item
        self.query_one(Checklist).show(state, step, place.selected, following)
        self.run_app.bridge.watch(place.watched(runbook, state))
        self.panes.show(view, step, place)

    def _show_offer(self, view: View) -> None:
        selected = view.runbook.item(self.place.selected)
        offer = next_offer(view.runbook, view.state)
        if selected is not None and self.place.is_chosen:
            offer = offer_for(view.runbook, view.state, selected)
        self.offered(offer)
        self._say("next", f" Enter: {offer.words} ", paint.NEXT)

    def _say_progress(self, view: View) -> None:
        word = self.query_one("#progress", Word)
        width = max(20, word.size.width or self.size.width)
        rows = [row for line in progress_lines(view, now()) for row in fitted(line, width)]
        word.say(Content("\n").join(rows[:PROGRESS_ROWS]))

    def _say(self, name: str, text: str, style: str) -> None:
        word = self.query_one(f"#{name}", Word)
        width = word.size.width or self.size.width
        word.say(Content.styled(paint.cut(cleaned_line(text, 1_000), max(20, width)), style))
