"""The tree of errors and the documented exit codes."""

import pytest

from aihummer_drtui import errors
from aihummer_drtui.errors import DrtuiError, ExitCode


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.DrtuiError, 1),
        (errors.FailedError, 1),
        (errors.UsageError, 2),
        (errors.PreconditionError, 3),
        (errors.UnknownOutcomeError, 4),
        (errors.LockedError, 5),
        (errors.CorruptJournalError, 6),
    ],
)
def test_each_error_has_its_documented_exit_code(error: type[DrtuiError], code: int) -> None:
    """Scripts and monitoring rely on these numbers."""
    assert error("what", hint="hint").exit_code == code


def test_the_numbers_are_those_of_the_documentation() -> None:
    """A number that changes breaks somebody's cron job."""
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "PRECONDITION": 3,
        "UNKNOWN_OUTCOME": 4,
        "LOCKED": 5,
        "CORRUPT": 6,
        "INTERRUPTED": 130,
    }


def test_an_error_says_where_what_and_what_to_do() -> None:
    """In this order, the hint on a line of its own; without a place there is no empty one."""
    whole = DrtuiError("the key has 31 bytes", where="/etc/gateway.env", hint="restore it from escrow")
    assert str(whole) == "/etc/gateway.env: the key has 31 bytes\nHINT: restore it from escrow"
    assert whole.where_and_what == "/etc/gateway.env: the key has 31 bytes"
    assert str(DrtuiError("no runs", hint="start one")) == "no runs\nHINT: start one"
    assert DrtuiError("no runs", hint="start one").where_and_what == "no runs"
    assert (whole.what, whole.where, whole.hint) == (
        "the key has 31 bytes",
        "/etc/gateway.env",
        "restore it from escrow",
    )
