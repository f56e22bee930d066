"""pytest's hooks that print the matrix at the end of a run; `tests/conftest.py` takes them up."""

from typing import Final

import pytest
from _pytest.terminal import TerminalReporter

from tests.faults.matrix import Outcome, Tried, cases_of, matrix

_OUTCOMES: Final = (Outcome.PASSED, Outcome.SKIPPED, Outcome.FAILED)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the matrix when a test of it ran."""
    tried = [
        _tried(report, outcome)
        for outcome in _OUTCOMES
        for report in terminalreporter.stats.get(outcome.value, [])
        if isinstance(report, pytest.TestReport) and cases_of(_name(report))
    ]
    if tried:
        terminalreporter.section("fault matrix")
        for line in matrix(tried):
            terminalreporter.write_line(line)


def _tried(report: pytest.TestReport, outcome: Outcome) -> Tried:
    told = dict(report.user_properties).get("injections", 1)
    return Tried(
        name=_name(report),
        outcome=outcome,
        injections=told if isinstance(told, int) else 1,
        reason=_reason(report),
    )


def _name(report: pytest.TestReport) -> str:
    return report.nodeid.rpartition("::")[2]


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped: pytest keeps (file, line, 'Skipped: why')."""
    told = report.longrepr
    return str(told[2]).removeprefix("Skipped: ") if isinstance(told, tuple) else ""
