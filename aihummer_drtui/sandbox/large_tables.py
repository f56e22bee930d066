"""The stand-in's tables that grow: filled two at a time, their indexes built when the rows are there.

So does whoever loads much (PostgreSQL 17, 14.4.3), and a database that is compact from the start is as
large for everyone. What a table holds depends on the seed alone, its order included: each is filled by one
connection, from its first row to its last.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, LiteralString

if TYPE_CHECKING:
    import psycopg

    Task = Callable[[psycopg.Connection], None]

Tell = Callable[[int, int], None]
"""Takes how many are done, and of how many."""

_BATCH: Final = 40_000
"""Rows of one statement."""
_CONNECTIONS: Final = 2
_ORDER: Final = (("turns", "tool_calls"), ("messages",), ("memory_entries",), ("audit_events",))
"""Tables that refer to each other are filled one after the other; what takes longest comes first."""
_INDEXES: Final = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS (
        SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
    ORDER BY a.amname = 'gin' DESC, i.indrelid = 'messages'::regclass DESC, c.relname
"""  # those of words take longest


@dataclass(frozen=True, kw_only=True)
class LargeTables:
    """How many rows each of them holds."""

    messages: int
    turns: int
    tool_calls: int
    memory_entries: int
    audit_events: int


def fill_large_tables(
    connection: "psycopg.Connection",
    amounts: LargeTables,
    statements: Mapping[str, LiteralString],
    values: Mapping[str, object],
    say: Callable[[str, str], Tell],
) -> None:
    """Fill the tables, still empty, by their `statements`, given `values`.

    `say` gives, for a phase and its unit, who is told how many are done and of how many.
    `connection` is in autocommit mode; the others are made like it. Raises psycopg.Error.
    """
    rows: dict[str, int] = asdict(amounts)
    told = _Told(total=sum(rows.values()), tell=say("rows", "rows"))

    def filling(tables: tuple[str, ...]) -> "Task":
        def run(one: "psycopg.Connection") -> None:
            for table in tables:
                _fill_table(one, statements[table], values, rows[table], told)
                # What refers to this table is joined with it next.
                one.execute(f"ANALYZE {table}".encode())

        return run

    indexes = connection.execute(_INDEXES, (list(rows),)).fetchall()
    with connection.transaction():
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
    with ExitStack() as stack:
        connections = [connection, *(stack.enter_context(_like(connection)) for _ in range(_CONNECTIONS - 1))]
        _share(connections, map(filling, _ORDER))
        built = _Told(total=len(indexes), tell=say("building indexes", "indexes"))
        _share(connections, [_building(definition, built) for _, definition in indexes])


class _Told:
    """How many are done so far, by all connections."""

    def __init__(self, *, total: int, tell: Tell) -> None:
        self._total = total
        self._tell = tell
        self._done = 0
        self._lock = Lock()

    def more(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._tell(self._done, self._total)


def _fill_table(
    connection: "psycopg.Connection",
    statement: LiteralString,
    values: Mapping[str, object],
    rows: int,
    told: _Told,
) -> None:
    for first in range(1, rows + 1, _BATCH):
        last = min(first + _BATCH - 1, rows)
        connection.execute(statement, {**values, "first": first, "last": last})
        told.more(last - first + 1)


def _building(definition: str, built: _Told) -> "Task":
    def run(connection: "psycopg.Connection") -> None:
        connection.execute(definition.encode())
        built.more(1)

    return run


def _like(connection: "psycopg.Connection") -> "psycopg.Connection":
    import psycopg

    info = connection.info
    return psycopg.connect(info.dsn, password=info.password, autocommit=True)


def _share(connections: "Sequence[psycopg.Connection]", tasks: "Iterable[Task]") -> None:
    """Have the tasks done in their order, each by the first free connection; the first error ends all."""
    import psycopg

    waiting = deque(tasks)

    def work(connection: "psycopg.Connection") -> None:
        while True:
            try:
                task = waiting.popleft()
            except IndexError:
                return
            task(connection)

    with ThreadPoolExecutor(max_workers=len(connections)) as workers:
        running = [workers.submit(work, connection) for connection in connections]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            waiting.clear()
            for connection in connections:
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=5)
            raise
