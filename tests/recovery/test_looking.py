"""Looks that are begun beside each other: each has its time, and none of them raises."""

import threading
from collections.abc import Callable

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.looking import begun
from aihummer_drtui.run.verdict import Observation, Verdict


def raising(error: Exception) -> Callable[[], Observation]:
    """A look that ends so."""

    def look() -> Observation:
        raise error

    return look


@pytest.mark.parametrize(
    ("look", "verdict", "observed"),
    [
        (
            lambda: Observation(verdict=Verdict.PASSED, expected="e", observed="well"),
            Verdict.PASSED,
            "well",
        ),
        (
            raising(PreconditionError("cannot be\x1b read", where="/x", hint="mend it")),
            Verdict.FAILED,
            "/x: cannot be\\x1b read",
        ),
        (raising(KeyError("a secret")), Verdict.UNKNOWN, "the look itself broke: KeyError"),
    ],
)
def test_what_a_look_came_to(look: Callable[[], Observation], verdict: Verdict, observed: str) -> None:
    """Its answer, its error in words, or the class alone of a fault of ours."""
    seen = begun(look, expected="all well", time_out=10.0)()
    assert (seen.verdict, seen.observed) == (verdict, observed)


def test_looks_that_hang_cost_their_time_once() -> None:
    """They are begun together, and none is waited for beyond its time."""
    never = threading.Event()

    def hanging() -> Observation:
        never.wait()
        return Observation(verdict=Verdict.PASSED, expected="e", observed="late")

    ends = [begun(hanging, expected="an answer", time_out=0.2) for _ in range(3)]
    seen = [end() for end in ends]
    assert {one.verdict for one in seen} == {Verdict.UNKNOWN}
    assert seen[0].observed == "no answer within 0 s"
    never.set()
