"""One soak from its beginning to its account."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from aihummer_drtui.engine.journal_reading import read_journal
from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.run import events as e
from aihummer_drtui.run.fold import fold
from tests.cli.desk import Desk, a_desk
from tests.soak.account import Account
from tests.soak.colleague import FLOOD, Colleague
from tests.soak.operator import Operator
from tests.soak.plan import Plan
from tests.soak.seen import descriptors_of, memory_of

_BURSTS = "for burst in 1 2 3 4 5; do seq 1 20000; sleep 1; done; exit 1"
_WARM = 5.0
"""Seconds after which a front end has loaded what it needs."""
_TOLD_EVERY = 60.0


@dataclass(kw_only=True)
class _Every:
    """Something that is done again and again."""

    seconds: float
    do: Callable[[], None]
    next: float = field(init=False)

    def __post_init__(self) -> None:
        self.next = self.seconds


def soak(place: Path, plan: Plan, tell: Callable[[str], None]) -> Account:
    """Do what the plan says in a new folder, and give the account of it. Nothing is left running."""
    account = Account()
    with a_desk(place) as desk:
        desk.write_runbook(prepare=_BURSTS)
        began = time.monotonic()
        operator = Operator(desk=desk, account=account, began=began)
        operator.begin()
        colleague = Colleague(folder=desk.folder(), plan=plan, account=account, began=began)
        try:
            colleague.settle_first_step()
            operator.wait_for_work()
            colleague.begin()
            _go_on(desk, operator, plan, account, tell)
        finally:
            colleague.end()
        if not account.faults:
            _resume_cold(desk, operator, plan, account)
        operator.leave()
        _audit(desk, account)
    return account


def _go_on(desk: Desk, operator: Operator, plan: Plan, account: Account, tell: Callable[[str], None]) -> None:
    holder = holder_of(desk.folder().lock)
    assert holder is not None, "no engine has the run"
    engine = holder.process.pid

    def sample() -> None:
        now = time.monotonic() - operator.began
        account.load.take(now, os.getloadavg()[0])
        account.engine_memory.take(now, memory_of(engine))
        account.engine_descriptors.take(now, descriptors_of(engine))
        if operator.sat_for > _WARM:
            account.front_end_memory.take(now, memory_of(operator.pid))

    def at_full_size(act: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            operator.back_to_size()
            act()

        return done

    def news() -> None:
        tell(f"{account.events} events, {account.attempts} attempts, {account.reconnects} reconnects")

    rounds = [
        _Every(seconds=plan.sample_every, do=sample),
        _Every(seconds=plan.press_every, do=at_full_size(operator.press)),
        _Every(seconds=plan.resize_every, do=operator.resize),
        _Every(seconds=plan.timeline_every, do=at_full_size(operator.read_timeline)),
        _Every(seconds=plan.reconnect_every, do=operator.reconnect),
        _Every(seconds=_TOLD_EVERY, do=news),
    ]
    while (now := time.monotonic() - operator.began) < plan.seconds or account.events < plan.events:
        if account.faults:
            return
        due = min(rounds, key=lambda one: one.next)
        try:
            operator.watch(max(0.0, due.next - now))
            due.do()
        except (AssertionError, OSError, ValueError) as error:
            # What was measured until then is told all the same.
            account.faults.append(f"after {now:.0f} s: {error}")
            return
        due.next = max(due.next + due.seconds, time.monotonic() - operator.began)


def _resume_cold(desk: Desk, operator: Operator, plan: Plan, account: Account) -> None:
    """Come back to the whole journal when no engine lives."""
    for _ in range(plan.cold_resumes):
        operator.leave()
        with suppress(AssertionError):  # It may have ended by itself.
            desk.end_engine(signal.SIGTERM)
        operator.resume(account.cold_resume)


def _audit(desk: Desk, account: Account) -> None:
    """What the journal says of it all: nothing lost, nothing that nobody asked for."""
    folder = desk.folder()
    records = read_journal(folder.path)
    account.events = len(records)
    fold(records)
    intended = [one.what for one in records if isinstance(one.what, e.CommandIntended)]
    if [one.attempt for one in intended] != list(range(1, account.attempts + 1)):
        account.faults.append(f"{len(intended)} attempts were begun, {account.attempts} were asked for")
    opened = sum(isinstance(one.what, e.SittingOpened) for one in records)
    sat = 2 + len(account.resume.taken) + len(account.cold_resume.taken)
    if opened != sat:
        account.faults.append(f"{opened} sittings are on record, {sat} were opened")
    account.output = sum(
        path.stat().st_size for path in folder.path.glob(f"attempts/{FLOOD.replace('/', '.')}.*/output")
    )
