"""The engine of one run: holds its lock, writes its journal, answers its front ends.

It has no terminal and needs no front end. With none attached it finishes the running command,
records it, starts nothing more, and ends after a while; a new engine goes on from the journal.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, assert_never

from aihummer_drtui.engine.aside import aside
from aihummer_drtui.engine.clock import Clock, ProcessIdentity
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal, JournalUnhealthyError
from aihummer_drtui.engine.known_secrets import KnownSecrets
from aihummer_drtui.engine.log import note
from aihummer_drtui.engine.looker import due_in_step
from aihummer_drtui.engine.runbook_text import ReadRunbook, accept_text, text_in_force
from aihummer_drtui.engine.server import Connection, Server
from aihummer_drtui.engine.tabletop import told_event
from aihummer_drtui.engine.world import Journalling, World
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.privacy import fault_without_values
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.fold import fold, follow
from aihummer_drtui.run.legal import latest_attempt, level_of, refusal, told_level_of, unproven_items
from aihummer_drtui.run.requests import Accepted, Refused, Reply
from aihummer_drtui.run.state import Living, RunState
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem, Runbook

POLL_EVERY: Final = 1.0
LINGER: Final = 60.0
"""Seconds an engine with nothing to do waits for a front end."""
FRESH_FOR_COMMANDS: Final = 30.0
"""Seconds; before a command, older looks at its preconditions are renewed."""
STOOD_STILL: Final = 30.0
"""Seconds between two turns of the engine after which what was seen before counts as out of date."""
_LONGEST_NAME: Final = 200


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
        self._folder = folder
        self._journal = journal
        self._read = read
        self._world = world
        self._linger = linger
        self._clock = clock
        self.state: RunState = fold(journal.found)
        journal.found = ()  # Folded: a long run's records are not kept beside its state.
        self.runbook: Runbook = read(text_in_force(folder, self.state))
        if world.executes is is_tabletop(self.state):
            raise PreconditionError(
                f"a {self.state.declared.mode} run was given the world of another mode",
                hint="this is a fault of this program: report it",
            )
        self._secrets = KnownSecrets(world.secrets, lambda: self.state.values)
        self._looker, self._commands = world.hands(
            Journalling(
                folder=folder,
                clock=clock,
                secrets=self._secrets,
                record=self._record,
                record_quietly=self._record_quietly,
                situation=self._situation,
                ended=self._command_ended,
            )
        )
        self._server = Server(folder.socket, self._handle, self._left)
        self._unrecorded: DrtuiError | None = None
        """Why the latest event that no request waits for could not be recorded."""
        self._stop = asyncio.Event()
        self._why_stopped = "nothing to do and nobody attached"
        self._idle_since = self._tended = clock.boottime()
        self._had_company = False
        self._sittings = self.state.sittings_opened

    async def serve(self, ready: Callable[[], None]) -> None:
        """Run until there is nothing to do and nobody attached. `ready` is called once the socket listens."""
        me = ProcessIdentity.of(os.getpid())
        self._record(e.EngineStarted(pid=me.pid, start_ticks=me.start_ticks), "engine")
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
            self._record_quietly(e.EngineStopped(reason=self._why_stopped))
            await self._looker.close()

    def _tend(self) -> None:
        if self._stop.is_set():
            return
        living = isinstance(self.state.ending, Living)
        now = self._clock.boottime()
        stood_still, self._tended = now - self._tended, now
        if self._server.attached and living:
            if stood_still > STOOD_STILL:
                self._wake_up(stood_still)
            self._looker.poll()
        if self._server.connected or self._commands.running:
            self._idle_since = now
        elif (self._had_company and not living) or now - self._idle_since > self._linger:
            self._stop.set()

    def _wake_up(self, seconds: float) -> None:
        """The host was suspended, or this process was stopped: the world may be another one by now."""
        told = f"the host was suspended, or the engine stopped, for {duration_text(seconds)}"
        self._record_quietly(e.NoteWritten(text=f"{told}: everything that was seen is looked at again"))
        self._looker.look_again_at_everything()

    def _asked_to_end(self, number: int) -> None:
        self._why_stopped = f"asked to end by {signal.Signals(number).name}"
        self._stop.set()

    def _situation(self) -> tuple[Runbook, RunState]:
        return self.runbook, self.state

    def _record(self, event: e.Event, actor: str) -> None:
        try:
            record = self._journal.append(event, actor)
        except JournalUnhealthyError:
            # Nothing more can be recorded by this process; a new engine may find the disk mended.
            self._why_stopped = f"the journal could not be written: {self._journal.unhealthy}"
            self._stop.set()
            raise
        self.state = follow(self.state, record)
        self._server.grew(self.state.sequence)
        level = level_of(self.runbook, self.state)
        if level is not self.state.level and isinstance(self.state.ending, Living):
            # What led to it is recorded already, so no request fails by this; it is tried again.
            self._record_quietly(e.LevelReached(level=level))
        told = told_level_of(self.runbook, self.state)
        if told is not self.state.told_level and isinstance(self.state.ending, Living):
            self._record_quietly(e.LevelTold(level=told))

    def _record_quietly(self, event: e.Event) -> bool:
        """Record what no request waits for; a journal that cannot be written says so to every request."""
        try:
            self._record(event, "engine")
        except DrtuiError as error:
            self._unrecorded = error
            note(error)
            return False
        return True

    def _command_ended(self, item_id: str) -> None:
        step = self.runbook.step_of(item_id)
        if step is not None:
            self._looker.verify_after(step, item_id)

    def _left(self, connection: Connection) -> None:
        self._record_quietly(e.SittingClosed(sitting=connection.sitting, reason="the connection ended"))
        if not self._stop.is_set():
            self._tend()

    async def _handle(self, connection: Connection, request: r.Request) -> Reply:
        """Judge a request by the state, journal it, act on it. Every refusal has a reason."""
        try:
            # First: from the judgement by the state on, nothing may come between it and the act.
            refused = await aside(partial(self._secrets.refusal, request))
            refused = refused or refusal(self.runbook, self.state, request)
            if refused is None:
                refused = await self._act(connection, request)
        except DrtuiError as error:
            refused = Refused(reason=str(error.what), hint=error.hint)
        except OSError as error:
            # Too few descriptors or processes, say: what was recorded before it is seen to in any case.
            note(f"{type(request).__name__}: {error}")
            refused = Refused(
                reason=f"this host does not let the engine do that: {error.strerror or error}",
                hint="mend that (`df`, `ulimit -a`, `ps`), see where the item stands, and ask again",
            )
        return refused if refused is not None else Accepted(sequence=self.state.sequence)

    async def _act(self, connection: Connection, request: r.Request) -> Refused | None:  # noqa: PLR0912
        # One arm per request: kept whole so that `assert_never` can see all of it.
        actor = connection.operator
        match request:
            case r.Attach():
                return self._attach(connection, request)
            case r.ShowStep(step=step):
                self._record(e.StepShown(step=step), actor)
                self._looker.poll()
            case r.LookAgain(item=item):
                self._look_again(item)
            case r.GiveInput(item=item, value=value):
                self._give_input(item, value, actor)
            case r.Confirm(item=item, statement=statement):
                self._record(e.ItemConfirmed(item=item, statement=statement), actor)
            case r.StartCommand():
                return await self._start(request, actor)
            case r.StopCommand(item=item):
                self._commands.stop(self._command(item))
            case r.ProbeOutcome(item=item):
                await self._commands.probe(item)
            case r.SettleOutcome():
                self._settle(request, actor)
            case r.AnswerCheck() | r.TellOutcome() | r.AnswerProbe():
                self._record(told_event(request, self.state), actor)
            case r.Skip(item=item, reason=reason):
                self._record(e.ItemSkipped(item=item, reason=reason), actor)
            case r.Override(item=item, reason=reason):
                self._record(e.ItemOverridden(item=item, reason=reason), actor)
            case r.WriteNote(text=text):
                self._record(e.NoteWritten(text=text), actor)
            case r.AcceptRunbook(text=text, reason=reason):
                self._accept_runbook(text, reason, actor)
            case r.Finish():
                return await self._finish(request, actor)
            case r.Abandon(reason=reason):
                self._record(e.RunAbandoned(reason=reason), actor)
            case _ as never:
                assert_never(never)
        return None

    def _attach(self, connection: Connection, request: r.Attach) -> Refused | None:
        operator = cleaned_line(request.operator.strip(), _LONGEST_NAME)
        if not operator:
            return Refused(reason="nobody is named as the operator", hint="say who you are: --operator NAME")
        if connection.operator:
            return Refused(reason="this connection has its sitting already", hint="open another connection")
        sitting = f"{self._sittings + 1}"
        self._record(
            e.SittingOpened(
                sitting=sitting,
                operator=operator,
                host=cleaned_line(request.host, _LONGEST_NAME),
                front_end=cleaned_line(request.front_end, _LONGEST_NAME),
            ),
            operator,
        )
        self._sittings += 1
        self._had_company = True
        connection.sitting = sitting
        connection.operator = operator
        if isinstance(self.state.ending, Living):
            self._looker.look_again_at_what_passed()
            self._looker.poll()
        return None

    def _look_again(self, item_id: str) -> None:
        item = self.runbook.item(item_id)
        if isinstance(item, CheckItem):
            self._looker.look_at([item])

    def _give_input(self, item_id: str, value: str, actor: str) -> None:
        item = self.runbook.item(item_id)
        if isinstance(item, InputItem):
            self._record(e.InputGiven(item=item_id, variable=item.variable, value=value), actor)
            self._looker.look_again_at_everything()

    def _command(self, item_id: str) -> CommandItem:
        item = self.runbook.item(item_id)
        if not isinstance(item, CommandItem):
            raise AssertionError(f"{item_id} was judged to be a command")  # noqa: TRY004
        return item

    async def _start(self, request: r.StartCommand, actor: str) -> Refused | None:
        item = self._command(request.item)
        await self._renew_preconditions(item)
        refused = await self._pass_the_gate(item, request.confirmation) if item.destructive else None
        # The world was looked at and time has passed: judge once more.
        refused = refused or refusal(self.runbook, self.state, request)
        if refused is None and self.runbook.item(request.item) != item:
            refused = Refused(reason="the runbook was changed meanwhile", hint="read it, start it again")
        if refused is not None:
            return refused
        await self._commands.start(item, actor=actor, confirmation=request.confirmation)
        return None

    async def _renew_preconditions(self, item: CommandItem) -> None:
        """What was seen too long ago (the host was suspended, say) is no ground to start on."""
        step = self.runbook.step_of(item.id)
        if step is not None:
            before = step.items[: step.items.index(item)]
            # A precondition that has served its command is no other's, but for what is irreversible.
            due = before if item.destructive else due_in_step(self.state, step)
            checks = [one for one in before if isinstance(one, CheckItem) and one in due]
            await self._renew(checks, older_than=FRESH_FOR_COMMANDS)

    async def _pass_the_gate(self, item: CommandItem, confirmation: str) -> Refused | None:
        identity = await asyncio.to_thread(self._world.identity)
        if confirmation == identity.phrase:
            return None
        return Refused(
            reason=f"{item.id} is irreversible and the words of the gate do not match the target",
            hint=f"type host and database of the target by hand: `{identity.phrase}`",
        )

    async def _renew(self, checks: Iterable[CheckItem], *, older_than: float) -> None:
        """Look again at what is decided upon. Raises DrtuiError when what was seen could not be recorded."""
        self._unrecorded = None
        await self._looker.renew(checks, older_than=older_than)
        if self._unrecorded is not None:
            raise self._unrecorded

    def _settle(self, request: r.SettleOutcome, actor: str) -> None:
        latest = latest_attempt(self.state, request.item)
        if latest is None:
            raise AssertionError(f"{request.item} was judged to have an outcome in doubt")
        settled = e.OutcomeSettled(
            item=request.item, attempt=latest.number, done=request.done, reason=request.reason
        )
        self._record(settled, actor)
        if request.done:
            self._command_ended(request.item)

    def _accept_runbook(self, text: str, reason: str, actor: str) -> None:
        runbook = self._read(text)
        for item in (*self.state.running, *self.state.lost):
            if not isinstance(runbook.item(item), CommandItem):
                raise PreconditionError(
                    f"the changed runbook lacks {item}, which is running or in doubt",
                    hint="leave that command in until its outcome is known",
                )
        difference = accept_text(self._folder, self.state, text, runbook.sha256)
        accepted = e.RunbookAccepted(sha256=runbook.sha256, difference=difference, reason=reason)
        self._record(accepted, actor)
        self.runbook = runbook

    async def _finish(self, request: r.Finish, actor: str) -> Refused | None:
        """End the run at the level that is true now, not at one that was true an hour ago."""
        proofs = {item for proof in self.runbook.levels for item in proof.items}
        checks = (one for one in self.runbook.items if isinstance(one, CheckItem) and one.id in proofs)
        await self._renew(checks, older_than=0.0)
        refused = refusal(self.runbook, self.state, request)
        if refused is not None:
            return refused
        unproven = unproven_items(self.runbook, self.state)
        finished = e.RunFinished(
            level=level_of(self.runbook, self.state),
            with_exceptions=bool(self.state.deviations),
            unproven=unproven,
        )
        self._record(finished, actor)
        return None


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
