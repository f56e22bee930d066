"""What a request does once it was judged to be legal: journal it, look, start, end. One act for each kind."""

from collections.abc import Iterable
from typing import Final, assert_never

from aihummer_drtui.engine.aside import aside
from aihummer_drtui.engine.looker import due_in_step
from aihummer_drtui.engine.server import Connection
from aihummer_drtui.engine.standing import Standing
from aihummer_drtui.engine.tabletop import told_event
from aihummer_drtui.engine.world import Looks, Starts, World
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.outdating import stated_after
from aihummer_drtui.run.requests import LONGEST_NAME, Refused
from aihummer_drtui.run.settled import latest_attempt, level_of, unproven_items
from aihummer_drtui.run.state import Living
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem

FRESH_FOR_COMMANDS: Final = 30.0
"""Seconds; before a command, older looks at its preconditions are renewed."""


class Acts:
    """The acts of one engine."""

    def __init__(self, *, standing: Standing, world: World, looker: Looks, commands: Starts) -> None:
        self._standing = standing
        self._world = world
        self._looker = looker
        self._commands = commands
        self._before = self._sittings = standing.state.sittings_opened

    @property
    def had_company(self) -> bool:
        """Whether anybody has attached to this engine."""
        return self._sittings > self._before

    def command_ended(self, item_id: str) -> None:
        """Look at what stands behind a command that has ended, or counts as ended."""
        step = self._standing.runbook.step_of(item_id)
        if step is not None:
            self._looker.verify_after(step, item_id)

    async def act(self, connection: Connection, request: r.Request) -> Refused | None:  # noqa: PLR0912
        """Do it. Refused when what was looked at meanwhile speaks against it. Raises DrtuiError, OSError."""
        # One arm per request: kept whole so that `assert_never` can see all of it.
        actor = connection.operator
        match request:
            case r.Attach():
                return self._attach(connection, request)
            case r.ShowStep(step=step):
                self._standing.record(e.StepShown(step=step), actor)
                self._looker.poll()
            case r.LookAgain(item=item):
                self._look_again(item)
            case r.GiveInput(item=item, value=value):
                self._give_input(item, value, actor)
            case r.Confirm(item=item, statement=statement):
                self._standing.record(e.ItemConfirmed(item=item, statement=statement), actor)
            case r.StartCommand():
                return await self._start(request, actor)
            case r.StopCommand(item=item):
                self._commands.stop(self._command(item))
            case r.ProbeOutcome(item=item):
                await self._commands.probe(item)
            case r.SettleOutcome():
                self._settle(request, actor)
            case r.AnswerCheck() | r.TellOutcome() | r.AnswerProbe():
                self._standing.record(told_event(request, self._standing.state), actor)
            case r.Skip(item=item, reason=reason):
                self._standing.record(e.ItemSkipped(item=item, reason=reason), actor)
            case r.Override(item=item, reason=reason):
                self._standing.record(e.ItemOverridden(item=item, reason=reason), actor)
            case r.WriteNote(text=text):
                self._standing.record(e.NoteWritten(text=text), actor)
            case r.AcceptRunbook(text=text, reason=reason):
                self._standing.accept_runbook(text, reason, actor)
            case r.Finish():
                return await self._finish(request, actor)
            case r.Abandon(reason=reason):
                self._standing.record(e.RunAbandoned(reason=reason), actor)
            case _ as never:
                assert_never(never)
        return None

    def _attach(self, connection: Connection, request: r.Attach) -> Refused | None:
        operator = cleaned_line(request.operator.strip(), LONGEST_NAME)
        if not operator:
            return Refused(reason="nobody is named as the operator", hint="say who you are: --operator NAME")
        if operator == e.ENGINE:
            why = f"`{e.ENGINE}` stands for the engine's own records"
            return Refused(reason=why, hint="say who you are: --operator NAME")
        if connection.operator:
            return Refused(reason="this connection has its sitting already", hint="open another connection")
        sitting = f"{self._sittings + 1}"
        self._standing.record(
            e.SittingOpened(
                sitting=sitting,
                operator=operator,
                host=cleaned_line(request.host, LONGEST_NAME),
                front_end=cleaned_line(request.front_end, LONGEST_NAME),
            ),
            operator,
        )
        self._sittings += 1
        connection.sitting = sitting
        connection.operator = operator
        if isinstance(self._standing.state.ending, Living):
            self._looker.look_again_at_what_stood()
            self._looker.poll()
        return None

    def _look_again(self, item_id: str) -> None:
        item = self._standing.runbook.item(item_id)
        if isinstance(item, CheckItem):
            self._looker.look_at([item])

    def _give_input(self, item_id: str, value: str, actor: str) -> None:
        item = self._standing.runbook.item(item_id)
        if isinstance(item, InputItem):
            given = e.InputGiven(
                item=item_id,
                variable=item.variable,
                value=value,
                outdates=stated_after(self._standing.runbook, item_id),
            )
            self._standing.record(given, actor)
            self._looker.look_again_at_everything()

    def _command(self, item_id: str) -> CommandItem:
        item = self._standing.runbook.item(item_id)
        if not isinstance(item, CommandItem):
            raise AssertionError(f"{item_id} was judged to be a command")  # noqa: TRY004
        return item

    async def _start(self, request: r.StartCommand, actor: str) -> Refused | None:
        item = self._command(request.item)
        await self._renew_preconditions(item)
        refused = await self._pass_the_gate(item, request.confirmation) if item.destructive else None
        # The world was looked at and time has passed: judge once more.
        refused = refused or refusal(self._standing.runbook, self._standing.state, request)
        if refused is None and self._standing.runbook.item(request.item) != item:
            refused = Refused(reason="the runbook was changed meanwhile", hint="read it, start it again")
        if refused is not None:
            return refused
        await self._commands.start(item, actor=actor, confirmation=request.confirmation)
        return None

    async def _renew_preconditions(self, item: CommandItem) -> None:
        """What was seen too long ago (the host was suspended, say) is no ground to start on."""
        step = self._standing.runbook.step_of(item.id)
        if step is not None:
            before = step.items[: step.items.index(item)]
            # A precondition that has served its command is no other's, but for what is irreversible.
            due = before if item.destructive else due_in_step(self._standing.state, step)
            checks = [one for one in before if isinstance(one, CheckItem) and one in due]
            await self._renew(checks, older_than=FRESH_FOR_COMMANDS)

    async def _pass_the_gate(self, item: CommandItem, confirmation: str) -> Refused | None:
        identity = await aside(self._world.identity)
        if confirmation == identity.phrase:
            return None
        return Refused(
            reason=f"{item.id} is irreversible and the words of the gate do not match the target",
            hint=f"type host and database of the target by hand: `{identity.phrase}`",
        )

    async def _renew(self, checks: Iterable[CheckItem], *, older_than: float) -> None:
        """Look again at what is decided upon. Raises DrtuiError when what was seen could not be recorded."""
        self._standing.unrecorded = None
        await self._looker.renew(checks, older_than=older_than)
        if self._standing.unrecorded is not None:
            raise self._standing.unrecorded

    def _settle(self, request: r.SettleOutcome, actor: str) -> None:
        latest = latest_attempt(self._standing.state, request.item)
        if latest is None:
            raise AssertionError(f"{request.item} was judged to have an outcome in doubt")
        settled = e.OutcomeSettled(
            item=request.item, attempt=latest.number, done=request.done, reason=request.reason
        )
        self._standing.record(settled, actor)
        if request.done:
            self.command_ended(request.item)

    async def _finish(self, request: r.Finish, actor: str) -> Refused | None:
        """End the run at the level that is true now, not at one that was true an hour ago.

        What is costly to see stands as it was seen, with its time in the record.
        """
        proofs = {item for proof in self._standing.runbook.levels for item in proof.items}
        checks = (
            one for one in self._standing.runbook.items if isinstance(one, CheckItem) and one.id in proofs
        )
        await self._renew(checks, older_than=0.0)
        refused = refusal(self._standing.runbook, self._standing.state, request)
        if refused is not None:
            return refused
        unproven = unproven_items(self._standing.runbook, self._standing.state)
        finished = e.RunFinished(
            level=level_of(self._standing.runbook, self._standing.state),
            with_exceptions=bool(self._standing.state.deviations),
            unproven=unproven,
        )
        self._standing.record(finished, actor)
        return None
