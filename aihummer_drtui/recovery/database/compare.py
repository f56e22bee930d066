"""Is what was restored what was sealed? Every row counted, everything else the catalogue can tell compared.

Nobody else writes to the database beside, so several connections see the same without a common snapshot.
Each table is counted and analysed as two tasks, largest first, so that one large table keeps no
connection waiting.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest, SealedDatabase, SealedSetting
from aihummer_drtui.recovery.database.connection import Owner, connect
from aihummer_drtui.recovery.database.content import (
    analyzable,
    extensions_of,
    invalid_indexes,
    roles_of,
    rows_in,
    tables_of,
    unchecked_constraints,
)
from aihummer_drtui.recovery.reporting import Reporter

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

    Task = Callable[[Connection[TupleRow]], None]

_INTERVAL: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A database that is as sealed."""

    rows: Mapping[str, int]
    """Exact, by table."""
    warnings: tuple[str, ...]
    """What differs and does no harm by itself."""


def compare(owner: Owner, beside: str, manifest: Manifest, *, jobs: int, reporter: Reporter) -> Compared:
    """Compare the database `beside` with its seal and gather its statistics, over `jobs` connections.

    Raises FailedError when anything is missing, broken or of another count, and psycopg's errors.
    """
    with ExitStack() as stack:
        # Row-level security must not hide rows from the count: an error then, never a smaller number.
        settings = {"row_security": "off"}
        connections = [
            stack.enter_context(connect(owner, database=beside, autocommit=True, settings=settings))
            for _ in range(jobs)
        ]
        first = connections[0]
        tables = tables_of(first)
        _refuse_other_tables(owner, tables, manifest)
        warnings = _catalogue(owner, first, manifest.database)
        rows = _counted(connections, tables, reporter)
        _refuse_other_rows(owner, rows, manifest)
    return Compared(rows=rows, warnings=warnings)


def _refuse_other_tables(owner: Owner, tables: tuple[str, ...], manifest: Manifest) -> None:
    sealed = manifest.database.tables
    if manifest.knows(Fact.ROWS) and (differing := sorted({*tables} ^ {*sealed})):
        first = differing[0]
        seen = "missing" if first in sealed else "there, and not in the seal"
        raise unlike(owner, f"{len(differing)} tables differ, first {first}: {seen}")


def _refuse_other_rows(owner: Owner, rows: Mapping[str, int], manifest: Manifest) -> None:
    sealed = manifest.database.tables
    differing = sorted(name for name in rows if rows[name] != sealed.get(name))
    if differing and manifest.knows(Fact.ROWS):
        first = differing[0]
        raise unlike(
            owner, f"{len(differing)} tables differ, first {first}: {rows[first]}, sealed {sealed[first]}"
        )


def _catalogue(owner: Owner, connection: "Connection[TupleRow]", sealed: SealedDatabase) -> tuple[str, ...]:
    """What the catalogue tells; the warnings. Raises FailedError for what is missing or broken."""
    extensions = extensions_of(connection)
    if missing := sorted(set(sealed.extensions) - set(extensions)):
        raise unlike(owner, f"extension {', '.join(missing)} is missing")
    broken = invalid_indexes(connection)
    if ours := [name for name, of_partitions in broken.items() if not of_partitions]:
        raise unlike(owner, f"index {ours[0]} is invalid")
    return tuple(
        cleaned_line(text)
        for text in (
            *_other_versions(sealed.extensions, extensions),
            *(
                f"index {name} of a partitioned table is invalid: a partition lacks its part"
                for name in broken
            ),
            *(
                f"constraint {name} is NOT VALID, as it was dumped: older rows were never held against it"
                for name in unchecked_constraints(connection)
            ),
            *(
                f"role {role} owned or was granted something when the set was made, and nothing here"
                for role in sorted(set(sealed.roles) - set(roles_of(connection)))
            ),
            *map(_unset, sealed.settings),
        )
    )


def _unset(setting: SealedSetting) -> str:
    """A dump brings no settings of the database itself: a person sets them again."""
    of = f"role {setting.role} in the database" if setting.role else "the database"
    value = "a value that was not sealed" if setting.value is None else setting.value
    return f"setting {setting.name} of {of} is in no dump, it was {value} (ALTER … SET)"


def _other_versions(sealed: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name, version in sealed.items():
        # Empty where a dump was sealed that does not tell it.
        if version and found[name] != version:
            yield f"extension {name} has version {found[name]}, sealed {version}"


@dataclass(kw_only=True)
class _Work:
    """Tasks that several connections share."""

    tasks: "deque[Task]"
    reporter: Reporter
    rows: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def do(self, connection: "Connection[TupleRow]") -> None:
        while True:
            with self.lock:
                task = self.tasks.popleft() if self.tasks else None
            if task is None:
                return
            task(connection)

    def counting(self, table: str) -> "Task":
        def count(connection: "Connection[TupleRow]") -> None:
            rows = rows_in(connection, table)
            with self.lock:
                self.rows[table] = rows
            self.reporter.advance()

        return count

    def analysing(self, table: str) -> "Task":
        def analyse(connection: "Connection[TupleRow]") -> None:
            connection.execute(f"ANALYZE {table}".encode())
            self.reporter.advance()

        return analyse


def _counted(
    connections: "list[Connection[TupleRow]]", tables: tuple[str, ...], reporter: Reporter
) -> Mapping[str, int]:
    sizes = analyzable(connections[0])
    work = _Work(tasks=deque(), reporter=reporter)
    tasks = [(sizes.get(table, 0), work.counting(table)) for table in tables]
    tasks += [(size, work.analysing(table)) for table, size in sizes.items()]
    # `sorted` is stable: of one table the count comes first.
    work.tasks.extend(task for _, task in sorted(tasks, key=lambda each: -each[0]))
    reporter.phase("counting rows and gathering statistics", total=len(tasks))
    with ThreadPoolExecutor(max_workers=len(connections)) as workers:
        running = [workers.submit(work.do, connection) for connection in connections]
        try:
            while True:
                done, waiting = wait(running, timeout=_INTERVAL, return_when=FIRST_EXCEPTION)
                for each in done:
                    each.result()
                if not waiting:
                    break
                reporter.advance(0)
        except BaseException:
            work.tasks.clear()
            _cancel(connections)
            raise
    return work.rows


def _cancel(connections: "list[Connection[TupleRow]]") -> None:
    """End what the connections are at, or the failure would wait for it."""
    import psycopg

    for connection in connections:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=5)


def unlike(owner: Owner, what: str) -> FailedError:
    """The error that says that the restored database is not the sealed one."""
    return FailedError(
        f"what was restored is not what was sealed: {cleaned_line(what)}",
        where=owner.phrase,
        hint="the live database was not touched; use another backup set",
    )
