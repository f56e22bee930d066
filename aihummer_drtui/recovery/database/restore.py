"""Bringing the database back from a dump: beside the live one, verified, then put in its place.

Read as a procedure: refuse, look, prove the dump, fill a database beside, compare, exchange. Until the
exchange the live database is not touched, and the exchange is one transaction.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest, SealedDatabase
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.backup.verify import open_dump
from aihummer_drtui.recovery.database.connection import (
    Owner,
    connect,
    failures_named,
    owner_of,
    program_access,
)
from aihummer_drtui.recovery.database.content import extensions_of, invalid_indexes, one_number, row_counts
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.database.marker import Stage, beside_name, databases_seen, mark_text
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.database.ready import readiness
from aihummer_drtui.recovery.database.swap import swap
from aihummer_drtui.recovery.database.tools import PostgresTools, find_tools
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.key.proof import refuse_key_that_opens_nothing, refuse_other_key
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    from psycopg import Connection, sql
    from psycopg.rows import TupleRow

_LOCK: Final = 0x64727475695F6462
"""Advisory lock of one restore at a time per server: "drtui_db" in ASCII."""
_FIRST_WITH_TRANSACTION_TIMEOUT: Final = 17


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done."""

    database: str
    kept_as: str
    """The old database's new name; empty = there was none."""
    rows: int
    tables: int
    compared: bool = True
    """False = the set was sealed without row counts: these are what was restored, nothing more."""


def restore_database(
    target: Target,
    backup: BackupSet,
    *,
    confirm: str,
    mode: str,
    reporter: Reporter,
    again: bool = False,
    jobs: int = 0,
) -> Restored:
    """Replace the target's database by the one in `backup`; the old one is kept under another name.

    `confirm` is the identity `host/database`; `mode` the run's, empty by hand; `jobs` 0 = one a core.
    Raises PreconditionError before anything is made, LockedError when another restore is at work, and
    FailedError when the work breaks: the database beside is then dropped, the live one is as it was.
    """
    refuse_wrong_mode(target, mode)
    owner = owner_of(target)
    refuse_other_identity(owner, confirm)
    refuse_untrusted(target, backup)
    refuse_other_key(read_gateway_env(target.gateway_env), backup.manifest)
    refuse_key_that_opens_nothing(target, backup, reporter)
    tools = find_tools(target, at_least=backup.manifest.tools_major)
    with (
        ended_in_order(),
        connect(owner, database=target.maintenance_database, autocommit=True) as connection,
        failures_named("the restore broke off", owner),
    ):
        _take_lock(connection, owner)
        _look(connection, owner, backup, again=again)
        dump = open_dump(backup, reporter)
        try:
            with _beside(connection, owner, backup) as beside:
                _fill(connection, owner, tools, dump, beside, backup, jobs or os.cpu_count() or 1, reporter)
                found = _compare(owner, beside, backup.manifest, reporter)
                return _exchange(connection, owner, beside, backup, found, reporter)
        finally:
            os.close(dump)


def _take_lock(connection: "Connection[TupleRow]", owner: Owner) -> None:
    if not one_number(connection, f"SELECT pg_try_advisory_lock({_LOCK})::int"):
        raise LockedError(
            "another `restore database` is at work on this server",
            where=owner.phrase,
            hint="wait for it, or end it; `aihummer-drtui probe restore-database` tells where it stands",
        )


def _look(connection: "Connection[TupleRow]", owner: Owner, backup: BackupSet, *, again: bool) -> None:
    live = databases_seen(connection).get(owner.database)
    set_id = backup.manifest.set_id
    if live and live.marker and live.marker.set_id == set_id and not again:
        raise PreconditionError(
            f"this very backup set was already restored here at {cleaned_line(live.marker.at)}",
            where=owner.phrase,
            hint="what was written since would be lost; if that is meant, say --again",
        )
    _drop_leftovers(connection, owner)
    found = readiness(connection, owner, backup.manifest)
    if found.problems:
        raise PreconditionError(
            "the server cannot take this dump: " + "; ".join(found.problems),
            where=owner.phrase,
            hint="mend each of these as a superuser of PostgreSQL, then try again; nothing was changed",
        )


def _drop_leftovers(connection: "Connection[TupleRow]", owner: Owner) -> None:
    """Drop what a killed restore left; under the lock whoever filled it is gone."""
    prefix = beside_name(owner.database, Stage.RESTORING, "x" * 8)[:-8]
    for name, seen in databases_seen(connection).items():
        marked = seen.marker is not None and seen.marker.stage is Stage.RESTORING
        if marked and seen.ours and name.startswith(prefix):
            _drop(connection, name)


def _drop(connection: "Connection[TupleRow]", name: str) -> None:
    from psycopg import sql

    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _beside(connection: "Connection[TupleRow]", owner: Owner, backup: BackupSet) -> Iterator[str]:
    """Give the name of a fresh database; whatever breaks within the block, it is dropped."""
    import psycopg
    from psycopg import sql

    name = beside_name(owner.database, Stage.RESTORING, secrets.token_hex(4))
    try:
        with failures_named("a database beside the live one could not be made", owner):
            connection.execute(_creation(name, backup.manifest.database))
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name), sql.Literal(mark_text(Stage.RESTORING, backup.manifest.set_id))
                )
            )
        yield name
    except BaseException:
        # Where the server is gone too, the mark is on the database: the next restore drops it.
        with suppress(psycopg.Error):
            _drop(connection, name)
        raise


def _creation(name: str, sealed: SealedDatabase) -> "sql.Composed":
    from psycopg import sql

    if not sealed.encoding:
        # Sealed around a dump that did not tell: the server's own encoding and locale.
        return sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    locale = sql.Literal(sealed.locale)
    parts: list[sql.Composable] = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}").format(
            sql.Identifier(name), sql.Literal(sealed.encoding)
        ),
        sql.SQL("LC_COLLATE {} LC_CTYPE {}").format(sql.Literal(sealed.collate), sql.Literal(sealed.ctype)),
    ]
    match sealed.locale_provider:
        case "i":
            parts.append(sql.SQL("LOCALE_PROVIDER icu ICU_LOCALE {}").format(locale))
        case "b":
            parts.append(sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE {}").format(locale))
        case _:
            # 15 was the first to know the word; before it there was nothing else.
            if sealed.server_version_num >= 150_000:
                parts.append(sql.SQL("LOCALE_PROVIDER libc"))
    return sql.SQL(" ").join(parts)


def _fill(
    connection: "Connection[TupleRow]",
    owner: Owner,
    tools: PostgresTools,
    dump: int,
    beside: str,
    backup: BackupSet,
    jobs: int,
    reporter: Reporter,
) -> None:
    reporter.phase("restoring the database", total=backup.manifest.database.size, unit="bytes")
    server = one_number(connection, "SHOW server_version_num") // 10_000
    # pg_restore 17 and newer sets transaction_timeout, which older servers do not know: there the one
    # error must not end it, and every other is found in what it says.
    tolerant = server < _FIRST_WITH_TRANSACTION_TIMEOUT <= tools.major
    with program_access(owner, database=beside) as access:
        ended = run_program(
            [
                tools.pg_restore,
                *([] if tolerant else ["--exit-on-error"]),
                f"--jobs={jobs}",
                "--no-password",
                f"--dbname={access.conninfo}",
                f"/proc/self/fd/{dump}",
            ],
            environment=access.environment,
            descriptors=(*access.descriptors, dump),
            meanwhile=lambda: reporter.reached(_size(connection, beside)),
        )
    if ended.code != 0 and not (tolerant and _only_transaction_timeout(ended)):
        raise FailedError(
            f"pg_restore {ended.how}: {ended.first_words}",
            where=owner.phrase,
            hint="the live database was not touched; mend the cause, then run the same command again",
        )
    reporter.reached(backup.manifest.database.size)


def _only_transaction_timeout(ended: Ended) -> bool:
    errors = [line for line in ended.words.splitlines() if line.startswith("pg_restore: error:")]
    return ended.code == 1 and bool(errors) and all('"transaction_timeout"' in line for line in errors)


def _size(connection: "Connection[TupleRow]", database: str) -> int:
    row = connection.execute("SELECT pg_database_size(%s)", (database,)).fetchone()
    return int(row[0]) if row else 0


def _compare(owner: Owner, beside: str, manifest: Manifest, reporter: Reporter) -> Mapping[str, int]:
    """The rows by table; raises FailedError when anything is not as sealed."""
    sealed = manifest.database
    reporter.phase("comparing with the seal", total=len(sealed.tables), unit="tables")
    with connect(owner, database=beside) as connection:
        found = row_counts(connection, each=reporter.advance)
        differing = sorted(
            name for name in {*found, *sealed.tables} if found.get(name) != sealed.tables.get(name)
        )
        if differing and manifest.knows(Fact.ROWS):
            first = differing[0]
            seen, should = found.get(first, "missing"), sealed.tables.get(first, "none")
            raise _unlike(owner, f"{len(differing)} tables differ, first {first}: {seen}, sealed {should}")
        if missing := sorted(set(sealed.extensions) - set(extensions_of(connection))):
            raise _unlike(owner, f"extension {', '.join(missing)} is missing")
        if broken := invalid_indexes(connection):
            raise _unlike(owner, f"index {broken[0]} is invalid")
        connection.rollback()
        connection.autocommit = True
        reporter.phase("gathering statistics")
        connection.execute("ANALYZE")
        return found


def _unlike(owner: Owner, what: str) -> FailedError:
    return FailedError(
        f"what was restored is not what was sealed: {cleaned_line(what)}",
        where=owner.phrase,
        hint="the live database was not touched; use another backup set",
    )


def _exchange(
    connection: "Connection[TupleRow]",
    owner: Owner,
    beside: str,
    backup: BackupSet,
    found: Mapping[str, int],
    reporter: Reporter,
) -> Restored:
    reporter.phase("exchanging the databases")
    kept_as = _free_name(connection, owner.database)
    replaced = swap(connection, owner, beside=beside, kept_as=kept_as, set_id=backup.manifest.set_id)
    return Restored(
        database=owner.database,
        kept_as=kept_as if replaced else "",
        rows=sum(found.values()),
        tables=len(found),
        compared=backup.manifest.knows(Fact.ROWS),
    )


def _free_name(connection: "Connection[TupleRow]", database: str) -> str:
    there = databases_seen(connection)
    stamp = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz")
    names = (beside_name(database, "replaced", stamp + (f"_{n}" if n else "")) for n in count())
    return next(name for name in names if name not in there)
