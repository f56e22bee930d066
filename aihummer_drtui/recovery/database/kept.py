"""Databases that were live and are kept: which there are, until when, the way back, and the way out.

Only what the exchange itself marked is touched (`marker`): a database of the right name without the
mark is somebody else's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text, parse_duration
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_of
from aihummer_drtui.recovery.database.marker import (
    Marker,
    Seen,
    Stage,
    beside_name,
    databases_seen,
    marker_in,
)
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A database that was live under another name."""

    seen: Seen
    marker: Marker
    until: datetime
    """Before it the database is dropped only with `--early`; it is never dropped by itself."""

    @property
    def name(self) -> str:
        """Its name now."""
        return self.seen.name

    @property
    def set_id(self) -> str:
        """Of the backup set that it had been restored from; empty = it had not been."""
        former = marker_in(self.marker.former)
        return former.set_id if former and former.stage is Stage.RESTORED else ""

    def __str__(self) -> str:
        size = "of unknown size" if self.seen.size < 0 else bytes_text(self.seen.size)
        return (
            f"{cleaned_line(self.name)}: {size}, kept since {zulu(self.marker.moment)}, "
            f"{until_text(self.until)}"
        )


def zulu(moment: datetime) -> str:
    """A moment for people: `2026-01-31 23:59Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def until_text(until: datetime) -> str:
    """Until when a database is kept, in words."""
    return f"until you drop it (not before {zulu(until)})"


def kept_until(target: Target, moment: datetime) -> datetime:
    """Before when a database that was put aside at `moment` is not to be dropped (`keep-old`)."""
    return moment + keep_time(target)


def keep_time(target: Target) -> timedelta:
    """How long what a restore put aside is kept at least (`keep-old`)."""
    return timedelta(seconds=parse_duration(target.keep_old) or 0.0)


def kept_of(target: Target, database: str, there: Iterable[Seen]) -> list[Kept]:
    """Of the databases that are there, those that were live as `database`, the newest first."""
    found = [
        Kept(seen=seen, marker=seen.marker, until=kept_until(target, seen.marker.moment))
        for seen in there
        if seen.marker
        and seen.marker.stage is Stage.REPLACED
        and seen.marker.live == database
        and seen.name != database
    ]
    return sorted(found, key=lambda each: (each.marker.moment, each.name), reverse=True)


def kept_now(target: Target) -> list[Kept]:
    """The kept databases of a target, the newest first.

    Raises PreconditionError when the server cannot be reached, FailedError when it does not answer.
    """
    owner = owner_of(target)
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=10) as connection,
        failures_named("the server did not answer", owner),
    ):
        return kept_of(target, owner.database, databases_seen(connection).values())


def chosen(kept: list[Kept], name: str, owner: Owner) -> Kept | None:
    """The kept database of that name; of no name the only one or the newest; None = there is none at all.

    Raises PreconditionError for a name that is none of them.
    """
    if not name:
        return kept[0] if kept else None
    found = next((each for each in kept if each.name == name), None)
    if found is None:
        names = ", ".join(cleaned_line(each.name) for each in kept) or "none"
        raise PreconditionError(
            f"{cleaned_line(name, 80)} is not marked as a database that was {cleaned_line(owner.database)}",
            where=owner.phrase,
            hint=f"kept are: {names}",
        )
    return found


def free_name(connection: "Connection[TupleRow]", database: str) -> str:
    """A name that nothing has yet, for the database that is put aside now."""
    there = databases_seen(connection)
    stamp = datetime.now(UTC).strftime("%Y%m%dt%H%M%Sz")
    names = (beside_name(database, Stage.REPLACED, stamp + (f"_{n}" if n else "")) for n in count())
    return next(name for name in names if name not in there)


def refuse_early(kept: Kept, owner: Owner, now: datetime) -> None:
    """Let pass a database that was kept its time. Raises PreconditionError that says how long still."""
    if now < kept.until:
        raise PreconditionError(
            f"{cleaned_line(kept.name)} is to be kept until {zulu(kept.until)}, "
            f"{duration_text((kept.until - now).total_seconds())} more (keep-old)",
            where=owner.phrase,
            hint="it is the way back; if nobody can need it any more, say --early",
        )
