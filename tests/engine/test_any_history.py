"""Any history of a run on real engines, as `any_history` tries them."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from aihummer_drtui.engine import takeover
from tests.engine.any_history import FAULTS, AnyHistory


def test_s02_s04_s08_any_history(
    monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """Whatever dies in whatever order: replay is the state, nothing runs by itself or is green unseen."""
    monkeypatch.setattr(takeover, "ANSWERS_WITHIN", 0.2)
    AnyHistory.done.clear()
    run_state_machine_as_test(
        AnyHistory,
        settings=settings(
            max_examples=16,
            stateful_step_count=16,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert set(FAULTS) <= set(AnyHistory.done), "a fault was never tried"
    record_property("injections", sum(AnyHistory.done[fault] for fault in FAULTS))
