"""The engine of one run: holds its lock, writes its journal, answers its front ends.

It has no terminal and needs no front end. With none attached it finishes the running command,
records it, starts nothing more, and ends after a while; a new engine goes on from the journal.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Final

from aihummer_drtui.engine.acts import Acts
from aihummer_drtui.engine.aside import aside
from aihummer_drtui.engine.clock import Clock, ProcessIdentity
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.known_secrets import KnownSecrets
from aihummer_drtui.engine.log import note
from aihummer_drtui.engine.runbook_text import ReadRunbook
from aihummer_drtui.engine.server import Connection, Server
from aihummer_drtui.engine.standing import Heard, Standing
from aihummer_drtui.engine.world import Journalling, World
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.privacy import fault_without_values
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.requests import Accepted, Refused, Reply
from aihummer_drtui.run.state import Living
from aihummer_drtui.run.tabletop import is_tabletop

POLL_EVERY: Final = 1.0
LINGER: Final = 60.0
"""Seconds an engine with nothing to do waits for a front end."""
STOOD_STILL: Final = 30.0
"""Seconds between two turns of the engine after which what was seen before counts as out of date."""


class Engine:
    """One run being made to happen."""

    def __init__(
        self,
        *,
        folder: RunFolder,
        journal: Journal,
        read: ReadRunbook,
        world: World,
        clock: Clock,
        linger: float = LINGER,
    ) -> None:
        """Take up the run from its journal. Raises PreconditionError for a world of another mode."""
        self._linger = linger
        self._clock = clock
        self._server = Server(folder.socket, self._handle, self._left)
        heard = Heard(grew=self._server.grew, unhealthy=self._cannot_record)
        self._standing = Standing(folder=folder, journal=journal, read=read, heard=heard)
        declared = self._standing.state.declared
        if world.executes is is_tabletop(self._standing.state):
            raise PreconditionError(
                f"a {declared.mode} run was given the world of another mode",
                hint="this is a fault of this program: report it",
            )
        self._secrets = KnownSecrets(world.secrets, lambda: self._standing.state.values)
        self._looker, self._commands = world.hands(
            Journalling(
                folder=folder,
                clock=clock,
                secrets=self._secrets,
                record=self._standing.record,
                record_quietly=self._standing.record_quietly,
                situation=self._standing.situation,
                ended=self._command_ended,
            )
        )
        self._acts = Acts(standing=self._standing, world=world, looker=self._looker, commands=self._commands)
        self._stop = asyncio.Event()
        self._why_stopped = e.NOTHING_TO_DO
        self._idle_since = self._tended = clock.boottime()

    async def serve(self, ready: Callable[[], None]) -> None:
        """Run until there is nothing to do and nobody attached. `ready` is called once the socket listens."""
        me = ProcessIdentity.of(os.getpid())
        self._standing.record(e.EngineStarted(pid=me.pid, start_ticks=me.start_ticks), e.ENGINE)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_tell_fault)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_end, number)
        await self._server.open()
        self._commands.take_up()
        ready()
        try:
            while not self._stop.is_set():
                self._tend()
                await _set_within(self._stop, POLL_EVERY)
        finally:
            await self._server.close()
            self._standing.record_quietly(e.EngineStopped(reason=self._why_stopped))
            await self._looker.close()

    def _tend(self) -> None:
        if self._stop.is_set():
            return
        living = isinstance(self._standing.state.ending, Living)
        now = self._clock.boottime()
        stood_still, self._tended = now - self._tended, now
        if self._server.attached and living:
            if stood_still > STOOD_STILL:
                self._wake_up(stood_still)
            self._looker.poll()
        if self._server.connected or self._commands.running:
            self._idle_since = now
        elif (self._acts.had_company and not living) or now - self._idle_since > self._linger:
            self._stop.set()

    def _wake_up(self, seconds: float) -> None:
        """The host was suspended, or this process was stopped: the world may be another one by now."""
        told = f"the host was suspended, or the engine stopped, for {duration_text(seconds)}"
        self._standing.record_quietly(
            e.NoteWritten(text=f"{told}: everything that was seen is looked at again")
        )
        self._looker.look_again_at_everything()

    def _asked_to_end(self, number: int) -> None:
        self._why_stopped = f"asked to end by {signal.Signals(number).name}"
        self._stop.set()

    def _cannot_record(self, why: str) -> None:
        self._why_stopped = why
        self._stop.set()

    def _command_ended(self, item: str) -> None:
        self._acts.command_ended(item)

    def _left(self, connection: Connection) -> None:
        self._standing.record_quietly(
            e.SittingClosed(sitting=connection.sitting, reason="the connection ended")
        )
        if not self._stop.is_set():
            self._tend()

    async def _handle(self, connection: Connection, request: r.Request) -> Reply:
        """Judge a request by the state, journal it, act on it. Every refusal has a reason."""
        try:
            # First: from the judgement by the state on, nothing may come between it and the act.
            refused = await aside(partial(self._secrets.refusal, request))
            refused = refused or refusal(self._standing.runbook, self._standing.state, request)
            if refused is None:
                refused = await self._acts.act(connection, request)
        except DrtuiError as error:
            # The hint may point there.
            refused = Refused(reason=error.where_and_what, hint=error.hint)
        except OSError as error:
            # Too few descriptors or processes, say: what was recorded before it is seen to in any case.
            note(f"{type(request).__name__}: {error}")
            refused = Refused(
                reason=f"this host does not let the engine do that: {error.strerror or error}",
                hint="mend that (`df`, `ulimit -a`, `ps`), see where the item stands, and ask again",
            )
        return refused if refused is not None else Accepted(sequence=self._standing.state.sequence)


def _tell_fault(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """What asyncio tells of an error that nobody awaited, into the engine's log, but without its values."""
    error = context.get("exception")
    told = fault_without_values(error) if isinstance(error, BaseException) else str(context.get("message"))
    note(f"a fault in this program:\n{told}")


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
