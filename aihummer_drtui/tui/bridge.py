"""The bridge between the blocking session of a run and the screens.

One thread follows the journal, asks the engine and looks at running commands. What it sees becomes the
latest `View`; that there is a newer one is said by one message, and no second one is sent before the
screens took the first: a flood becomes a few repaints. It takes up a new engine when one ended.
"""

import contextlib
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.errors import DrtuiError, UnknownOutcomeError
from aihummer_drtui.foreign import cleaned_bytes
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.requests import Refused, Reply, Request
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.tui.away import Away
from aihummer_drtui.tui.view import Connection, Output, View

PERIOD: Final = 0.2
"""Seconds between two messages at least: over a slow line a repaint is dear."""
LOOK_EVERY: Final = 0.5
"""Seconds between two looks at what running commands say."""
TAIL: Final = 65_536
"""Bytes of a command's output that are kept for the screen; the pager has all of it."""
NEWS_KEPT: Final = 200
ENGINES: Final = 5
"""How many engines are started one after the other before the operator is asked."""
STEADY: Final = 60.0
"""Seconds after which an engine that ends is no longer counted with the ones before it."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """There is a newer view than the one that was taken."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The engine answered a request, or did not: then `reply` is the error, and it may have been taken.

    One for which there was no engine was surely not taken: that is a refusal.
    """

    request: Request
    reply: Reply | DrtuiError


@dataclass(frozen=True, kw_only=True)
class Unreachable:
    """No engine can be had. Nothing more is tried until `reconnect`."""

    error: DrtuiError


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The bridge itself has a fault; it follows no more."""

    error: Exception


Told: TypeAlias = Moved | Answered | Unreachable | Broken
"""What the bridge tells the screens."""


class Bridge:
    """Follows one run for the screens; it may begin before they are there. Nothing here needs Textual."""

    def __init__(self, connect: Callable[[Away], Session]) -> None:
        self._connect = connect
        self.away = Away()
        """What happened before this sitting; complete from the first view on."""
        self._listener: Callable[[Told], object] | None = None
        self._untold: list[Told] = []
        self._has_begun = threading.Event()
        self._lock = threading.Lock()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._is_shut = False
        self._closing = False
        self._requests: deque[Request] = deque()
        self._watched = ""
        self._again = threading.Event()
        self._view: View | None = None
        self._news: deque[Growth] = deque(maxlen=NEWS_KEPT)
        self._is_new = False
        """Whether there is something that was not taken."""
        self._is_told = False
        """Whether the screens were told so, and did not take it yet."""
        self._next_word = 0.0
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)

    def start(self) -> None:
        """Begin to follow; returns at once."""
        self._thread.start()

    def wait(self, seconds: float) -> Told | None:
        """Wait at most that long until something can be told, and give the first of it."""
        self._has_begun.wait(seconds)
        with self._lock:
            return self._untold[0] if self._untold else None

    def listen(self, listener: Callable[[Told], object]) -> None:
        """Have the listener called in the bridge's thread, first of all with what was not told yet."""
        with self._lock:
            self._listener = listener
            for told in self._untold:
                listener(told)
            self._untold.clear()

    def close(self) -> None:
        """End the sitting; what runs goes on."""
        self._closing = True
        self._again.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(0.5)
        if not self._thread.is_alive():
            self._shut()

    def ask(self, request: Request) -> None:
        """Send a request; `Answered` comes, after the view that it leads to."""
        self._requests.append(request)
        self._wake()

    def watch(self, item: str) -> None:
        """Keep the end of that command's output in the view; empty = none."""
        if item != self._watched:
            self._watched = item
            self._wake()

    def reconnect(self) -> None:
        """Try again to have an engine, after `Unreachable`."""
        self._again.set()

    def take(self) -> tuple[View | None, list[Growth]]:
        """The latest view, None before the first, and the journal's growth since the last time."""
        with self._lock:
            news = list(self._news)
            self._news.clear()
            self._is_new = self._is_told = False
            return self._view, news

    def _wake(self) -> None:
        # A full pipe is one that is not read yet: it wakes without us.
        with self._lock, contextlib.suppress(BlockingIOError):
            if not self._is_shut:
                os.write(self._wake_write, b"!")

    def _shut(self) -> None:
        """Give the pipe back, once nobody reads it any more."""
        with self._lock:
            if not self._is_shut:
                self._is_shut = True
                os.close(self._wake_read)
                os.close(self._wake_write)

    def _post(self, told: Told) -> None:
        with self._lock:
            listener = self._listener
            if listener is None:
                self._untold.append(told)
        self._has_begun.set()
        if listener is not None:
            listener(told)

    def _run(self) -> None:
        try:
            self._follow_for_good()
        except Exception as error:  # noqa: BLE001 - it is raised where the screens hear of it
            self._post(Broken(error=error))
        finally:
            self._closing = True
            self._shut()

    def _follow_for_good(self) -> None:
        ends: deque[float] = deque(maxlen=ENGINES)
        while not self._closing:
            try:
                self.away = Away()
                with self._connect(self.away) as session:
                    self._publish(session, Connection.LIVE, at_once=True)
                    self._follow(session)
            except (EngineGoneError, UnknownOutcomeError) as error:
                # What one that said nothing may say yet must not be taken for the reply to another request.
                ends.append(time.monotonic())
                if len(ends) == ENGINES and ends[-1] - ends[0] < STEADY:
                    ends.clear()
                    self._wait_for_a_word(error)
                else:
                    self._say(Connection.STARTING)
            except DrtuiError as error:
                self._wait_for_a_word(error)

    def _wait_for_a_word(self, error: DrtuiError) -> None:
        self._again.clear()
        self._say(Connection.LOST)
        self._fail_requests(error)
        if not self._closing:
            self._post(Unreachable(error=error))
            self._again.wait()
            # What was asked meanwhile was meant for then, and is not done minutes later.
            self._fail_requests(error)

    def _fail_requests(self, error: DrtuiError) -> None:
        refused = Refused(reason=f"nobody was asked, there is no engine: {error.what}", hint=error.hint)
        while self._requests:
            self._post(Answered(request=self._requests.popleft(), reply=refused))

    def _follow(self, session: Session) -> None:
        looked_at = 0.0
        while not self._closing:
            self._sleep(session, looked_at)
            self._answer(session)
            grown = session.wait(0)
            self._add(grown)
            now = time.monotonic()
            is_due = bool(session.state.executing) and now - looked_at >= LOOK_EVERY
            looked_at = now if is_due else looked_at
            if grown or is_due or self._output_is_stale():
                self._publish(session, Connection.LIVE, at_once=False)
            self._tell(at_once=False)

    def _sleep(self, session: Session, looked_at: float) -> None:
        """Until there is something to do: growth, a word from the screens, a look, a message that is due."""
        now = time.monotonic()
        waits = [looked_at + LOOK_EVERY - now] if session.state.executing else []
        if self._is_new and not self._is_told:
            waits.append(self._next_word - now)
        wait = max(0.0, min(waits)) if waits else None
        ready, _, _ = select.select([session.fileno(), self._wake_read], [], [], wait)
        if self._wake_read in ready:
            os.read(self._wake_read, 4_096)

    def _answer(self, session: Session) -> None:
        while self._requests and not self._closing:
            request = self._requests.popleft()
            try:
                reply = session.ask(request, storing=lambda _: self._say(Connection.SLOW))
            except DrtuiError as error:
                self._post(Answered(request=request, reply=error))
                raise
            try:
                self._add(session.wait(0))
                self._publish(session, Connection.LIVE, at_once=True)
            finally:
                # Told also where the engine ended over it.
                self._post(Answered(request=request, reply=reply))

    def _add(self, grown: list[Growth]) -> None:
        with self._lock:
            self._news.extend(grown)

    def _publish(self, session: Session, connection: Connection, *, at_once: bool) -> None:
        state = session.state
        said = {item: session.progress(item) for item in state.executing}
        progress: Mapping[str, Progress] = {item: one for item, one in said.items() if one is not None}
        before = self._view
        view = View(
            folder=session.folder,
            runbook=session.runbook,
            state=state,
            connection=connection,
            progress=progress,
            output=_output(session, self._watched, None if before is None else before.output),
        )
        self._renew(view)
        self._tell(at_once=at_once)

    def _say(self, connection: Connection) -> None:
        if self._view is not None:
            self._renew(replace(self._view, connection=connection))
            self._tell(at_once=True)

    def _renew(self, view: View) -> None:
        if view != self._view:
            with self._lock:
                self._view = view
                self._is_new = True

    def _tell(self, *, at_once: bool) -> None:
        """Say that there is something new, unless it was said already or is too early."""
        now = time.monotonic()
        with self._lock:
            is_due = self._is_new and not self._is_told and (at_once or now >= self._next_word)
            if is_due:
                self._is_told = True
                self._next_word = now + PERIOD
        if is_due and not self._closing:
            self._post(Moved())

    def _output_is_stale(self) -> bool:
        output = None if self._view is None else self._view.output
        return self._watched != ("" if output is None else output.item)


def _output(session: Session, item: str, before: Output | None) -> Output | None:
    """The end of what the latest attempt wrote; the one known before when nothing was added."""
    latest = latest_attempt(session.state, item)
    attempt = session.attempt(item)
    if latest is None or attempt is None:
        return Output(item=item, attempt=0) if item else None
    try:
        size = attempt.output.stat().st_size
    except OSError:
        # Not begun yet, or the folder was taken away: there is nothing to show of it.
        size = 0
    known = (item, latest.number, size)
    if before is not None and (before.item, before.attempt, before.size) == known:
        return before
    data = attempt.output_tail(TAIL)
    lines = cleaned_bytes(data).removesuffix("\n").split("\n") if data else []
    is_part = size > len(data)
    # The first line of a part begins in the middle of one.
    whole = lines[1:] if is_part and len(lines) > 1 else lines
    return Output(item=item, attempt=latest.number, lines=tuple(whole), size=size, is_part=is_part)
