"""Starts commands, watches them, takes up those of a dead engine, and probes lost outcomes.

The order is the promise: the intent is durable before anything starts; what the supervisor stored
is the only source of an outcome; what nobody stored is unknown and is looked at, never run again.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Final, assert_never

from aihummer_drtui.engine import attempt as attempts
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.clock import ProcessIdentity
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.run import events as e
from aihummer_drtui.run.legal import latest_attempt
from aihummer_drtui.run.state import CommandState, RunState
from aihummer_drtui.run.verdict import PROBE_EXIT_CODES, ProbeResult
from aihummer_drtui.runbook.model import CommandItem, Runbook

PROBE_TIME_OUT: Final = 60.0
STARTING_LOOK: Final = 0.1
"""Seconds between looks at the supervisor of a dead engine that has not begun its command yet."""
_PROBE_OUTPUT: Final = 4_096


class Commands:
    """The commands of one run. `record` journals an event and raises when that cannot be done."""

    def __init__(
        self,
        *,
        folder: RunFolder,
        environment: Mapping[str, str],
        record: Callable[[e.Event, str], object],
        situation: Callable[[], tuple[Runbook, RunState]],
        ended: Callable[[CommandItem], None],
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._record = record
        self._situation = situation
        self._ended = ended
        self._watching: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> bool:
        """Whether a command is being watched."""
        return any(not task.done() for task in self._watching.values())

    async def start(self, item: CommandItem, *, actor: str, confirmation: str) -> None:
        """Journal the intent, start the command, journal its start, and watch it from then on.

        Raises DrtuiError when the intent could not be made durable or the command could not be
        started; no instruction of it was run then.
        """
        _, state = self._situation()
        before = latest_attempt(state, item.id)
        number = 1 if before is None else before.number + 1
        values = state.values
        intent = e.CommandIntended(item=item.id, attempt=number, script=item.script, values=values)
        self._record(intent, actor)
        one = self._attempt(item.id, number)
        environment = {**self._environment, **values, "DRTUI_CONFIRM": confirmation}
        try:
            await asyncio.to_thread(one.start, item.script, environment, item.time_out)
        except DrtuiError:
            self._record(_never_started(item, number), "engine")
            raise
        self._watch(item, number, one)

    def stop(self, item: CommandItem) -> None:
        """Ask the supervisor of a running command to end it."""
        _, state = self._situation()
        latest = latest_attempt(state, item.id)
        if latest is not None:
            self._attempt(item.id, latest.number).stop()

    def take_up(self) -> None:
        """Watch, or account for, every command that an earlier engine left without an outcome."""
        runbook, state = self._situation()
        for item_id in state.running:
            item = runbook.item(item_id)
            latest = latest_attempt(state, item_id)
            if latest is None:
                continue
            if isinstance(item, CommandItem):
                self._watch(item, latest.number, self._attempt(item_id, latest.number))
            else:
                why = "the runbook in force does not have this command any more"
                self._record(e.OutcomeLost(item=item_id, attempt=latest.number, why=why), "engine")

    async def probe(self, item: CommandItem) -> None:
        """Run the read-only probe of a lost outcome and journal what it saw."""
        _, state = self._situation()
        latest = latest_attempt(state, item.id)
        if latest is None:
            return
        result, observed = await self._run_probe(item, state.values)
        probed = e.OutcomeProbed(item=item.id, attempt=latest.number, result=result, observed=observed)
        self._record(probed, "engine")

    def _attempt(self, item_id: str, number: int) -> Attempt:
        return Attempt(self._folder.attempt(item_id, number))

    def _watch(self, item: CommandItem, number: int, one: Attempt) -> None:
        self._watching[item.id] = asyncio.create_task(self._account_for(item, number, one))

    async def _account_for(self, item: CommandItem, number: int, one: Attempt) -> None:
        """Follow an attempt to its end and journal it, whichever engine started it."""
        while True:
            seen = one.look()
            match seen:
                case attempts.Starting():
                    await asyncio.sleep(STARTING_LOOK)
                case attempts.Running(child=child) | attempts.Orphaned(child=child):
                    self._started(item, number, child)
                    await _end_of(one)
                case attempts.Ended(kind=kind, code=code, took=took):
                    ended = e.CommandEnded(item=item.id, attempt=number, kind=kind, code=code, took=took)
                    self._record(ended, "engine")
                    self._ended(item)
                    return
                case attempts.NotStarted():
                    self._record(_never_started(item, number), "engine")
                    self._ended(item)
                    return
                case attempts.Lost(why=why):
                    self._record(e.OutcomeLost(item=item.id, attempt=number, why=why), "engine")
                    await self.probe(item)
                    return
                case _ as never_case:
                    assert_never(never_case)

    def _started(self, item: CommandItem, number: int, child: ProcessIdentity) -> None:
        _, state = self._situation()
        known = state.items.get(item.id)
        already = isinstance(known, CommandState) and any(
            one.number == number and getattr(one.end, "pid", 0) == child.pid for one in known.attempts
        )
        if not already:
            started = e.CommandStarted(
                item=item.id,
                attempt=number,
                pid=child.pid,
                start_ticks=child.start_ticks,
                boot_id=child.boot_id,
            )
            self._record(started, "engine")

    async def _run_probe(self, item: CommandItem, values: Mapping[str, str]) -> tuple[ProbeResult, str]:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-eu",
            "-c",
            item.probe,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**self._environment, **values},
            start_new_session=True,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), PROBE_TIME_OUT)
        except TimeoutError:
            process.kill()
            await process.wait()
            return ProbeResult.UNKNOWN, f"the probe gave no answer within {PROBE_TIME_OUT:.0f} s"
        code = process.returncode
        result = ProbeResult.UNKNOWN if code is None else PROBE_EXIT_CODES.get(code, ProbeResult.UNKNOWN)
        said = cleaned_line(cleaned_bytes(output[:_PROBE_OUTPUT]).strip(), 600)
        return result, said or f"the probe said nothing and ended with {code}"


def _never_started(item: CommandItem, number: int) -> e.CommandEnded:
    return e.CommandEnded(item=item.id, attempt=number, kind=e.EndKind.NOT_STARTED, code=0, took=0.0)


async def _end_of(one: Attempt) -> None:
    """Wait until the process that an attempt hangs on has ended; at once when it has (pidfd_open(2))."""
    descriptor = one.wait_descriptor()
    if descriptor is None:
        return
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
