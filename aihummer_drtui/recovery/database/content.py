"""What a database holds, as its catalogue tells: sealed at backup, compared after a restore."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aihummer_drtui.recovery.backup.manifest import SealedDatabase, SealedSetting

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_TABLES: Final = """
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
"""  # tables of extensions are made by the extension, not by the dump
_ROLES: Final = """
    SELECT r.rolname FROM pg_shdepend d
    JOIN pg_database b ON b.oid = d.dbid AND b.datname = current_database()
    JOIN pg_roles r ON r.oid = d.refobjid
    WHERE d.refclassid = 'pg_authid'::regclass
    UNION
    SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()
    ORDER BY 1
"""
_SETTINGS: Final = """
    SELECT coalesce(pg_get_userbyid(nullif(s.setrole, 0)), ''), unnest(s.setconfig)
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database() ORDER BY 1, 2
"""
_LSN: Final = (
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text"
)
_EXTENSIONS: Final = "SELECT extname, extversion FROM pg_extension ORDER BY 1"
_ANALYZABLE: Final = """
    SELECT format('%I.%I', n.nspname, c.relname), pg_relation_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND pg_has_role(c.relowner, 'USAGE')
"""  # the catalogue has its statistics from the template (initdb), and autovacuum for what was added
_INVALID: Final = """
    SELECT i.indexrelid::regclass::text, c.relkind = 'I'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid ORDER BY 1
"""
_NOT_VALID: Final = """
    SELECT format('%I of %s', conname, conrelid::regclass) FROM pg_constraint
    WHERE NOT convalidated AND conrelid <> 0 ORDER BY 1
"""


def tables_of(connection: "Connection[TupleRow]") -> tuple[str, ...]:
    """Every ordinary table that a dump brings, as `schema.table`, quoted for SQL, sorted."""
    return tuple(row[0] for row in connection.execute(_TABLES))


def row_counts(
    connection: "Connection[TupleRow]", *, each: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Exact row counts by table, calling `each` after every one.

    Raises psycopg's error rather than counting only what row-level security lets this role see.
    """
    connection.execute("SET LOCAL row_security = off")
    counts = {}
    for table in tables_of(connection):
        counts[table] = rows_in(connection, table)
        each()
    return counts


def rows_in(connection: "Connection[TupleRow]", table: str) -> int:
    """How many rows a table has; its name as `tables_of` gives it. Raises as `row_counts` does."""
    # The name comes quoted from the catalogue by format('%I.%I').
    return one_number(connection, f"SELECT count(*) FROM {table}")  # noqa: S608


def analyzable(connection: "Connection[TupleRow]") -> dict[str, int]:
    """Every table of the dump that this role can gather statistics of, with its bytes."""
    return {row[0]: row[1] for row in connection.execute(_ANALYZABLE)}


def extensions_of(connection: "Connection[TupleRow]") -> dict[str, str]:
    """Installed extensions with their versions."""
    return {row[0]: row[1] for row in connection.execute(_EXTENSIONS)}


def roles_of(connection: "Connection[TupleRow]") -> tuple[str, ...]:
    """Roles that the database's objects, grants and policies name; without the bootstrap superuser's."""
    return tuple(row[0] for row in connection.execute(_ROLES))


def invalid_indexes(connection: "Connection[TupleRow]") -> dict[str, bool]:
    """Indexes that PostgreSQL does not use, and whether each is of a partitioned table.

    An ordinary one is invalid because its building broke off; that of a partitioned table may have been
    so from the beginning, when not every partition has its part of it.
    """
    return {row[0]: row[1] for row in connection.execute(_INVALID)}


def unchecked_constraints(connection: "Connection[TupleRow]") -> tuple[str, ...]:
    """Constraints that are NOT VALID: older rows were never held against them."""
    return tuple(row[0] for row in connection.execute(_NOT_VALID))


def describe(connection: "Connection[TupleRow]", *, each: Callable[[], None]) -> SealedDatabase:
    """Describe the connected database at the transaction's snapshot; `each` is called for every table."""
    # The columns of the locale changed names in 15 and 17; to_jsonb takes whichever are there.
    row = connection.execute(
        "SELECT datname, pg_database_size(oid), pg_encoding_to_char(encoding), datcollate, datctype,"
        " coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),"
        " coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),"
        " current_setting('server_version_num')::int"
        " FROM pg_database d WHERE datname = current_database()"
    ).fetchone()
    assert row is not None  # noqa: S101 - the database we are connected to is in the catalogue
    return SealedDatabase(
        name=row[0],
        size=row[1],
        encoding=row[2],
        collate=row[3],
        ctype=row[4],
        locale_provider=row[5],
        locale=row[6],
        server_version_num=row[7],
        lsn=lsn_now(connection),
        tables=row_counts(connection, each=each),
        extensions=extensions_of(connection),
        roles=roles_of(connection),
        settings=settings_of(connection),
    )


def settings_of(connection: "Connection[TupleRow]") -> tuple[SealedSetting, ...]:
    """What ALTER DATABASE … SET has set, for everyone or for a role (ALTER ROLE … IN DATABASE … SET).

    PostgreSQL's own settings that can be set so hold no secret; those of applications have a dot in their
    name, and their values are left out.
    """
    rows = connection.execute(_SETTINGS)
    return tuple(
        SealedSetting(name=name, role=role, value=None if "." in name else value)
        for role, (name, _, value) in ((row[0], row[1].partition("=")) for row in rows)
    )


def lsn_now(connection: "Connection[TupleRow]") -> str:
    """The write-ahead log's position now."""
    row = connection.execute(_LSN).fetchone()
    return str(row[0]) if row else ""


def one_number(connection: "Connection[TupleRow]", statement: str) -> int:
    """The number that a statement of one row and one column gives; 0 for NULL."""
    row = connection.execute(statement.encode()).fetchone()
    return int(row[0] or 0) if row else 0
