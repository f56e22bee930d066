"""Neither pg_restore's exit code nor its own count is believed alone: both must agree with what was heard."""

from collections import Counter

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.filling import Words
from aihummer_drtui.recovery.database.program import Ended

BENIGN = (
    'pg_restore: error: could not execute query: ERROR:  schema "public" already exists\n'
    "Command was: CREATE SCHEMA public;\n\n"
)
FATAL = (
    "pg_restore: error: could not execute query: ERROR:  relation exists\nCommand was: CREATE TABLE t ();\n"
)


def _ended(text: str, code: int) -> tuple[str, ...]:
    words = Words(server=17, where="host/db", jobs=2, listed=Counter())
    for line in text.splitlines():
        words.hear(line)
    return words.judged(Ended(code=code, words=text)).tolerated


def _ignored(count: int) -> str:
    return f"pg_restore: warning: errors ignored on restore: {count}\n"


@pytest.mark.parametrize(
    ("text", "code", "tolerated"),
    [
        ("pg_restore: finished item 1 TABLE DATA t\n", 0, 0),
        (BENIGN + _ignored(1), 1, 1),
        (BENIGN * 150 + _ignored(150), 1, 1),  # one kind, told once with its number
        (BENIGN * 3 + _ignored(1), 1, 1),  # of one job
    ],
)
def test_only_what_is_accounted_for_passes(text: str, code: int, tolerated: int) -> None:
    """No error at all, or benign ones only, each heard."""
    assert len(_ended(text, code)) == tolerated


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 1),
        ("", -9),
        ("", 2),
        (BENIGN, 0),
        (BENIGN, 1),
        (BENIGN + _ignored(2), 1),
        (_ignored(1), 1),
        (_ignored(1), 0),
        (BENIGN + _ignored(1), -15),
        (BENIGN + _ignored(1), 0),
        (FATAL, 0),
        (FATAL + _ignored(1), 1),
        (BENIGN * 120 + FATAL + _ignored(1), 1),
        (BENIGN + FATAL + _ignored(2), 1),
    ],
)
def test_anything_else_is_a_failure(text: str, code: int) -> None:
    """A signal, a code without a cause, an error without a code, a count that is higher than was heard."""
    with pytest.raises(FailedError, match="pg_restore"):
        _ended(text, code)


def test_a_full_disk_is_named() -> None:
    """It is the one failure that a person mends by other means."""
    with pytest.raises(FailedError, match="the server's disk is full"):
        _ended('pg_restore: error: ERROR:  could not extend file "x": No space left on device\n', 1)


def test_with_one_job_an_item_ends_where_the_next_begins() -> None:
    """pg_restore tells the end of an item only where several run: it is over when the next begins."""
    words = Words(server=17, where="host/db", jobs=1, listed=Counter())
    words.hear('pg_restore: processing data for table "hum.t"')
    assert words.finished["TABLE DATA"] == 0
    words.hear('pg_restore: creating INDEX "hum.t_i"')
    assert dict(words.finished) == {"TABLE DATA": 1}
