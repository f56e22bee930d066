"""Starts commands, watches them, takes up those of a dead engine, and probes lost outcomes.

The order is the promise: the intent is durable before anything starts; what the supervisor stored
is the only source of an outcome; what nobody stored is unknown and is looked at, never run again.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, assert_never

from aihummer_drtui.engine import attempt_seen
from aihummer_drtui.engine.aside import OneByOne, aside, seen_through
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.clock import ProcessIdentity
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.known_secrets import KnownSecrets
from aihummer_drtui.engine.log import note
from aihummer_drtui.engine.probe import ask_probe
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.run import events as e
from aihummer_drtui.run.outdating import outdated_by, rests_on
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import Lost, RunState, Settled, Underway
from aihummer_drtui.runbook.model import CommandItem, Runbook
from aihummer_drtui.runbook.names import CONFIRM

PROBE_TIME_OUT: Final = 60.0
STARTING_LOOK: Final = 0.1
"""Seconds between looks at the supervisor of a dead engine that has not begun its command yet."""
TRY_AGAIN: Final = 1.0
"""Seconds until what could not be looked at, or not be recorded on a full disk, is tried again."""


class Commands:
    """The commands of one run. `record` journals an event and raises when that cannot be done."""

    def __init__(
        self,
        *,
        folder: RunFolder,
        environment: Mapping[str, str],
        secrets: KnownSecrets,
        record: Callable[[e.Event, str], object],
        situation: Callable[[], tuple[Runbook, RunState]],
        ended: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._secrets = secrets
        self._record = record
        self._situation = situation
        self._ended = ended
        self._starting = OneByOne()
        """In a thread of their own: no launch waits behind a look that hangs, or overtakes another."""
        self._watching: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> bool:
        """Whether a command is being watched."""
        return any(not task.done() for task in self._watching.values())

    async def start(self, item: CommandItem, *, actor: str, confirmation: str) -> None:
        """Journal the intent, start the command, journal its start, and watch it from then on.

        Raises DrtuiError when the intent could not be made durable or the command could not be
        started, OSError where the host has no thread for it; no instruction of it was run then.
        """
        runbook, state = self._situation()
        before = latest_attempt(state, item.id)
        number = 1 if before is None else before.number + 1
        values = state.values
        intent = e.CommandIntended(
            item=item.id,
            attempt=number,
            script=item.script,
            values=values,
            outdates=outdated_by(runbook, item.id),
            rests_on=rests_on(runbook, item.id),
        )
        self._record(intent, actor)
        one = self._attempt(item.id, number)
        environment = self._given(values)
        if item.destructive:
            environment[CONFIRM] = confirmation
        try:
            # Of an engine that ends meanwhile too: nothing may start once its lock is another's.
            await seen_through(self._starting.aside(partial(self._launch, one, item, environment)))
        except BaseException:
            # The attempt's folder tells what came of it; that is journalled, if it can be before it is told.
            await asyncio.wait({self._watch(item.id, number, one)}, timeout=TRY_AGAIN)
            raise
        self._watch(item.id, number, one)

    def _launch(self, one: Attempt, item: CommandItem, environment: dict[str, str]) -> None:
        one.start(item.script, environment, item.time_out, secrets=self._secrets.masker().needles)

    def stop(self, item: CommandItem) -> None:
        """Ask the supervisor of a running command to end it.

        Raises PreconditionError when there is nothing to ask: it is just starting, or has just ended.
        """
        _, state = self._situation()
        latest = latest_attempt(state, item.id)
        try:
            asked = latest is not None and self._attempt(item.id, latest.number).stop()
        except OSError:
            asked = False
        if not asked:
            raise PreconditionError(
                f"{item.id} could not be asked to end", hint="it is just starting or ending: look again"
            )

    def take_up(self) -> None:
        """Watch, or account for, every command that an earlier engine left without an outcome."""
        _, state = self._situation()
        for item_id in (*state.running, *state.lost):
            latest = latest_attempt(state, item_id)
            probed = latest is None or (isinstance(latest.end, Lost) and latest.end.probed is not None)
            if latest is not None and not probed:
                self._watch(item_id, latest.number, self._attempt(item_id, latest.number))

    async def probe(self, item_id: str) -> None:
        """Run the read-only probe of a lost outcome and journal what it saw."""
        runbook, state = self._situation()
        latest = latest_attempt(state, item_id)
        item = runbook.item(item_id)
        if latest is None or not isinstance(item, CommandItem):
            return
        environment = self._given(latest.values)
        masker = await aside(self._secrets.masker)
        asked = aside(partial(ask_probe, item.probe, environment, PROBE_TIME_OUT, masker))
        result, observed = await asked
        probed = e.OutcomeProbed(item=item_id, attempt=latest.number, result=result, observed=observed)
        self._record(probed, e.ENGINE)

    def _given(self, values: Mapping[str, str]) -> dict[str, str]:
        """The environment of a command or a probe: no input's value stands in for what the engine gives."""
        return {**values, **self._environment}

    def _attempt(self, item_id: str, number: int) -> Attempt:
        return Attempt(self._folder.attempt(item_id, number))

    def _watch(self, item_id: str, number: int, one: Attempt) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._account_for(item_id, number, one))
        self._watching[item_id] = task
        return task

    async def _account_for(self, item_id: str, number: int, one: Attempt) -> None:
        """Follow an attempt to its end and journal it, whichever engine started it."""
        while True:
            try:
                if await self._accounted(item_id, number, one):
                    return
            except (DrtuiError, OSError) as error:
                note(f"{item_id}, attempt {number}: {error}")
                await asyncio.sleep(TRY_AGAIN)

    async def _accounted(self, item_id: str, number: int, one: Attempt) -> bool:
        """Look once, wait or journal; True when there is nothing more to come."""
        seen = one.look()
        match seen:
            case attempt_seen.Starting():
                await asyncio.sleep(STARTING_LOOK)
                return False
            case attempt_seen.Running(child=child) | attempt_seen.Orphaned(child=child):
                self._started(item_id, number, child)
                await _end_of(one)
                return False
            case attempt_seen.Ended(kind=kind, code=code, took=took):
                ended = e.CommandEnded(item=item_id, attempt=number, kind=kind, code=code, took=took)
                self._record(ended, e.ENGINE)
                self._ended(item_id)
                return True
            case attempt_seen.NotStarted():
                never_started = e.CommandEnded(
                    item=item_id, attempt=number, kind=e.EndKind.NOT_STARTED, code=0, took=0.0
                )
                self._record(never_started, e.ENGINE)
                self._ended(item_id)
                return True
            case attempt_seen.Lost(why=why):
                await self._lost(item_id, number, why)
                return True
            case _ as never_case:
                assert_never(never_case)

    async def _lost(self, item_id: str, number: int, why: str) -> None:
        """Journal, once, that nobody saw the end, and ask the probe as long as nobody has settled it."""
        latest = latest_attempt(self._situation()[1], item_id)
        if latest is None or latest.number != number or isinstance(latest.end, Settled):
            return
        if not isinstance(latest.end, Lost):
            self._record(e.OutcomeLost(item=item_id, attempt=number, why=why), e.ENGINE)
        await self.probe(item_id)

    def _started(self, item_id: str, number: int, child: ProcessIdentity) -> None:
        latest = latest_attempt(self._situation()[1], item_id)
        if latest is not None and isinstance(latest.end, Underway) and latest.end.pid == child.pid:
            return
        started = e.CommandStarted(
            item=item_id,
            attempt=number,
            pid=child.pid,
            start_ticks=child.start_ticks,
            boot_id=child.boot_id,
        )
        self._record(started, e.ENGINE)


async def _end_of(one: Attempt) -> None:
    """Wait until the process that an attempt hangs on has ended (pidfd_open(2))."""
    descriptor = one.wait_descriptor()
    if descriptor is None:
        await asyncio.sleep(STARTING_LOOK)
        return
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
