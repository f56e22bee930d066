"""Neither pg_restore's exit code nor its own count is believed alone: both must agree with what was heard."""

from collections import Counter

import msgspec
import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.filling import Sight, Words
from aihummer_drtui.recovery.database.program import Ended
from aihummer_drtui.recovery.reporting import Reporter, progress_line
from aihummer_drtui.run.progress import Progress

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


class _Ear:
    """Hears every moment."""

    interval = 0.0

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, progress: Progress, *, turn: bool) -> None:  # noqa: ARG002 - of the protocol
        """Take it in, without the rate, which depends on the clock."""
        self.told.append(progress_line(msgspec.structs.replace(progress, elapsed=0.0)))

    def close(self) -> None:
        """Nothing."""


def test_the_bar_is_honest_below_and_beyond_the_sealed_size() -> None:
    """Beyond it no percentage is claimed; at the end it is what it is; then indexes are counted."""
    ear, sizes = _Ear(), iter([400, 1200, 1300])
    words = Words(
        server=17,
        where="host/db",
        jobs=2,
        listed=Counter({"TABLE DATA": 2, "INDEX": 3, "CONSTRAINT": 1}),
    )
    with Reporter(ear) as reporter:
        sight = Sight(reporter, words, 1000, lambda: next(sizes))
        sight.begin()
        words.hear("pg_restore: finished item 7 TABLE DATA t")
        sight.tell()
        words.hear("pg_restore: finished item 9 INDEX t_i")
        sight.tell()
        words.hear("pg_restore: finished item 8 TABLE DATA u")
        sight.tell()
        words.hear("pg_restore: finished item 10 CONSTRAINT u u_pkey")
        sight.tell()
        sight.end()
    assert list(dict.fromkeys(ear.told)) == [
        "restoring rows: 0/2 tables, 0 B/1 kB, 0%",
        "restoring rows: 1/2 tables, 400 B/1 kB, 40%",
        "restoring rows: 1/2 tables, 1.2 kB",
        "restoring rows: 2/2 tables, 1.3 kB/1.3 kB, 100%",
        "building indexes and constraints: 0/4, 0%",
        "building indexes and constraints: 1/4, 25%",
        "building indexes and constraints: 2/4, 50%",
    ]
