"""A short soak: floods, resizes, reconnects, a killed front end, and a journal that accounts for it all."""

from collections.abc import Callable
from pathlib import Path

from tests.soak.plan import ON_A_BUSY_MACHINE, Plan
from tests.soak.soaking import soak

SHORT = Plan(
    seconds=45.0,
    events=4_000,
    resize_every=2.0,
    timeline_every=10.0,
    reconnect_every=7.0,
    cold_resumes=2,
)


def test_s02_t02_t05_a_short_soak(folder: Path, record_property: Callable[[str, object], None]) -> None:
    """Nothing ends by itself, nothing leaks, no attempt begins that was not asked for, none is forgotten."""
    account = soak(folder, SHORT, print)
    print("\n".join(account.table()))
    assert account.missed(ON_A_BUSY_MACHINE, SHORT.events) == []
    assert account.reconnects >= 3
    assert account.resizes >= 10
    assert account.attempts >= 2
    assert account.output >= account.attempts * 20_000
    record_property("injections", account.reconnects)
