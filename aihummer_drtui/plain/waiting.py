"""What line mode waits for before it asks: running commands, looks, the probe of a lost outcome."""

import time
from dataclasses import dataclass, field
from typing import Final

from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.run.events import CheckObserved
from aihummer_drtui.run.legal import latest_attempt
from aihummer_drtui.run.state import CheckState, Lost, RunState
from aihummer_drtui.runbook.model import CheckItem, CommandItem, Runbook

_TOLD_AFTER: Final = (5.0, 15.0, 30.0, 60.0)
"""Seconds of waiting after which it is told; from then on once a minute."""


@dataclass
class Patience:
    """How long a check may stay red with nobody there to mend it, and when waiting is spoken of."""

    seconds: float
    _red_since: dict[str, float] = field(default_factory=dict)
    _waiting: dict[str, tuple[float, float, int]] = field(default_factory=dict)

    def left(self, item: str, now: float) -> float:
        """Seconds that are left for the item; they count from the first time this was asked."""
        return self.seconds - (now - self._red_since.setdefault(item, now))

    def waited(self, item: str, now: float) -> float:
        """Seconds the item is waited for, whenever it is time to say so; else 0."""
        began, asked, told = self._waiting.get(item, (now, now, 0))
        if now - asked > _TOLD_AFTER[0]:
            began, told = now, 0
        due = _TOLD_AFTER[told] if told < len(_TOLD_AFTER) else 60.0 * (told - len(_TOLD_AFTER) + 2)
        is_due = now - began >= due
        self._waiting[item] = (began, now, told + 1 if is_due else told)
        return now - began if is_due else 0.0


def item_followed(runbook: Runbook, state: RunState) -> CommandItem | None:
    """The running command, if there is one: whatever else is to do, its end comes first."""
    for running in state.running:
        item = runbook.item(running)
        if isinstance(item, CommandItem):
            return item
    return None


def is_probed(state: RunState, item: str) -> bool:
    """Whether the probe has answered for an outcome that nobody saw."""
    latest = latest_attempt(state, item)
    return latest is None or not isinstance(latest.end, Lost) or latest.end.probed is not None


def not_looked_again(runbook: Runbook, state: RunState) -> frozenset[str]:
    """Checks that had passed and were not looked at since; the engine does so when somebody attaches."""
    known = ((item.id, state.items.get(item.id)) for item in runbook.items if isinstance(item, CheckItem))
    return frozenset(
        item
        for item, check in known
        if isinstance(check, CheckState) and check.passed_once and not check.fresh and check.deviation is None
    )


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
