"""Whether a recovered server holds AiHummer's database, whole: looked at before it is put in place."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.connection import Owner
from aihummer_drtui.recovery.database.content import extensions_of, invalid_indexes, row_counts, tables_of
from aihummer_drtui.recovery.database.marker import Stage, mark_text
from aihummer_drtui.recovery.point_in_time.beside import BesideServer
from aihummer_drtui.recovery.reporting import Reporter

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_OF_RECOVERY: Final = (
    "restore_command",
    "recovery_end_command",
    "archive_cleanup_command",
    "recovery_target",
    "recovery_target_time",
    "recovery_target_xid",
    "recovery_target_name",
    "recovery_target_lsn",
    "recovery_target_inclusive",
    "recovery_target_timeline",
    "recovery_target_action",
)
"""Settings that were laid into postgresql.auto.conf for this recovery (PostgreSQL 17, 19.5.5 and 19.5.6)."""
_COLLATION: Final = """
    SELECT to_jsonb(d) ->> 'datcollversion' <> pg_database_collation_actual_version(oid)
    FROM pg_database d WHERE datname = current_database()
"""
_FIRST_WITH_COLLATION_VERSION: Final = 150_000


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the recovered database holds."""

    tables: int
    rows: int
    warnings: tuple[str, ...]


def verify(
    server: BesideServer, owner: Owner, app_role: str, *, maintenance: str, reporter: Reporter
) -> Content:
    """Look that database, roles and extensions are there, and read every row once.

    Raises FailedError that says what is not there; psycopg's errors where something cannot be read.
    """
    reporter.phase("verifying what was recovered")
    with server.connect(maintenance) as connection:
        _refuse_missing_database(connection, owner)
        _refuse_missing_roles(connection, [owner.user, *([app_role] if app_role else [])])
    with server.connect(owner.database) as connection:
        _refuse_missing_extensions(connection)
        warnings = tuple(_warnings(connection))
        reporter.phase("reading every row", total=len(tables_of(connection)), unit="tables")
        with connection.transaction():
            counts = row_counts(connection, each=reporter.advance)
    return Content(tables=len(counts), rows=sum(counts.values()), warnings=warnings)


def settle(server: BesideServer, owner: Owner, point: str, *, maintenance: str) -> None:
    """Take the settings of the recovery away, and mark the database with the point. Raises psycopg's errors.

    The mark is seen by others only once this server is in place.
    """
    from psycopg import sql

    with server.connect(maintenance) as connection:
        for name in _OF_RECOVERY:
            connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(owner.database), sql.Literal(mark_text(Stage.RESTORED, "", point=point))
            )
        )


def _refuse_missing_database(connection: "Connection[TupleRow]", owner: Owner) -> None:
    rows = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
    found = [str(row[0]) for row in rows]
    if owner.database not in found:
        raise FailedError(
            f"the recovered server has no database {cleaned_line(owner.database, 63)}; "
            f"it has {cleaned_line(', '.join(found) or 'none', 200)}",
            where=owner.phrase,
            hint="the live server is as it was; was it made later than that point, or is it another "
            "server's base backup?",
        )


def _refuse_missing_roles(connection: "Connection[TupleRow]", names: list[str]) -> None:
    there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    if missing := [name for name in names if name not in there]:
        raise FailedError(
            f"the recovered server has no role {cleaned_line(', '.join(missing))}",
            where="gateway.env names it",
            hint="the live server is as it was; was the role made later than that point?",
        )


def _refuse_missing_extensions(connection: "Connection[TupleRow]") -> None:
    available = {row[0] for row in connection.execute("SELECT name FROM pg_available_extensions")}
    if missing := [name for name in extensions_of(connection) if name not in available]:
        raise FailedError(
            f"extension {cleaned_line(', '.join(missing))} is not installed on this host",
            where="the recovered database uses it",
            hint="install it (package postgresql-contrib holds pgcrypto), then run the same command again: "
            "the live server is as it was",
        )


def _warnings(connection: "Connection[TupleRow]") -> list[str]:
    warnings = []
    if broken := invalid_indexes(connection):
        first = cleaned_line(next(iter(broken)), 100)
        warnings.append(f"index {first} is invalid, as it was at that point: REINDEX it later")
    if connection.info.server_version >= _FIRST_WITH_COLLATION_VERSION:
        row = connection.execute(_COLLATION).fetchone()
        if row and row[0]:
            # Indexes on text are ordered as the old host's C library did (PostgreSQL 17, 23.2.2.3).
            warnings.append(
                "this host sorts text by another version of its locale: REINDEX DATABASE, then ALTER "
                "DATABASE … REFRESH COLLATION VERSION"
            )
    return warnings
