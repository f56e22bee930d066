"""Giving a run up: through its engine, or without one where its target is gone."""

import socket

from aihummer_drtui.cli.pointer import settings_of
from aihummer_drtui.cli.run_folder import sound_state
from aihummer_drtui.cli.runbook_file import followed_runbook
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.sitting import engine_command
from aihummer_drtui.engine.client import EngineClient
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.launch import sit_down
from aihummer_drtui.engine.lock import Holder, take_lock
from aihummer_drtui.engine.runbook_text import text_in_force
from aihummer_drtui.engine.session import Session
from aihummer_drtui.engine.takeover import record_taking
from aihummer_drtui.errors import FailedError, PreconditionError, UsageError
from aihummer_drtui.run.events import RunAbandoned
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.requests import Abandon, Refused
from aihummer_drtui.run.state import RunState


def give_up(settings: Settings, folder: RunFolder, *, reason: str, operator: str) -> RunState:
    """Abandon the run and give its state. Raises FailedError when that is refused, and DrtuiError."""
    client = EngineClient.connect(folder.socket, folder.id)
    if client is not None:
        client.attach(operator=operator, host=socket.gethostname(), front_end="abandon")
        return _through_engine(folder, client, reason)
    sound_state(folder)
    try:
        words = engine_command(settings_of(folder, settings), folder)
    except (PreconditionError, UsageError):
        # The target is gone, damaged or another one by now: no engine can take the run up, none is needed.
        return _without_engine(folder, reason, operator)
    client = sit_down(folder, words, operator=operator, host=socket.gethostname(), front_end="abandon")
    return _through_engine(folder, client, reason)


def _through_engine(folder: RunFolder, client: EngineClient, reason: str) -> RunState:
    with Session(folder=folder, client=client, read=followed_runbook) as session:
        _raise_refusal(folder, session.ask(Abandon(reason=reason)))
        return session.state


def _without_engine(folder: RunFolder, reason: str, operator: str) -> RunState:
    """Journal the end under the run's lock, as an engine would."""
    clock = SystemClock()
    holder = Holder.this_process(run=folder.id, operator=operator, clock=clock)
    with take_lock(folder.lock, holder):
        journal = Journal.open(folder.path, clock)
        try:
            record_taking(folder, journal)
            state = fold(journal.found)
            runbook = followed_runbook(text_in_force(folder, state))
            _raise_refusal(folder, refusal(runbook, state, Abandon(reason=reason)))
            journal.append(RunAbandoned(reason=reason), operator)
        finally:
            journal.close()
    return sound_state(folder)


def _raise_refusal(folder: RunFolder, reply: object) -> None:
    if isinstance(reply, Refused):
        raise FailedError(reply.reason, where=f"run {folder.id}", hint=reply.hint)
