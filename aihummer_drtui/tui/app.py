"""The application of one run. It wires the bridge, the screens and the terminal, and does nothing else."""

import time
from collections import deque
from dataclasses import replace
from typing import Any, Final, assert_never

from textual.message import Message
from textual.screen import Screen

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError, ExitCode
from aihummer_drtui.run.requests import Accepted, Request
from aihummer_drtui.run.state import Living
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.tui import paint, wanting
from aihummer_drtui.tui.asking import Asked
from aihummer_drtui.tui.base import SETTLE, ScreensApp, made, shown_on_terminal
from aihummer_drtui.tui.bridge import NEWS_KEPT, Answered, Bridge, Broken, Moved, Told, Unreachable
from aihummer_drtui.tui.desk import Desk, Left
from aihummer_drtui.tui.intents import in_mode
from aihummer_drtui.tui.offer import Ask, next_offer
from aihummer_drtui.tui.resting import at_rest
from aihummer_drtui.tui.screens.run_screen import RunScreen
from aihummer_drtui.tui.screens.step import StepScreen
from aihummer_drtui.tui.view import Connection

FIRST_VIEW: Final = 0.3
"""Seconds that the screens wait for the run: painting once with it is less than painting twice."""


class FromBridge(Message):
    """What the bridge told, in the screens' own thread."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told


class RunApp(ScreensApp[ExitCode], inherit_bindings=False):
    """The screens of one run. Its return value is the exit code; `error` is what it ended for."""

    def __init__(self, desk: Desk, bridge: Bridge, *, settle: float = SETTLE) -> None:
        super().__init__(settle=settle)
        self.desk = desk
        self.error: DrtuiError | None = None
        self._with_engine: deque[tuple[Asked, Screen[Any]]] = deque()
        """What is with the engine now, the oldest first, and the screens that asked."""
        self._is_in_doubt = False
        """Whether nobody knows if the last request was taken."""
        self._answers: deque[tuple[Answered, Screen[Any]]] = deque()
        """What the screens that asked were not told yet."""
        self._has_to_brief = False
        """Whether there was no room for the briefing yet."""
        self._untold: deque[Growth] = deque(maxlen=NEWS_KEPT)
        """News that the screen of the step was not shown yet."""
        self.bridge = bridge
        self._take()

    def get_default_screen(self) -> Screen[None]:
        """The step; before the run is known it says what is waited for."""
        return StepScreen()

    def on_mount(self) -> None:
        """Follow the run."""
        self.set_interval(1.0, self._tell_wait)
        self.bridge.listen(lambda told: self.post_message(FromBridge(told)))
        if self.view is not None:
            self._brief()

    def on_unmount(self) -> None:
        """End the sitting."""
        self.bridge.close()

    def on_from_bridge(self, message: FromBridge) -> None:
        """Hear the bridge."""
        match told := message.told:
            case Moved():
                self._move()
            case Answered():
                self._take_answer(told)
            case Unreachable(error=error):
                self._lose(error)
            case Broken(error=fault):
                # A fault of ours is told like any other, by whoever called.
                raise fault
            case _ as never:
                assert_never(never)

    @property
    def asked(self) -> Asked | None:
        """What is with the engine now, and longest."""
        return self._with_engine[0][0] if self._with_engine else None

    def _take_answer(self, answer: Answered) -> None:
        """No longer say that it is waited for, wherever that is said, and tell whoever asked."""
        _, asker = self._with_engine.popleft()
        self.accepted += isinstance(answer.reply, Accepted)
        self._is_in_doubt = isinstance(answer.reply, DrtuiError)
        self._answers.append((answer, asker))
        for screen in self.screen_stack:
            if isinstance(screen, RunScreen):
                screen.heard()
        if asker is not self.screen and asker in self.screen_stack and isinstance(self.screen, RunScreen):
            # Whoever reads something else meanwhile hears of a refusal too.
            RunScreen.answered(self.screen, answer.request, answer.reply)
        self._deliver()

    def _deliver(self) -> None:
        """Tell the screen that asked, once it is shown, what was answered; or where it is gone, this one."""
        while self._answers and isinstance(self.screen, RunScreen) and self.screen.is_mounted:
            answer, asker = self._answers[0]
            if asker is not self.screen and asker in self.screen_stack:
                return
            self._answers.popleft()
            self.screen.answered(answer.request, answer.reply)

    def came_back(self) -> None:
        """Tell what was answered, and what happened, while something else was shown or nothing could be."""
        if self._has_to_brief:
            self._brief()
        if self._untold:
            self._draw([])
        self._deliver()

    def _move(self) -> None:
        """Draw the newer view."""
        known = self.view
        news = self._take()
        if self.view is None:
            return
        self._draw(news)
        if known is None:
            self._brief()

    def _take(self) -> list[Growth]:
        view, news = self.bridge.take()
        if view is not None:
            self.view = replace(view, state=at_rest(view.state))
        return news

    def _draw(self, news: list[Growth]) -> None:
        """Draw what is shown; the news waits for the screen of the step, which tells it."""
        self._untold.extend(news)
        if isinstance(self.screen, StepScreen) and self.screen.is_mounted:
            self.screen.draw(list(self._untold))
            self._untold.clear()
        elif isinstance(self.screen, RunScreen):
            self.screen.draw(news)

    def _brief(self) -> None:
        """Tell a newcomer what this run is, and who comes back what happened meanwhile."""
        from aihummer_drtui.tui.screens.absence import AbsenceScreen, absence_lines

        # Nothing is put above what says that there is no room.
        self._has_to_brief = not isinstance(self.screen, RunScreen)
        if self._has_to_brief:
            return
        if self.view is not None and not self.view.state.step:
            from aihummer_drtui.tui.screens.briefing import BriefingScreen

            self.push_screen(BriefingScreen(), self._begin)
            return
        lines = absence_lines(self.bridge.away, tabletop=self.is_tabletop) if self.view else ()
        if lines:
            self.push_screen(AbsenceScreen(lines))

    def _begin(self, _: None) -> None:
        """Open the first step of a run in which none was opened yet."""
        view = self.view
        offer = None if view is None else next_offer(view.runbook, view.state)
        if offer is not None and isinstance(offer.act, Ask):
            self.ask(offer.act.request)

    def _lose(self, error: DrtuiError) -> None:
        """Say that there is no engine; without a view there is nothing to stay for."""
        if self.view is None:
            self.error = error
            self.exit(error.exit_code)
            return
        self._move()
        if isinstance(self.screen, RunScreen):
            doubt = "NOT KNOWN whether the last request was taken. " if self._is_in_doubt else ""
            told = f"NO ENGINE: {error.what}. {doubt}'r' tries again. {error.hint}"
            self.screen.notice(told, paint.REFUSED)

    @property
    def waited(self) -> float:
        """Seconds for which the engine was asked something and has said nothing; 0 = it was not."""
        return 0.0 if self.asked is None else time.monotonic() - self.asked.since

    @property
    def is_tabletop(self) -> bool:
        """Whether the run is known to be one, in which nothing is looked at or executed."""
        return self.view is not None and is_tabletop(self.view.state)

    def ask(self, request: Request) -> None:
        """Send a request to the engine; where there is none it is refused, and not kept for later."""
        if self.view is not None and self.view.connection is Connection.LOST:
            if isinstance(self.screen, RunScreen):
                self.screen.refused("there is no engine, so nobody was asked", "'r' tries again to have one.")
            return
        self._is_in_doubt = False
        self._with_engine.append((Asked(request=request, since=time.monotonic()), self.screen))
        self.bridge.ask(request)

    def _tell_wait(self) -> None:
        """Say what the engine is still asked: it may look at the target for a minute."""
        if self.asked is not None and isinstance(self.screen, RunScreen):
            run = "" if self.view is None else self.view.folder.id
            self.screen.asking(self.asked.words(time.monotonic(), run))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Whether the action would do something now."""
        view = self.view
        living = view is not None and isinstance(view.state.ending, Living)
        match action:
            case "reconnect":
                return view is not None and view.connection is Connection.LOST
            case "briefing" | "timeline" | "copy" | "print":
                return view is not None
            case "recovery_set" | "shell":
                # A tabletop looks at nothing, and a shell would be the way around that.
                return view is not None and not self.is_tabletop
            case "note":
                return living
            case "abandon":
                return living and view is not None and not view.state.executing
            case _:
                return True

    def action_reconnect(self) -> None:
        """Try again to have an engine."""
        self.bridge.reconnect()

    def action_leave(self) -> None:
        """End; the run stays as it is."""
        from aihummer_drtui.run.closing import exit_code

        view = self.view
        if view is None:
            self.exit(ExitCode.INTERRUPTED)
            return
        living = isinstance(view.state.ending, Living)
        self.exit(ExitCode.PRECONDITION if living else exit_code(view.state))

    def action_note(self) -> None:
        """Put a note on record."""
        self.want(wanting.note())

    def action_abandon(self) -> None:
        """Give the run up."""
        self.want(wanting.abandon())

    def want(self, wanted: wanting.Wanting) -> None:
        """Have the operator's words, then send the request."""
        from aihummer_drtui.tui.screens.wording import WordingScreen

        def given(text: str | None) -> None:
            if text:
                self.ask(wanted.make(text))

        self.push_screen(
            WordingScreen(wanted.title, wanted.lines, prompt=wanted.prompt, enter=wanted.enter), given
        )

    def action_help(self) -> None:
        """Explain the keys of this screen."""
        if isinstance(self.screen, RunScreen):
            self.help_with(in_mode(self.screen.all_intents(), tabletop=self.is_tabletop))

    def action_briefing(self) -> None:
        """Tell what this run is."""
        from aihummer_drtui.tui.screens.briefing import BriefingScreen

        self.push_screen(BriefingScreen())

    def action_recovery_set(self) -> None:
        """Tell what there is to recover from."""
        from aihummer_drtui.tui.choices import LOOK_WITHIN
        from aihummer_drtui.tui.screens.recovery_set import RecoverySetScreen

        self.push_screen(RecoverySetScreen(lambda: self.desk.facts.recovery_sets(LOOK_WITHIN)))

    def action_timeline(self) -> None:
        """Tell what happened, in its order."""
        from aihummer_drtui.tui.screens.timeline import TimelineScreen

        self.push_screen(TimelineScreen())

    def action_copy(self) -> None:
        """Copy what is selected, and say where it lies: a terminal may ignore the copy."""
        if isinstance(self.screen, RunScreen):
            text, file = self.screen.copied()
            if text:
                self.copy_to_clipboard(text)
                self.screen.notice(f"Copied, if this terminal lets programs copy. It lies in {file}")

    def action_print(self) -> None:
        """Print this screen as plain text, outside the screens."""
        if isinstance(self.screen, RunScreen):
            from aihummer_drtui.tui import outside

            outside.print_out(self, self.screen.as_text())

    def action_shell(self) -> None:
        """Open a shell, and come back."""
        from aihummer_drtui.tui import outside

        view, screen = self.view, self.screen
        if view is not None and isinstance(screen, RunScreen):
            # What follows in a paste would be typed into the shell.
            screen.unless_pasted(lambda: outside.open_shell(self, view.folder.path))

    def action_mouse(self) -> None:
        """Turn the mouse on or off."""
        if isinstance(self.screen, RunScreen):
            self.screen.notice(self.toggle_mouse())


def run_screens(desk: Desk, bridge: Bridge) -> Left:
    """Show the screens until the operator leaves or the run is over. Raises DrtuiError."""
    first = bridge.wait(FIRST_VIEW)
    if isinstance(first, Unreachable):
        # There is nothing to show, and it is read best on the plain terminal.
        raise first.error
    app = made(lambda: RunApp(desk, bridge))
    code = shown_on_terminal(app)
    if app.error is not None:
        raise app.error
    return Left(code=ExitCode.INTERRUPTED if code is None else code, view=app.view)
