"""Putting a verified database into the live one's place: everybody out, one transaction, or nothing."""

import time
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import DrtuiError, FailedError, UnknownOutcomeError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.connection import Owner, server_words
from aihummer_drtui.recovery.database.marker import (
    A_CLIENT,
    Stage,
    commit_synchronously,
    databases_seen,
    mark_text,
    write_comment,
)

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_PATIENCE: Final = 10.0
"""Seconds for ended connections to be gone; a backend in a system call answers late."""
_HOLDERS: Final = f"""
    SELECT pid, usename, application_name FROM pg_stat_activity
    WHERE datname = %s AND {A_CLIENT} ORDER BY pid
"""  # noqa: S608 - our own words only


def swap(
    connection: "Connection[TupleRow]",
    owner: Owner,
    *,
    beside: str,
    kept_as: str,
    set_id: str,
    comment: str | None,
) -> bool:
    """Rename the live database to `kept_as`, `beside` to the live name; return whether there was an old one.

    `comment` is what the new live one is marked with; the old one is marked, in the same transaction, as
    kept and as replaced by `set_id`. Given an autocommit connection to the maintenance database. Raises
    FailedError when connections cannot be ended or the server refuses; all is then as it was and open.
    """
    import psycopg

    live = owner.database
    old = databases_seen(connection).get(live)
    closed = [live, beside] if old else [beside]
    kept = mark_text(Stage.REPLACED, set_id, live=live, former=old.comment) if old else None
    try:
        for name in closed:
            _allow(connection, name, allowed=False)
            _send_away(connection, name)
        _rename(connection, live, beside, kept_as, kept, comment)
    except BaseException as error:
        still_closed = _open_again(connection, closed)
        if connection.closed:
            raise UnknownOutcomeError(
                "the connection was lost while the databases were exchanged",
                where=owner.phrase,
                hint="when PostgreSQL is back, `aihummer-drtui probe restore-database` (or restore-undo) "
                "tells what happened",
            ) from None
        if still_closed and isinstance(error, Exception):
            raise _left_closed(error, still_closed, owner) from None
        if isinstance(error, psycopg.Error):
            raise FailedError(
                f"the databases could not be exchanged: {server_words(error, owner)}",
                where=owner.phrase,
                hint="the live database is as it was; end what holds it (`SELECT * FROM pg_stat_activity`)",
            ) from None
        raise
    return old is not None


def _rename(
    connection: "Connection[TupleRow]",
    live: str,
    beside: str,
    kept_as: str,
    kept: str | None,
    comment: str | None,
) -> None:
    with connection.transaction():
        commit_synchronously(connection)
        if kept is not None:
            _put(connection, live, kept_as, kept)
        _put(connection, beside, live, comment)


def _put(connection: "Connection[TupleRow]", database: str, name: str, comment: str | None) -> None:
    """Give a database its new name and comment, and open it: a kept one too, for a look and the way back."""
    from psycopg import sql

    names = {"old": sql.Identifier(database), "new": sql.Identifier(name)}
    connection.execute(sql.SQL("ALTER DATABASE {old} RENAME TO {new}").format(**names))
    _allow(connection, name, allowed=True)
    write_comment(connection, name, comment)


def _allow(connection: "Connection[TupleRow]", database: str, *, allowed: bool) -> None:
    from psycopg import sql

    connection.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
            sql.Identifier(database), sql.SQL("true" if allowed else "false")
        )
    )


def _open_again(connection: "Connection[TupleRow]", closed: list[str]) -> list[str]:
    """Let connections in again, into each that can be; give the names of the others.

    Where the server itself is gone, the probe sees the closed database when it is back.
    """
    import psycopg

    left = []
    for name in closed:
        try:
            _allow(connection, name, allowed=True)
        except psycopg.errors.InvalidCatalogName:
            # It is not there: nothing of that name is closed.
            continue
        except psycopg.Error:
            left.append(name)
    return left


def _left_closed(error: Exception, closed: list[str], owner: Owner) -> FailedError:
    import psycopg

    if isinstance(error, psycopg.Error):
        why = server_words(error, owner)
    else:
        why = error.what if isinstance(error, DrtuiError) else str(error)
    names = ", ".join(cleaned_line(name) for name in closed)
    return FailedError(
        f"the databases could not be exchanged: {why}; {names} lets nobody in and could not be opened again",
        where=owner.phrase,
        hint=f'as a superuser: ALTER DATABASE "{cleaned_line(closed[0])}" ALLOW_CONNECTIONS true; no data '
        "was changed",
    )


def _send_away(connection: "Connection[TupleRow]", database: str) -> None:
    import psycopg

    deadline = time.monotonic() + _PATIENCE
    refused = ""
    while holders := connection.execute(_HOLDERS, (database,)).fetchall():
        for pid, _, _ in holders:
            try:
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
            except psycopg.errors.InsufficientPrivilege:
                refused = "this role may not end them"
        if refused or time.monotonic() > deadline:
            names = ", ".join(
                f"{user or '?'} ({program or 'no name'}, pid {pid})" for pid, user, program in holders
            )
            raise FailedError(
                f"connections hold the live database: {refused or 'they do not end'}: {cleaned_line(names)}",
                where=database,
                hint="stop what is connected (the gateway, a psql), then try again; nothing was changed",
            )
        time.sleep(0.05)
