"""The second operator: sits at the same run all the time, and makes its journal grow at an even pace."""

import itertools
import threading
import time
from dataclasses import dataclass, field

from aihummer_drtui.engine.client import EngineClient
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.requests import Accepted, Reply, Request
from tests.soak.account import Account
from tests.soak.plan import Plan

FLOOD = "work/prepare"
_ACTS = 100
"""Requests between two looks at a check; the others are notes."""
_WITHIN = 30.0


@dataclass(kw_only=True)
class Colleague:
    """A front end without a screen, in a thread of its own."""

    folder: RunFolder
    plan: Plan
    account: Account
    began: float
    _client: EngineClient = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._client = self._attached()
        self._thread = threading.Thread(target=self._work, name="colleague")

    def settle_first_step(self) -> None:
        """Do what stands before the flooding command, and open its step."""
        self._must(r.GiveInput(item="look/BACKUP_SET", value="/backups/newest"))
        self._must(r.Confirm(item="look/confirm-1", statement="they know"))
        self._must(r.LookAgain(item="look/gateway-env"))
        self._must(r.ShowStep(step="work"))
        deadline = time.monotonic() + _WITHIN
        while not isinstance(self._ask(r.StartCommand(item=FLOOD)), Accepted):
            # The check before it is looked at in the engine's own time.
            assert time.monotonic() < deadline, "the flooding command could not be started"
            self._client.wait_for_growth(1 << 62, 0.05)
        self.account.attempts += 1

    def begin(self) -> None:
        """Start to work."""
        self._thread.start()

    def end(self) -> None:
        """Stop, and leave."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _attached(self) -> EngineClient:
        client = EngineClient.connect(self.folder.socket, self.folder.id)
        assert client is not None, "no engine listens"
        client.attach(operator="bert", host="elsewhere", front_end="soak")
        return client

    def _work(self) -> None:
        try:
            self._keep_pace()
        except (DrtuiError, AssertionError) as error:
            self.account.faults.append(f"the colleague: {error}")

    def _keep_pace(self) -> None:
        start_at = 0.0
        for number in itertools.count():
            now = time.monotonic() - self.began
            if self._stop.is_set():
                return
            if now >= start_at:
                start_at = now + self.plan.start_every
                # Refused while it runs: nobody starts it twice.
                self.account.attempts += isinstance(self._ask(r.StartCommand(item=FLOOD)), Accepted)
            if self.account.events >= self.plan.events * min(1.0, now / self.plan.seconds):
                # A front end that is sent news has to read it, also while it says nothing.
                self._client.wait_for_growth(1 << 62, 0.05)
                continue
            self._must(
                r.LookAgain(item="look/gateway-env")
                if number % _ACTS == 0
                else r.WriteNote(text=f"note {number}: " + "so it goes on, " * (number % 20))
            )

    def _must(self, request: Request) -> None:
        reply = self._ask(request)
        assert isinstance(reply, Accepted), f"{request}: {reply}"

    def _ask(self, request: Request) -> Reply:
        asked = time.monotonic()
        reply = self._client.ask(request)
        answered = time.monotonic()
        self.account.request.take(answered - self.began, answered - asked)
        if isinstance(reply, Accepted):
            self.account.events = max(self.account.events, reply.sequence)
        return reply
