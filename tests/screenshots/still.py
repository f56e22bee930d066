"""The screens, standing still: fixed clock, zone, locale and size, one view, no engine."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.engine.session import Growth
from aihummer_drtui.run.requests import Request
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.bridge import Bridge, Told
from aihummer_drtui.tui.desk import Desk
from aihummer_drtui.tui.view import View
from tests.screenshots.telling import StillClock

_ENVIRONMENT = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor"}
_UNSET = ("NO_COLOR", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS")


@contextmanager
def standing(clock: StillClock) -> Iterator[None]:
    """While this lasts the machine's clock shows that moment, in UTC, on a terminal that shows all."""
    environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
    with (
        mock.patch.dict(os.environ, {**environment, **_ENVIRONMENT}, clear=True),
        mock.patch.multiple(
            SystemClock,
            boot_id=lambda _: clock.boot_id(),
            boottime=lambda _: clock.boottime(),
            wall=lambda _: clock.wall(),
        ),
    ):
        time.tzset()
        try:
            yield
        finally:
            os.environ.pop("TZ")
            time.tzset()
    time.tzset()


class StillBridge(Bridge):
    """Has one view to give, and follows nothing."""

    def __init__(self, view: View, away: Away) -> None:
        self._still = view
        self.away = away

    def listen(self, listener: Callable[[Told], object]) -> None:
        """Nothing will be told."""

    def close(self) -> None:
        """Nothing was begun."""

    def ask(self, request: Request) -> None:
        """Nobody answers."""

    def watch(self, item: str) -> None:
        """The view holds the output that is shown."""

    def take(self) -> tuple[View | None, list[Growth]]:
        """The one view."""
        return self._still, []


def still_app(view: View, facts: Facts, away: Away) -> RunApp:
    """The screens of a run, at one view of it."""
    desk = Desk(facts=facts, come_back="aihummer-drtui resume", program="aihummer-drtui")
    return RunApp(desk, StillBridge(view, away), settle=0.0)
