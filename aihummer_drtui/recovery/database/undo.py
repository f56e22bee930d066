"""Taking a restore back, and dropping what is kept for that: each its own command, each behind the gate."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.alone import take_lock
from aihummer_drtui.recovery.database.connection import (
    Owner,
    connect,
    failures_named,
    owner_of,
)
from aihummer_drtui.recovery.database.identity import refuse_other_identity, rows_told
from aihummer_drtui.recovery.database.kept import (
    Kept,
    chosen,
    free_name,
    kept_of,
    kept_until,
    refuse_early,
)
from aihummer_drtui.recovery.database.marker import databases_seen
from aihummer_drtui.recovery.database.swap import swap
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What was put back."""

    database: str
    back: str
    """The name under which it was kept."""
    kept_as: str
    """The name of what was live before the undo; empty = there was nothing."""
    kept_until: str
    """ISO 8601, UTC; empty as `kept_as`."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What is gone."""

    name: str
    size: int
    """Bytes; -1 = not known."""
    rows: str
    """In words."""
    since: str
    """When it was put aside: ISO 8601, UTC."""


def undo_restore(target: Target, *, confirm: str, mode: str, kept: str = "") -> Undone:
    """Put the newest kept database (or `kept`) back in place; what is live now is kept in turn.

    Raises PreconditionError when none is kept, LockedError when a restore is at work, FailedError when the
    exchange is refused; everything is then as it was.
    """
    owner = _gated(target, confirm, mode)
    with (
        ended_in_order(),
        connect(owner, database=target.maintenance_database, autocommit=True) as connection,
        failures_named("the undo broke off", owner),
    ):
        take_lock(connection, owner)
        back = _chosen(connection, target, owner, kept)
        if back is None:
            raise PreconditionError(
                f"no database is kept that was {cleaned_line(owner.database)}",
                where=owner.phrase,
                hint="there is nothing to go back to; `restore database` brings back a backup set",
            )
        kept_as = free_name(connection, owner.database)
        now = datetime.now(UTC)
        replaced = swap(
            connection,
            owner,
            beside=back.name,
            kept_as=kept_as,
            set_id=back.set_id,
            comment=back.marker.former,
        )
    return Undone(
        database=owner.database,
        back=back.name,
        kept_as=kept_as if replaced else "",
        kept_until=kept_until(target, now).isoformat(timespec="seconds") if replaced else "",
    )


def drop_old(
    target: Target, *, confirm: str, mode: str, kept: str = "", early: bool = False
) -> Dropped | None:
    """Drop the kept database (of several the one called `kept`); None = none is kept.

    Raises PreconditionError when it is not clear which, its time is not over and `early` not said, or
    somebody is connected to it; LockedError when a restore is at work; FailedError when the server refuses.
    """
    from psycopg import sql

    owner = _gated(target, confirm, mode)
    with (
        ended_in_order(),
        connect(owner, database=target.maintenance_database, autocommit=True) as connection,
        failures_named("the old database was not dropped", owner),
    ):
        take_lock(connection, owner)
        old = droppable(connection, target, owner, kept)
        if old is None:
            return None
        if not early:
            refuse_early(old, owner, datetime.now(UTC))
        if old.seen.connections:
            raise PreconditionError(
                f"{old.seen.connections} connections are open to {cleaned_line(old.name)}",
                where=owner.phrase,
                hint="somebody looks at it: ask who, end them, then try again; nothing was dropped",
            )
        rows = rows_told(owner, old.seen)
        # Without FORCE: whoever came in since the look is not thrown out.
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old.name)))
    return Dropped(name=old.name, size=old.seen.size, rows=rows, since=old.marker.at)


def droppable(connection: "Connection[TupleRow]", target: Target, owner: Owner, kept: str) -> Kept | None:
    """The kept database that would be dropped; None = none is kept.

    Raises PreconditionError when several are and none was named.
    """
    found = kept_of(target, owner.database, databases_seen(connection).values())
    if len(found) > 1 and not kept:
        names = ", ".join(cleaned_line(each.name) for each in found)
        raise PreconditionError(
            f"{len(found)} old databases are kept, and which one to drop was not said",
            where=owner.phrase,
            hint=f"name it: --kept NAME, of {names}",
        )
    return chosen(found, kept, owner)


def drop_facts(target: Target, kept: str) -> str:
    """What `drop_old` would drop, in one line: name, size, rows, since when; empty = nothing is kept.

    Raises as `droppable` and `connect` do.
    """
    owner = owner_of(target)
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=10) as connection,
        failures_named("the server did not answer", owner),
    ):
        old = droppable(connection, target, owner, kept)
    return f"{old}, {rows_told(owner, old.seen)}" if old else ""


def undo_facts(target: Target, kept: str) -> str:
    """What `undo_restore` would put back, in one line; empty = nothing is kept. Raises as `drop_facts`."""
    owner = owner_of(target)
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=10) as connection,
        failures_named("the server did not answer", owner),
    ):
        back = _chosen(connection, target, owner, kept)
    return f"{back}, {rows_told(owner, back.seen)}" if back else ""


def _chosen(connection: "Connection[TupleRow]", target: Target, owner: Owner, kept: str) -> Kept | None:
    return chosen(kept_of(target, owner.database, databases_seen(connection).values()), kept, owner)


def _gated(target: Target, confirm: str, mode: str) -> Owner:
    refuse_wrong_mode(target, mode)
    owner = owner_of(target)
    refuse_other_identity(owner, confirm)
    return owner
