"""A front end's view of a run: the folded journal, the engine to ask, and waiting for news."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.client import EngineClient, EngineGoneError
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.follower import JournalFollower
from aihummer_drtui.engine.runbook_text import ReadRunbook, text_in_force
from aihummer_drtui.run.events import Record, RunbookAccepted
from aihummer_drtui.run.fold import begin, follow
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.requests import Accepted, Reply, Request
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import Runbook


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One record with the states around it, so that what is new about it can be told."""

    before: RunState
    record: Record
    after: RunState


class Reading:
    """A journal as far as it was read. `on_record` is given every record of the run, from its first on."""

    def __init__(self, folder: RunFolder, on_record: Callable[[Record], None] | None = None) -> None:
        self.follower = JournalFollower(folder.path)
        self.on_record = on_record
        self.state: RunState | None = None

    def read(self) -> None:
        """Read what was added. Raises CorruptJournalError, PreconditionError as JournalFollower does."""
        for record in self.follower.all_new():
            self.state = begin(record) if self.state is None else follow(self.state, record)
            if self.on_record is not None:
                self.on_record(record)


class Session:
    """One front end attached to one run, whose connection it owns. `state` is as far as the journal was read.

    `reading` may have begun before there was an engine: a long journal takes a while.
    """

    def __init__(
        self,
        *,
        folder: RunFolder,
        client: EngineClient,
        read: ReadRunbook,
        on_record: Callable[[Record], None] | None = None,
        reading: Reading | None = None,
    ) -> None:
        self.folder = folder
        self._client = client
        self._read = read
        reading = Reading(folder, on_record) if reading is None else reading
        self._on_record = reading.on_record
        self._follower = reading.follower
        self._untold: list[Growth] = []
        try:
            self.state = _read_to_its_end(reading)
            self.runbook: Runbook = read(text_in_force(folder, self.state))
        except BaseException:
            client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ending: object) -> None:
        self._client.close()

    def ask(self, request: Request, storing: Callable[[float], None] | None = None) -> Reply:
        """Ask the engine; when it accepts, `state` is up to date with it. Raises as EngineClient.ask.

        While the reply waits for a record to be on the disk, `storing` is told each second how long that
        has taken so far: the disk is slow, and neither the engine nor the target is.
        """

        def waiting(seconds: float) -> None:
            if storing is not None and self._is_storing():
                storing(seconds)

        try:
            reply = self._client.ask(request, waiting)
        except EngineGoneError:
            self._take_up()
            raise
        if isinstance(reply, Accepted):
            self._take_up()
        return reply

    def wait(self, seconds: float) -> list[Growth]:
        """Wait for news, at most that long, and give all that was not given before.

        Raises EngineGoneError when the engine ended, once all that it recorded was given.
        """
        try:
            if not self._untold:
                self._client.wait_for_growth(self.state.sequence, seconds)
        except EngineGoneError:
            self._take_up()
            if not self._untold:
                raise
        self._take_up()
        news, self._untold = self._untold, []
        return news

    @property
    def announced(self) -> int:
        """How far the engine has said that the journal goes: all of it is on the disk."""
        return self._client.grown

    def fileno(self) -> int:
        """Readable when the engine has something to say."""
        return self._client.fileno()

    def attempt(self, item: str) -> Attempt | None:
        """The latest attempt of a command: its output and its progress; None when nothing was executed."""
        latest = latest_attempt(self.state, item)
        return (
            None if latest is None or latest.rehearsed else Attempt(self.folder.attempt(item, latest.number))
        )

    def progress(self, item: str) -> Progress | None:
        """The last word of a command on how far it is."""
        attempt = self.attempt(item)
        return None if attempt is None else attempt.progress()

    def _is_storing(self) -> bool:
        """Whether the journal's file holds a record that the engine does not call durable yet."""
        known = self.state.sequence
        return known > self.announced or (known == self.announced and self._follower.is_behind())

    def _take_up(self) -> None:
        for record in self._follower.all_new():
            before, self.state = self.state, follow(self.state, record)
            self._untold.append(Growth(before=before, record=record, after=self.state))
            self._tell(record)
            if isinstance(record.what, RunbookAccepted):
                self.runbook = self._read(text_in_force(self.folder, self.state))

    def _tell(self, record: Record) -> None:
        if self._on_record is not None:
            self._on_record(record)


def _read_to_its_end(reading: Reading) -> RunState:
    reading.read()
    if reading.state is None:
        raise ValueError("the journal of a run that has an engine holds its declaration")
    return reading.state
