"""Putting a verified database into the live one's place: everybody out, one transaction, or nothing."""

import time
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import FailedError, UnknownOutcomeError
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


def swap(connection: "Connection[TupleRow]", owner: Owner, *, beside: str, kept_as: str, set_id: str) -> bool:
    """Rename the live database to `kept_as`, `beside` to the live name; return whether there was an old one.

    Given an autocommit connection to the maintenance database. Raises FailedError when connections
    cannot be ended or the server refuses; the live database is then as it was and open again.
    """
    import psycopg

    live = owner.database
    replaces = live in databases_seen(connection)
    try:
        if replaces:
            _allow(connection, live, allowed=False)
            _send_away(connection, live)
        _rename(connection, live, beside, kept_as if replaces else None, set_id)
    except BaseException as error:
        if replaces:
            _open_again(connection, live)
        if connection.closed:
            raise UnknownOutcomeError(
                "the connection was lost while the databases were exchanged",
                where=owner.phrase,
                hint="when PostgreSQL is back, `aihummer-drtui probe restore-database` tells what happened",
            ) from None
        if isinstance(error, psycopg.Error):
            raise FailedError(
                f"the databases could not be exchanged: {server_words(error, owner)}",
                where=owner.phrase,
                hint="the live database is as it was; end what holds it (`SELECT * FROM pg_stat_activity`)",
            ) from None
        raise
    return replaces


def _rename(
    connection: "Connection[TupleRow]", live: str, beside: str, kept_as: str | None, set_id: str
) -> None:
    from psycopg import sql

    with connection.transaction():
        commit_synchronously(connection)
        if kept_as is not None:
            old = {"live": sql.Identifier(live), "kept": sql.Identifier(kept_as)}
            connection.execute(sql.SQL("ALTER DATABASE {live} RENAME TO {kept}").format(**old))
            # Open for a look and for the way back; the gateway does not know this name.
            connection.execute(sql.SQL("ALTER DATABASE {kept} ALLOW_CONNECTIONS true").format(**old))
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(beside), sql.Identifier(live))
        )
        write_comment(connection, live, mark_text(Stage.RESTORED, set_id))


def _allow(connection: "Connection[TupleRow]", database: str, *, allowed: bool) -> None:
    from psycopg import sql

    connection.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
            sql.Identifier(database), sql.SQL("true" if allowed else "false")
        )
    )


def _open_again(connection: "Connection[TupleRow]", live: str) -> None:
    import psycopg

    try:
        if live in databases_seen(connection):
            _allow(connection, live, allowed=True)
    except psycopg.Error:
        # The server itself is gone; `probe restore-database` sees the closed database when it is back.
        return


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
