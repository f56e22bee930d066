"""Looks at checks while their step is shown, and journals what is new about them.

A look runs in a thread, because checks block on files, sockets and children. The journal gets an
observation when it differs from the one before, when it is the first of a sitting, when somebody
asked for it, and otherwise once a minute, so that hours of polling leave a readable journal. An
answer to a question that is out of date (another value was given, a command changed what was looked
at) gets nowhere.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeAlias

from aihummer_drtui.engine.aside import NoThreadError, aside
from aihummer_drtui.engine.catalogue import Catalogue
from aihummer_drtui.engine.clock import Clock
from aihummer_drtui.run.events import CheckObserved
from aihummer_drtui.run.settled import has_served, settled
from aihummer_drtui.run.stale import not_looked_again, standing_as_seen
from aihummer_drtui.run.state import CheckState, CommandState, ObservedState, RunState, Status
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem, Runbook, Step

RECORD_EVERY: Final = 60.0
_CHEAP_TOGETHER: Final = 4
_COSTLY_TOGETHER: Final = 2
"""Costly looks read whole dumps and blob folders, and are fastest a few at a time."""
_GRACE: Final = 2.0
"""Seconds that looks under way are given when the engine ends."""
_Ground: TypeAlias = tuple[Mapping[str, str], tuple[tuple[str, int, type], ...]]


def due_in_step(state: RunState, step: Step) -> tuple[CheckItem, ...]:
    """The checks of a step worth looking at: those before its first unsettled command or input.

    What stands after a command verifies it, and what stands after an input is about its value: both
    say nothing before. What stands before a command that runs or has passed was its precondition, and has
    served: the room that a restore uses up is no alarm.
    """
    due: list[CheckItem] = []
    for item in step.items:
        if isinstance(item, CheckItem):
            if state.status(item.id) is not Status.SKIPPED:
                due.append(item)
        elif isinstance(item, CommandItem | InputItem) and not settled(state, item):
            return () if state.status(item.id) is Status.RUNNING else tuple(due)
        elif isinstance(item, CommandItem):
            due = [one for one in due if not settled(state, one)]
    return tuple(due)


class Looker:
    """Keeps the observations of a run up to date.

    `record` journals an event and says whether it could; it raises nothing.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        clock: Clock,
        record: Callable[[CheckObserved], bool],
        situation: Callable[[], tuple[Runbook, RunState]],
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._record = record
        self._situation = situation
        self._looked: dict[str, float] = {}
        self._recorded: dict[str, float] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._wanted_again: set[str] = set()
        self._answers: dict[str, asyncio.Future[Observation]] = {}
        """The latest look of each check; one that hangs stays here until its thread ends."""
        self._slots: Final = {
            True: asyncio.Semaphore(_CHEAP_TOGETHER),
            False: asyncio.Semaphore(_COSTLY_TOGETHER),
        }
        """By whether a look is cheap: no cheap one waits for hours behind costly ones."""

    def poll(self) -> None:
        """Begin every look that is due in the step shown. Returns at once."""
        runbook, state = self._situation()
        step = runbook.step(state.step)
        if step is None:
            return
        now = self._clock.boottime()
        for item in due_in_step(state, step):
            last = self._looked.get(item.id)
            interval = self._description(item).interval
            is_due = last is None or not _is_fresh(state, item) or (interval > 0 and now - last >= interval)
            # One under way is no reason for another: its answer may be to the question as it is.
            if is_due and item.id not in self._under_way:
                self._begin(item)

    def look_at(self, items: Iterable[CheckItem]) -> None:
        """Begin a look at each of these now; its answer is journalled whatever it is. Returns at once."""
        for item in items:
            self._recorded.pop(item.id, None)
            self._begin(item)

    async def renew(self, items: Iterable[CheckItem], *, older_than: float) -> None:
        """Look again at those cheap checks whose last look is older, and wait for the answers."""
        now = self._clock.boottime()
        old = [
            item
            for item in items
            if self._description(item).interval > 0
            and now - self._looked.get(item.id, -math.inf) > older_than
        ]
        self.look_at(old)
        await asyncio.gather(*(self._under_way[item.id] for item in old if item.id in self._under_way))

    def look_again_at_what_stood(self) -> None:
        """Begin a look at every check that stood in nobody's way in an earlier sitting.

        A costly one that this engine has seen itself is not seen again: nobody was away from it.
        """
        runbook, state = self._situation()
        old = not_looked_again(runbook, state)
        standing = [check for check in standing_as_seen(runbook, state) if check.id not in self._looked]
        self.look_at([*old, *standing])

    def look_again_at_everything(self) -> None:
        """Begin a look at every check that was looked at before and is still of use.

        A value it may depend on has changed, or the host was stopped for a while.
        """
        runbook, state = self._situation()
        self.look_at(
            item
            for item in runbook.items
            if isinstance(item, CheckItem) and item.id in state.items and not has_served(state, item.id)
        )

    def verify_after(self, step: Step, command: str) -> None:
        """Begin a look at the checks of the step that stand after a command which has just ended."""
        _, state = self._situation()
        ids = [item.id for item in step.items]
        behind = set(ids[ids.index(command) + 1 :]) if command in ids else set()
        self.look_at(item for item in due_in_step(state, step) if item.id in behind)

    async def close(self) -> None:
        """Begin nothing more; leave the looks under way a moment to clean up behind themselves."""
        for task in self._under_way.values():
            task.cancel()
        open_looks = [answer for answer in self._answers.values() if not answer.done()]
        if open_looks:
            await asyncio.wait(open_looks, timeout=_GRACE)

    def _begin(self, item: CheckItem) -> None:
        if item.id in self._under_way:
            self._wanted_again.add(item.id)
            return
        hanging = self._answers.get(item.id)
        if hanging is not None and not hanging.done():
            # The thread cannot be ended; a second look beside it would only pile up.
            if not _is_fresh(self._situation()[1], item):
                self._observed(item, _no_answer(self._description(item)))
            return
        task = asyncio.create_task(self._look(item))
        self._under_way[item.id] = task
        task.add_done_callback(lambda _: self._under_way.pop(item.id))

    async def _look(self, item: CheckItem) -> None:
        """Look until the answer is one to the question as it is now, or nobody wants it any more."""
        description = self._description(item)
        while True:
            async with self._slots[description.interval > 0]:
                self._wanted_again.discard(item.id)
                _, state = self._situation()
                ground, values = _ground(state, item), state.values
                answer = aside(partial(self._catalogue.look, item.check, values))
                self._answers[item.id] = answer
                await asyncio.wait({answer}, timeout=description.time_out)
            is_of_now = _ground(self._situation()[1], item) == ground
            if is_of_now:
                self._observed(item, _seen(answer, description))
            if not answer.done() or item.id not in self._wanted_again:
                if not is_of_now:
                    self._looked.pop(item.id, None)
                return

    def _observed(self, item: CheckItem, observation: Observation) -> None:
        now = self._clock.boottime()
        _, state = self._situation()
        known = state.items.get(item.id)
        same = isinstance(known, ObservedState) and known.fresh and known.observation == observation
        if same and now - self._recorded.get(item.id, -math.inf) < RECORD_EVERY:
            self._looked[item.id] = now
        elif self._record(self._seen_event(item, observation)):
            self._looked[item.id] = self._recorded[item.id] = now
        else:
            # Nobody knows of it, so it is to be looked at again as soon as that matters.
            self._looked.pop(item.id, None)

    def _seen_event(self, item: CheckItem, observation: Observation) -> CheckObserved:
        costly = self._description(item).interval <= 0
        return CheckObserved(item=item.id, observation=observation, costly=costly)

    def _description(self, item: CheckItem) -> CheckDescription:
        description = self._catalogue.describe(item.check)
        if description is None:
            return CheckDescription(name=item.check, title=item.text, proves="nothing: no such check")
        return description


def _is_fresh(state: RunState, item: CheckItem) -> bool:
    known = state.items.get(item.id)
    return isinstance(known, CheckState) and known.fresh


def _ground(state: RunState, item: CheckItem) -> _Ground:
    """What an answer rests on: the values given, and how far the commands before the check have come."""
    commands = (
        (command, attempt.number, type(attempt.end))
        for command, known in state.items.items()
        if isinstance(known, CommandState)
        for attempt in known.attempts
        if item.id in attempt.outdates
    )
    return state.values, tuple(commands)


def _seen(answer: "asyncio.Future[Observation]", description: CheckDescription) -> Observation:
    if not answer.done():
        return _no_answer(description)
    error = answer.exception()
    if error is None:
        return answer.result()
    if isinstance(error, NoThreadError):
        return Observation(
            verdict=Verdict.UNKNOWN,
            expected=description.title,
            observed="this host gives the engine no thread to look with",
            hint="raise the limit of processes (ulimit -u, TasksMax) or end some, then look again",
        )
    return Observation(
        verdict=Verdict.UNKNOWN,
        expected=description.title,
        # The class only: the message of an unforeseen error may carry a secret.
        observed=f"the look itself broke: {type(error).__name__}",
        hint="this is a fault of this program: note it, and look by hand",
    )


def _no_answer(description: CheckDescription) -> Observation:
    return Observation(
        verdict=Verdict.UNKNOWN,
        expected=description.title,
        observed=f"no answer within {description.time_out:.0f} s",
        hint="see what it waits for, then look again",
    )
