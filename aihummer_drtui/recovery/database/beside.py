"""The database beside the live one: made for a restore, marked, and gone again if the restore breaks."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from aihummer_drtui.recovery.backup.manifest import SealedDatabase
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.database.connection import Owner, failures_named
from aihummer_drtui.recovery.database.marker import (
    Seen,
    Stage,
    beside_name,
    commit_synchronously,
    databases_seen,
    mark_text,
    write_comment,
)

if TYPE_CHECKING:
    from psycopg import Connection, sql
    from psycopg.rows import TupleRow


@contextmanager
def database_beside(
    connection: "Connection[TupleRow]", owner: Owner, backup: BackupSet
) -> Iterator[Callable[[], str]]:
    """Begin to make a fresh database; whatever breaks within the block, it is dropped.

    Give what waits until it is there and returns its name, or raises FailedError. Until then the
    connection is at work.
    """
    import psycopg

    name = beside_name(owner.database, Stage.RESTORING, secrets.token_hex(4))
    with ThreadPoolExecutor(max_workers=1) as maker:
        making = maker.submit(_make, connection, owner, backup, name)
        try:
            yield making.result
        except BaseException:
            wait([making])
            # Where the server is gone too, the mark is on the database: the next restore drops it.
            with suppress(psycopg.Error):
                _drop(connection, name)
            raise


def _make(connection: "Connection[TupleRow]", owner: Owner, backup: BackupSet, name: str) -> str:
    with failures_named("a database beside the live one could not be made", owner):
        connection.execute(_creation(name, backup.manifest.database))
        write_comment(connection, name, mark_text(Stage.RESTORING, backup.manifest.set_id))
    return name


def drop_leftovers(connection: "Connection[TupleRow]", owner: Owner) -> None:
    """Drop what a killed restore left; under the lock whoever filled it is gone."""
    for name in leftovers(owner.database, databases_seen(connection)):
        _drop(connection, name)


def leftovers(database: str, there: Mapping[str, Seen]) -> list[str]:
    """Of the databases that are there, those that restores of `database` filled, by their names.

    Another database's on the same server may be at work now.
    """
    prefix = beside_name(database, Stage.RESTORING, "x" * 8)[:-8]
    return sorted(
        name
        for name, seen in there.items()
        if seen.marker and seen.marker.stage is Stage.RESTORING and seen.ours and name.startswith(prefix)
    )


def durable_until_here(connection: "Connection[TupleRow]", beside: str, set_id: str) -> None:
    """Return when all that was restored is on the server's disk.

    The restore's own commits were asynchronous. One synchronous commit is enough to make up for it: it
    waits until the write-ahead log is flushed up to its own record, and the log is flushed in order, so
    all earlier records are on disk with it (https://www.postgresql.org/docs/current/wal-async-commit.html:
    what is at risk are the last transactions, and recovery never finds a later one without an earlier
    one). A CHECKPOINT would need a right that the owner may lack (pg_checkpoint). Where wal_level is
    `minimal`, a table that is made and filled in one transaction is itself synced before its commit
    (…/runtime-config-wal.html#GUC-WAL-SKIP-THRESHOLD).
    """
    with connection.transaction():
        commit_synchronously(connection)
        # Any change of a catalogue is logged; a transaction that logs nothing flushes nothing.
        write_comment(connection, beside, mark_text(Stage.RESTORING, set_id))


def _drop(connection: "Connection[TupleRow]", name: str) -> None:
    from psycopg import sql

    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


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
