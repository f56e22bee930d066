"""What an irreversible command on the database would act on, told so that a person recognises it."""

from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_of
from aihummer_drtui.recovery.database.content import one_number, row_counts
from aihummer_drtui.recovery.database.kept import kept_of
from aihummer_drtui.recovery.database.marker import Seen, Stage, databases_seen
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_COUNTED_UP_TO: Final = 200_000_000
"""Bytes; rows of a larger database are estimated."""
_SECONDS: Final = 5.0


def database_facts(target: Target) -> tuple[str, ...]:
    """Given a target, return what a restore of its database would replace, a line each.

    Raises PreconditionError when gateway.env names no database or the server cannot be reached, and
    FailedError when the server does not answer.
    """
    owner = owner_of(target)
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=_SECONDS) as connection,
        failures_named("the server did not answer", owner),
    ):
        there = databases_seen(connection)
    live = there.get(owner.database)
    where = cleaned_line(str(owner.place))
    kept = tuple(f"old database {each}" for each in kept_of(target, owner.database, there.values()))
    if live is None:
        return where, "no database of that name: a dump replaces nothing", *kept
    return where, *_facts(owner, live), *kept


def refuse_other_identity(owner: Owner, confirm: str) -> None:
    """Let pass the exact `host/database` of the target. Raises PreconditionError that says what to type."""
    if confirm != owner.phrase:
        raise PreconditionError(
            f"{cleaned_line(confirm, 100)!r} is not the target"
            if confirm
            else "the target was not confirmed",
            where=owner.phrase,
            hint=f"look at what would be replaced; to go on, type exactly: {cleaned_line(owner.phrase)}",
        )


def _facts(owner: Owner, live: Seen) -> tuple[str, ...]:
    size = "size not known" if live.size < 0 else bytes_text(live.size)
    facts = [f"{size}, owned by {cleaned_line(live.owner)}, {live.connections} connections now"]
    if live.marker and live.marker.stage is Stage.RESTORED:
        facts.append(f"{cleaned_line(live.marker.origin)} at {cleaned_line(live.marker.at)}")
    try:
        with (
            connect(owner, statement_seconds=_SECONDS) as connection,
            failures_named("rows could not be counted", owner),
        ):
            facts += [_rows(connection, live), _last_write(connection)]
    except DrtuiError as error:
        facts.append(f"rows and last write unknown: {cleaned_line(error.what)}")
    return tuple(facts)


def rows_told(owner: Owner, seen: Seen) -> str:
    """The rows of any database that the owner may open, in words; what cannot be known is said."""
    try:
        with (
            connect(owner, database=seen.name, statement_seconds=_SECONDS) as connection,
            failures_named("they could not be counted", owner),
        ):
            return _rows(connection, seen)
    except DrtuiError as error:
        return f"rows unknown: {cleaned_line(error.what)}"


def _rows(connection: "Connection[TupleRow]", live: Seen) -> str:
    if 0 <= live.size <= _COUNTED_UP_TO:
        counts = row_counts(connection)
        return f"{sum(counts.values()):,} rows in {len(counts)} tables"
    estimate = one_number(
        connection,
        "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class c JOIN pg_namespace n"
        " ON n.oid = relnamespace"
        " WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema'",
    )
    return f"about {estimate:,} rows (the planner's estimate)"


def _last_write(connection: "Connection[TupleRow]") -> str:
    row = connection.execute("SHOW track_commit_timestamp").fetchone()
    if row and row[0] == "on":
        moment = connection.execute("SELECT timestamp FROM pg_last_committed_xact()").fetchone()
        if moment and moment[0]:
            return f"last write on this server {moment[0].isoformat(timespec='seconds')}"
    return "last write unknown (track_commit_timestamp is off)"
