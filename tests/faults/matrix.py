"""What a run of the tests says of each fault: survived, skipped with the reason, failed, or not tried.

A test that injects many faults at one case records their number as the property `injections`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.cases import CASES, PLACES

_NAMED = re.compile(r"^test((?:_[a-z]\d\d)+)(?:_|\[|$)")


class Outcome(StrEnum):
    """What became of one test."""

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One test that injected a fault."""

    name: str
    """Of the test's function, with its parameters."""
    outcome: Outcome
    injections: int = 1
    reason: str = ""
    """Why it was skipped."""


def cases_of(test: str) -> tuple[str, ...]:
    """The ids of the cases that a test of that name injects."""
    found = _NAMED.match(test)
    return tuple(found.group(1).upper().split("_")[1:]) if found else ()


def matrix(tried: Iterable[Tried]) -> list[str]:
    """A line for each case, under the name of its place, and the counts at the end."""
    by_case: dict[str, list[Tried]] = {case: [] for case in CASES}
    for one in tried:
        for case in cases_of(one.name):
            by_case.setdefault(case, []).append(one)
    lines: list[str] = []
    for letter, place in PLACES.items():
        lines += [place]
        lines += [_line(case, all_of) for case, all_of in by_case.items() if case.startswith(letter)]
    return [*lines, _counts(by_case)]


def _line(case: str, tried: list[Tried]) -> str:
    return (
        f"  {case}  {_word(tried):<9} {_how_much(tried):<26} {CASES.get(case, 'no such case')}{_why(tried)}"
    )


def _word(tried: list[Tried]) -> str:
    outcomes = {one.outcome for one in tried}
    if not tried:
        return "NOT TRIED"
    if Outcome.FAILED in outcomes:
        return "FAILED"
    return "survived" if Outcome.PASSED in outcomes else "skipped"


def _how_much(tried: list[Tried]) -> str:
    passed = [one for one in tried if one.outcome is Outcome.PASSED]
    if not passed:
        return ""
    injections = sum(one.injections for one in passed)
    return (
        f"{len(passed)} tests, {injections} injected" if injections != len(passed) else f"{len(passed)} tests"
    )


def _why(tried: list[Tried]) -> str:
    reasons = sorted({one.reason for one in tried if one.outcome is Outcome.SKIPPED})
    return "".join(f"\n       skipped: {reason}" for reason in reasons)


def _counts(by_case: Mapping[str, list[Tried]]) -> str:
    words = [_word(all_of) for all_of in by_case.values()]
    told = ", ".join(f"{words.count(word)} {word}" for word in ("survived", "skipped", "FAILED", "NOT TRIED"))
    injected = sum(one.injections for one in _each(by_case) if one.outcome is Outcome.PASSED)
    return f"{len(words)} cases: {told}; {injected} faults injected"


def _each(by_case: Mapping[str, list[Tried]]) -> list[Tried]:
    """Every test once, also one that injects several cases."""
    return list({one.name: one for all_of in by_case.values() for one in all_of}.values())
