"""What line mode waits for before it asks: looks, the probe of a lost outcome, a check that may mend."""

import time
from dataclasses import dataclass, field
from typing import Final

from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.plain.console import Console
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.events import CheckObserved
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.stale import not_looked_again
from aihummer_drtui.run.state import Lost, RunState

_TOLD_AFTER: Final = (5.0, 15.0, 30.0, 60.0)
"""Seconds of waiting after which it is told; from then on once a minute."""

SLOW_TOLD_EVERY: Final = 10.0
"""Seconds between two words on a disk that stores a record slowly."""
LOOK_WITHIN: Final = 30.0
"""Seconds to wait for a look that the operator asked for."""


@dataclass
class Patience:
    """How long a check may stay red with nobody there to mend it, and when waiting is spoken of."""

    seconds: float
    _red: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Since when each is red, and when that was asked last."""
    _waiting: dict[str, tuple[float, float, int]] = field(default_factory=dict)

    def left(self, item: str, now: float) -> float:
        """Seconds that are left for the item; they count from the first time this was asked.

        It is asked all the time while the item is red: after a pause it has become red anew.
        """
        began, asked = self._red.get(item, (now, now))
        if now - asked > _TOLD_AFTER[0]:
            began = now
        self._red[item] = (began, now)
        return self.seconds - (now - began)

    def waited(self, item: str, now: float) -> float:
        """Seconds the item is waited for, whenever it is time to say so; else 0."""
        began, asked, told = self._waiting.get(item, (now, now, 0))
        if now - asked > _TOLD_AFTER[0]:
            began, told = now, 0
        due = _TOLD_AFTER[told] if told < len(_TOLD_AFTER) else 60.0 * (told - len(_TOLD_AFTER) + 2)
        is_due = now - began >= due
        self._waiting[item] = (began, now, told + 1 if is_due else told)
        return now - began if is_due else 0.0


def is_probed(state: RunState, item: str) -> bool:
    """Whether the probe has answered for an outcome that nobody saw."""
    latest = latest_attempt(state, item)
    return latest is None or not isinstance(latest.end, Lost) or latest.end.probed is not None


def _still_to_look_at(session: Session) -> frozenset[str]:
    """What the engine looks at again because somebody attached; a deviation stands without it."""
    runbook, state = session.runbook, session.state
    return frozenset(
        check.id for check in not_looked_again(runbook, state) if state.items[check.id].deviation is None
    )


@dataclass
class Round:
    """The looks at what stood before this sitting; they come first, for what drifted shows the way."""

    left: frozenset[str]
    since: float

    @classmethod
    def begin(cls, session: Session) -> "Round":
        """The round as it is when somebody attaches."""
        return cls(left=_still_to_look_at(session), since=time.monotonic())

    def under_way(self, session: Session) -> bool:
        """Whether a look is still to come. One that is silent for long is waited for in its step instead."""
        if not self.left:
            return False
        left, now = _still_to_look_at(session), time.monotonic()
        if left != self.left:
            self.left, self.since = left, now
        elif now - self.since > LOOK_WITHIN:
            self.left = frozenset()
        return bool(self.left)


@dataclass
class SlowDisk:
    """Says what an answer waits for while the disk takes its time to store it."""

    console: Console
    _next: float = 0.0

    def tell(self, seconds: float) -> None:
        """Say how long it has taken so far, when it is time to say so."""
        if seconds >= self._next:
            self._next = seconds + SLOW_TOLD_EVERY
            took = duration_text(seconds)
            self.console.say(f"  journal slow: its disk has not stored this for {took} so far; waiting ...")


def looked_again(session: Session, item: str, seconds: float) -> list[Growth]:
    """The news up to the next look at a check, at most that many seconds of it."""
    deadline = time.monotonic() + seconds
    news: list[Growth] = []
    while (left := deadline - time.monotonic()) > 0:
        fresh = session.wait(left)
        news += fresh
        if any(isinstance(one.record.what, CheckObserved) and one.record.what.item == item for one in fresh):
            break
    return news
