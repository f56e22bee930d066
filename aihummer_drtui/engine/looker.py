"""Looks at checks while their step is shown, and journals what is new about them.

A look runs in a thread, because checks block on files, sockets and children. The journal gets an
observation when it differs from the one before, when it is the first of a sitting, and otherwise
once a minute, so that hours of polling leave a readable journal.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from aihummer_drtui.engine.catalogue import Catalogue
from aihummer_drtui.engine.clock import Clock
from aihummer_drtui.run.events import CheckObserved
from aihummer_drtui.run.legal import settled
from aihummer_drtui.run.state import CheckState, RunState, Status
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict
from aihummer_drtui.runbook.model import CheckItem, CommandItem, Runbook, Step

RECORD_EVERY: Final = 60.0
_TOGETHER: Final = 4


def due_in_step(state: RunState, step: Step) -> tuple[CheckItem, ...]:
    """The checks of a step worth looking at: those before its first command that is not settled.

    What stands after a command verifies it, and says nothing before it ran. What stands before a
    command that has passed was its precondition, and has served.
    """
    due: list[CheckItem] = []
    for item in step.items:
        if isinstance(item, CheckItem):
            if state.status(item.id) is not Status.SKIPPED:
                due.append(item)
        elif isinstance(item, CommandItem):
            if not settled(state, item):
                return tuple(due)
            due = [one for one in due if not settled(state, one)]
    return tuple(due)


class Looker:
    """Keeps the observations of a run up to date. `record` journals an event."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        clock: Clock,
        record: Callable[[CheckObserved], object],
        situation: Callable[[], tuple[Runbook, RunState]],
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._record = record
        self._situation = situation
        self._looked: dict[str, float] = {}
        self._recorded: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._threads = asyncio.Semaphore(_TOGETHER)

    def poll(self) -> None:
        """Begin every look that is due in the step shown. Returns at once."""
        runbook, state = self._situation()
        step = runbook.step(state.step)
        if step is None:
            return
        now = self._clock.boottime()
        for item in due_in_step(state, step):
            last = self._looked.get(item.id)
            known = state.items.get(item.id)
            stale = not isinstance(known, CheckState) or not known.fresh
            interval = self._description(item).interval
            if last is None or stale or (interval > 0 and now - last >= interval):
                self._begin(item)

    def look_at(self, items: Iterable[CheckItem]) -> None:
        """Begin a look at each of these now. Returns at once."""
        for item in items:
            self._begin(item)

    async def renew(self, items: Iterable[CheckItem], *, older_than: float) -> None:
        """Look again at those cheap checks whose last look is older, and wait for the answers."""
        now = self._clock.boottime()
        old = [
            item
            for item in items
            if self._description(item).interval > 0 and now - self._looked.get(item.id, 0.0) > older_than
        ]
        self.look_at(old)
        await asyncio.gather(*(self._under_way[item.id] for item in old if item.id in self._under_way))

    def look_again_at_what_passed(self) -> None:
        """Begin a look at every check that had passed in an earlier sitting."""
        runbook, state = self._situation()
        self.look_at(
            item
            for item in runbook.items
            if isinstance(item, CheckItem)
            and isinstance(known := state.items.get(item.id), CheckState)
            and not known.fresh
            and known.passed_once
        )

    def look_again_at_everything(self) -> None:
        """Begin a look at every check that was looked at before: a value it may depend on has changed."""
        runbook, state = self._situation()
        self.look_at(item for item in runbook.items if isinstance(item, CheckItem) and item.id in state.items)

    def verify_after(self, step: Step, command: str) -> None:
        """Begin a look at the checks of the step that stand after a command which has just passed."""
        _, state = self._situation()
        ids = [item.id for item in step.items]
        behind = set(ids[ids.index(command) + 1 :])
        self.look_at(item for item in due_in_step(state, step) if item.id in behind)

    def _begin(self, item: CheckItem) -> None:
        running = self._under_way.get(item.id)
        if running is not None and not running.done():
            return
        self._under_way[item.id] = asyncio.create_task(self._look(item))

    async def _look(self, item: CheckItem) -> None:
        description = self._description(item)
        async with self._threads:
            _, state = self._situation()
            values = state.values
            thread = asyncio.create_task(asyncio.to_thread(self._catalogue.look, item.check, values))
            done, _ = await asyncio.wait({thread}, timeout=description.time_out)
        if done:
            self._observed(item, thread.result())
        else:
            self._observed(item, _no_answer(description))
            # The thread cannot be ended; a second look beside it would only pile up.
            await thread
        if self._situation()[1].values != values:
            self._looked.pop(item.id, None)

    def _observed(self, item: CheckItem, observation: Observation) -> None:
        now = self._clock.boottime()
        self._looked[item.id] = now
        _, state = self._situation()
        known = state.items.get(item.id)
        same = isinstance(known, CheckState) and known.fresh and known.observation == observation
        if same and now - self._recorded.get(item.id, 0.0) < RECORD_EVERY:
            return
        self._recorded[item.id] = now
        self._record(CheckObserved(item=item.id, observation=observation))

    def _description(self, item: CheckItem) -> CheckDescription:
        description = self._catalogue.describe(item.check)
        if description is None:
            return CheckDescription(name=item.check, title=item.text, proves="nothing: no such check")
        return description


def _no_answer(description: CheckDescription) -> Observation:
    return Observation(
        verdict=Verdict.UNKNOWN,
        expected=description.title,
        observed=f"no answer within {description.time_out:.0f} s",
        hint="see what it waits for; it is looked at again by itself",
    )
