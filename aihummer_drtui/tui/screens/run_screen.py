"""What every screen of a run has: the banner, a line of notice, the footer, and the acts of everywhere."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.intents import ELSEWHERE, Intent, bindings
from aihummer_drtui.tui.pace import BY_HAND
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import Banner
from aihummer_drtui.tui.widgets.keys import Keys
from aihummer_drtui.tui.widgets.pane import Line, fitted
from aihummer_drtui.tui.widgets.word import Word

if TYPE_CHECKING:
    from aihummer_drtui.engine.session import Growth
    from aihummer_drtui.run.requests import Reply, Request
    from aihummer_drtui.tui.app import RunApp

T = TypeVar("T")
_NOTICE_ROWS: Final = 3


class RunScreen(Screen[T], inherit_bindings=False):
    """A screen of one run. `show` draws it from a view; the keys that are shown are those that work."""

    DEFAULT_CSS = """
    RunScreen #notice { height: auto; min-height: 1; max-height: 3; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(ELSEWHERE)
    intents: tuple[Intent, ...] = ELSEWHERE
    """All that can be wanted on this screen, for footer, help and palette."""
    _shown_at = 0.0
    _says_asking = False
    """Whether the line of notice says what the engine is asked."""

    _withdraw: Callable[[], bool] | None = None
    """Whether what the line of notice says is true no longer."""

    def compose(self) -> ComposeResult:
        """The banner, what the screen is about, the notice, the keys."""
        yield Banner()
        yield from self.body()
        yield Word(id="notice")
        yield from self.foot()
        yield Keys()

    def body(self) -> Iterable[Widget]:
        """What the screen is about."""
        return ()

    def foot(self) -> Iterable[Widget]:
        """What stands between the notice and the keys."""
        return ()

    @property
    def run_app(self) -> "RunApp":
        """The application, with the run it is about."""
        return cast("RunApp", self.app)

    @property
    def view(self) -> View | None:
        """The latest view of the run."""
        return self.run_app.view

    def on_screen_resume(self) -> None:
        """Draw what is known once it is shown, and again when it comes back; hear what was answered."""
        self._shown_at = time.monotonic()
        self.draw([])
        self.run_app.came_back()

    @property
    def is_tabletop(self) -> bool:
        """Whether nothing is looked at or executed in this run."""
        return self.run_app.is_tabletop

    def can_be_read(self) -> bool:
        """Whether it has stood there for a moment: an Enter that came sooner answered something else."""
        return self.has_stood_since(self._shown_at)

    def has_stood_since(self, moment: float) -> bool:
        """Whether what came then (`time.monotonic`) has stood there long enough to be read."""
        return time.monotonic() - moment >= self.run_app.settle

    @property
    def by_hand(self) -> float:
        """Seconds that two keys of a hand are apart, at the least; none where nobody has to read."""
        return min(self.run_app.settle, BY_HAND)

    def unless_pasted(self, act: Callable[[], object]) -> None:
        """Do what a key stands for when no other came at once with it, before or after: not in a paste."""
        pace, limit = self.run_app.pace, self.by_hand
        at = pace.last
        if pace.gap < limit:
            return
        if not limit:
            act()
            return

        def when_alone() -> None:
            if pace.last == at and self.is_active:
                act()

        self.set_timer(limit, when_alone)

    def on_resize(self) -> None:
        """Draw it again in the room there is."""
        self.draw([])

    def draw(self, news: "list[Growth]") -> None:
        """Draw the latest view, if there is one; not while the screens end, when half of a screen is gone."""
        if not (self.is_mounted and self.app.is_running):
            return
        view = self.view
        if self._withdraw is not None and self._withdraw():
            self.notice("")
        if view is not None:
            self.query_one(Banner).show(view, waited=self.run_app.waited)
            self.show(view, news)
        self.query_one(Keys).show(self.legal_intents(), self.size.width)

    def show(self, view: View, news: "list[Growth]") -> None:
        """Draw this view; `news` is what the journal grew by since the last one."""

    def legal_intents(self) -> list[Intent]:
        """What can be wanted now."""
        return [intent for intent in self.all_intents() if self.is_legal(intent)]

    def all_intents(self) -> tuple[Intent, ...]:
        """What can be wanted on this screen in this run, now or later."""
        return self.intents

    def is_legal(self, intent: Intent) -> bool:
        """Whether it would do something now."""
        name = intent.action.partition("(")[0].removeprefix("app.")
        if intent.action.startswith("app.") and not hasattr(self.app, f"action_{name}"):
            # Before any run there is nothing to note down, and nobody to reach.
            return False
        return bool(self.check_action(name, ()) and self.run_app.check_action(name, ()))

    def notice(
        self, text: str, style: str = paint.FOREGROUND, *, until: Callable[[], bool] | None = None
    ) -> None:
        """Say something in the line of notice, at most until that is so."""
        self._says_asking = False
        self._withdraw = until
        line = Line(text=cleaned_line(text, 1_000), style=style)
        rows = fitted(line, max(20, self.size.width))
        if len(rows) > _NOTICE_ROWS:
            last = paint.cut(rows[_NOTICE_ROWS - 1].plain + " " * self.size.width, self.size.width)
            rows = [*rows[: _NOTICE_ROWS - 1], Content.styled(last, style)]
        # A screen that was opened just now has none yet.
        for word in self.query("#notice").results(Word):
            word.say(Content("\n").join(rows))

    def asking(self, text: str) -> None:
        """Say what the engine is asked, until it answers or there is something else to say."""
        self.notice(text)
        self._says_asking = True
        view = self.view
        if view is not None:
            for banner in self.query(Banner):
                banner.show(view, waited=self.run_app.waited)

    def heard(self) -> None:
        """Say no longer that the engine is asked."""
        if self._says_asking:
            self.notice("")

    def refused(self, reason: str, hint: str) -> None:
        """Say that something is not done, and what would help, until something else was done."""
        app, known = self.run_app, self.run_app.accepted
        self.notice(f"REFUSED: {reason}. {hint}", paint.REFUSED, until=lambda: app.accepted != known)

    def answered(self, request: "Request", reply: "Reply | DrtuiError") -> None:  # noqa: ARG002
        """Hear what the engine said to a request."""
        from aihummer_drtui.run.requests import Refused

        if isinstance(reply, Refused):
            self.refused(reply.reason, reply.hint)
        elif isinstance(reply, DrtuiError):
            unsure = f"NOT KNOWN whether it was taken: {reply.what}."
            self.notice(f"{unsure} See where the item stands before you ask again.", paint.DOUBT)

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Go, if this is what is shown: a second Enter of one read must not close what the first opened."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def action_back(self) -> None:
        """Go back to where this screen was opened; from the first there is nowhere to go."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()

    def copied(self) -> tuple[str, str]:
        """What `c` copies here, and the name of the file in which it lies."""
        view = self.view
        return ("", "") if view is None else (str(view.folder.path), str(view.folder.path))

    def as_text(self) -> str:
        """This screen as plain text, for `p`."""
        return ""
