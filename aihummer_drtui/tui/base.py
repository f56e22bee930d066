"""What every application of the screens has in common: the theme, the mouse, the help, the terminal's end."""

import os
from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.events import Event, Key, Resize

from aihummer_drtui.loading import loaded
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.driver import ScreensDriver
from aihummer_drtui.tui.hang_up import remember_terminal, watch_terminal
from aihummer_drtui.tui.intents import Intent
from aihummer_drtui.tui.pace import Pace
from aihummer_drtui.tui.terminal import COLUMNS, LINES
from aihummer_drtui.tui.view import View

R = TypeVar("R")
SETTLE: Final = 0.4
"""Seconds that what Enter does has to stand there before Enter does it: a key that came sooner was
meant for something else."""


class ScreensApp(App[R], inherit_bindings=False):
    """Draws in ASCII on one theme; the mouse is off until it is asked for."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = []
    CSS = """
    Screen { background: $background; color: $foreground; scrollbar-size: 0 0; }
    """

    def __init__(self, *, settle: float) -> None:
        super().__init__()
        self.settle = settle
        self.pace = Pace()
        """How fast keys come, whichever screen is shown: a paste goes on over one that it opened."""
        self.accepted = 0
        """How many requests the engine has taken."""
        self.view: View | None = None
        self._is_mouse_on = False
        self.register_theme(paint.THEME)
        self.theme = paint.THEME.name

    def get_driver_class(self) -> type[Driver]:
        """The one that is sparing on the wire."""
        return ScreensDriver

    async def on_event(self, event: Event) -> None:
        """Note how fast keys come, before any screen hears of them; they may bubble back to here."""
        if isinstance(event, Key) and not event.is_forwarded:
            self.pace.key(event.time)
        await super().on_event(event)

    def on_mount(self) -> None:
        """Watch the terminal. Textual calls this beside that of a class below: nobody has to."""
        watch_terminal(self)

    def on_ready(self) -> None:
        """The first screen was painted."""
        loaded()

    def on_resize(self, event: Resize) -> None:
        """Write all of it anew: how a terminal moves what it showed when it is resized, it alone knows."""
        self._forget()
        self._fit_into(event.size.width, event.size.height)
        # Also where it has its old size again: it may have been another in between.
        self.screen.refresh()

    def _fit_into(self, columns: int, lines: int) -> None:
        """Say so where there is too little room; what was shown comes back with the room."""
        from aihummer_drtui.tui.screens.too_small import TooSmallScreen

        is_small = columns < COLUMNS or lines < LINES
        says_so = isinstance(self.screen, TooSmallScreen)
        if is_small and not says_so:
            self.push_screen(TooSmallScreen(self.view))
        elif says_so and not is_small:
            self.pop_screen()
            self.call_after_refresh(self.came_back)

    @property
    def waited(self) -> float:
        """Seconds for which the engine was asked something and has said nothing; 0 = it was not."""
        return 0.0

    def came_back(self) -> None:
        """There is room again, and what was shown before is shown."""

    def action_redraw(self) -> None:
        """Draw the screen anew, when a noisy line or another program wrote into it."""
        self._forget()
        self.screen.refresh()

    def _forget(self) -> None:
        if isinstance(self._driver, ScreensDriver):
            self._driver.forget()

    def _fatal_error(self) -> None:
        """End without Textual's traceback, which shows the values of variables: one may be a secret.

        The error is raised where the application was run, and told like any other.
        """
        self._close_messages_no_wait()

    def help_with(self, intents: tuple[Intent, ...]) -> None:
        """Explain those keys."""
        from aihummer_drtui.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(intents))

    def toggle_mouse(self) -> str:
        """Turn the mouse on or off, and give what to say of it."""
        self._is_mouse_on = not self._is_mouse_on
        if isinstance(self._driver, ScreensDriver):
            self._driver.set_mouse(on=self._is_mouse_on)
        if self._is_mouse_on:
            return "The mouse is on; the terminal marks text with Shift held, or after 'm'."
        return "The mouse is off; the terminal marks text."


A = TypeVar("A", bound=ScreensApp[Any])


def made(make: Callable[[], A]) -> A:
    """The application, with NO_COLOR heeded as no-color.org has it, and left for whatever is started."""
    no_color = os.environ.get("NO_COLOR")
    if no_color == "":
        # Empty means colour; Textual asks only whether it is there.
        del os.environ["NO_COLOR"]
    app = make()
    if no_color is not None:
        os.environ["NO_COLOR"] = no_color
    return app


def shown_on_terminal(app: ScreensApp[R]) -> R | None:
    """Run the application on the terminal, and give what it ends with."""
    remember_terminal()
    for name in ("COLUMNS", "LINES"):
        # Where a shell exported them, they would be believed when the terminal is resized (shutil).
        os.environ.pop(name, None)
    ended = app.run(mouse=False)
    if app._exception is not None:
        raise app._exception
    return ended
