"""The screens over a real engine and a scripted world, driven by keys; tests wait on messages."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.engine.session import Session
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.recovery_set import RECOVERY_POINT, THE_DUMP, RecoverySets
from aihummer_drtui.run.verdict import Choice, Observation, TargetIdentity
from aihummer_drtui.testing import ScriptedCatalogue
from aihummer_drtui.tui.app import RunApp
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.base import ScreensApp
from aihummer_drtui.tui.bridge import Bridge
from aihummer_drtui.tui.desk import Desk
from tests.engine.engine_house import WITHIN, House

S = TypeVar("S", bound=Screen[Any])
CHOICES = (
    Choice(value="/backups/newest", told=("taken today; key fits",)),
    Choice(value="/backups/older", told=("taken last week", "[bold]not markup[/bold]")),
)


@dataclass(kw_only=True)
class ScriptedFacts:
    """What the composition root would know."""

    world: ScriptedCatalogue
    known: tuple[Choice, ...] = CHOICES
    suggested: str = ""
    """Instead of the best choice."""
    sets: Callable[[float], Iterator[RecoverySets]] | None = None
    """Instead of the scripted world's."""

    def suggestion(self, variable: str) -> str | None:
        """The best choice."""
        if variable == RECOVERY_POINT:
            return THE_DUMP
        if self.suggested:
            return self.suggested
        return self.known[0].value if self.known else None

    def choices(self, variable: str) -> tuple[Choice, ...]:  # noqa: ARG002
        """Two sets, unless told otherwise."""
        return self.known

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:
        """The scripted world's."""
        return (self.sets or self.world.recovery_sets)(seconds)

    def recovery_point(self, text: str) -> Observation:
        """The scripted world's."""
        return self.world.recovery_point(text)

    def leftovers(self, seconds: float) -> Leftovers:
        """The scripted world's."""
        return self.world.leftovers(seconds)

    def identity(self) -> TargetIdentity:
        """The scripted target's."""
        return self.world.identity()


@dataclass(kw_only=True)
class Screens:
    """The application under a pilot."""

    app: ScreensApp[Any]
    pilot: Pilot[Any]
    moved: asyncio.Event

    async def press(self, *keys: str) -> None:
        """Press keys, each once what the last one led to was drawn."""
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def write(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*("space" if letter == " " else letter for letter in text))

    async def until(self, true: Callable[[], bool], what: str = "") -> None:
        """Handle messages until that is true."""
        deadline = time.monotonic() + WITHIN
        while not true():
            left = deadline - time.monotonic()
            assert left > 0, f"not within {WITHIN:.0f} s: {what}\n{self.text()}"
            try:
                await asyncio.wait_for(self.moved.wait(), left)
            except TimeoutError:
                continue
            self.moved.clear()
            await self.pilot.pause()

    async def until_shown(self, *texts: str) -> str:
        """Handle messages until all of those texts are on the screen, and give the screen."""
        await self.until(lambda: all(text in self.text() for text in texts), f"{texts} shown")
        return self.text()

    async def enter_when(self, offered: str) -> None:
        """Wait until Enter does that, and press it."""
        await self.until_shown(f"Enter: {offered}")
        await self.press("enter")

    def text(self) -> str:
        """What the screen shows, a line a row."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips(self.app.size)
        rows = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
        assert len(rows) <= height
        assert all(len(row) <= width for row in rows)
        return "\n".join(rows)

    def row(self, text: str) -> str:
        """The first row in which that text stands."""
        return next((row for row in self.text().split("\n") if text in row), "")

    def now_on(self, kind: type[S]) -> S:
        """The screen that is shown, which must be of that kind."""
        assert isinstance(self.app.screen, kind), self.app.screen
        return self.app.screen


@asynccontextmanager
async def shown(
    house: House,
    *,
    size: tuple[int, int] = (80, 24),
    settle: float = 0.0,
    facts: Facts | None = None,
    point: str = "",
    connect: Callable[[Away], Session] | None = None,
) -> AsyncIterator[Screens]:
    """The screens of the house's run, from the step on."""
    moved = asyncio.Event()

    def sit(away: Away) -> Session:
        return house.sit(on_record=away.hear, point=point)

    def heard(message: Message) -> None:
        moved.set()

    desk = Desk(
        facts=facts or ScriptedFacts(world=house.world), come_back="come back here", program="aihummer-drtui"
    )
    bridge = Bridge(connect or sit)
    bridge.start()
    app = RunApp(desk, bridge, settle=settle)
    async with app.run_test(size=size, message_hook=heard) as pilot:
        yield Screens(app=app, pilot=pilot, moved=moved)


async def past_briefing(screens: Screens) -> None:
    """Read the briefing of a new run, and go on."""
    await screens.until_shown("BRIEFING", "It answers as")
    await screens.press("enter")
