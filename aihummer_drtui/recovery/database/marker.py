"""What this program writes on a database (COMMENT ON DATABASE) so that it is recognised later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_PREFIX: Final = "aihummer-drtui "
_NAME_LIMIT: Final = 63  # NAMEDATALEN - 1, in bytes


A_CLIENT: Final = (
    "pid <> pg_backend_pid() AND usename IS NOT NULL"
    " AND (backend_type IS NULL OR backend_type = 'client backend')"
)
"""Of pg_stat_activity; the kind of a stronger role's session is hidden (NULL), a worker's user is NULL."""


class Stage(StrEnum):
    """How far the restore of a marked database has come."""

    PROVING = "proving"
    """It is a scratch database, in which a dump's vault is opened; dropped as soon as that is done."""
    RESTORING = "restoring"
    """It stands beside the live one and is being filled."""
    RESTORED = "restored"
    """It was verified and put in the live one's place."""
    REPLACED = "replaced"
    """It was live, and is kept until a person drops it."""


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """The mark."""

    stage: Stage
    set_id: str
    """Of the set that it was restored from; of a replaced one that of what took its place. Empty where the
    database came with a whole server that was recovered to a point."""
    at: str
    """ISO 8601, UTC."""
    point: str = ""
    """The recovery point of that server; empty = it came from the set's dump."""
    live: str = ""
    """Of a replaced one: the name under which it was live."""
    former: str | None = None
    """Of a replaced one: the comment that it had, which it gets back with its name."""

    @property
    def origin(self) -> str:
        """Where the database came from, in words and not cleaned."""
        return f"recovered to {self.point}" if self.point else f"restored from backup set {self.set_id}"

    @property
    def moment(self) -> datetime:
        """`at` as a time."""
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A database as the server's catalogue tells it."""

    name: str
    owner: str
    ours: bool
    """Whether the connected role owns it, by membership too."""
    size: int
    """Bytes; -1 where this role may not ask."""
    allows_connections: bool
    connections: int
    """Of clients, other than the one that asks."""
    comment: str | None
    marker: Marker | None


def mark_text(
    stage: Stage, set_id: str, *, point: str = "", live: str = "", former: str | None = None
) -> str:
    """The comment that marks a database."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    marker = Marker(stage=stage, set_id=set_id, at=now, point=point, live=live, former=former)
    return _PREFIX + msgspec.json.encode(marker).decode()


def write_comment(connection: "Connection[TupleRow]", database: str, comment: str | None) -> None:
    """Set a database's comment, or remove it (None). Raises psycopg's errors."""
    from psycopg import sql

    connection.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(comment))
    )


def commit_synchronously(connection: "Connection[TupleRow]") -> None:
    """Have the transaction's commit flushed, whatever role and server set; what waits for more stays so."""
    connection.execute(
        "SELECT set_config('synchronous_commit', 'local', true)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


def marker_in(comment: str | None) -> Marker | None:
    """The mark in a comment, or None when it is somebody else's words."""
    if not comment or not comment.startswith(_PREFIX):
        return None
    try:
        marker = msgspec.json.decode(comment.removeprefix(_PREFIX), type=Marker)
        zoned = marker.moment.tzinfo is not None
    except ValueError:  # MsgspecError is one
        return None
    return marker if zoned else None


_SEEN: Final = f"""
    SELECT datname, pg_get_userbyid(datdba), pg_has_role(datdba, 'USAGE'),
           CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE -1 END,
           datallowconn,
           (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND {A_CLIENT}),
           shobj_description(oid, 'pg_database')
    FROM pg_database d WHERE NOT datistemplate
"""  # noqa: S608 - our own words only


def databases_seen(connection: "Connection[TupleRow]") -> Mapping[str, Seen]:
    """Every database of the server but the templates, by name."""
    rows = connection.execute(_SEEN)
    return {
        row[0]: Seen(
            name=row[0],
            owner=row[1],
            ours=row[2],
            size=row[3],
            allows_connections=row[4],
            connections=row[5],
            comment=row[6],
            marker=marker_in(row[6]),
        )
        for row in rows
    }


def beside_name(database: str, word: str, suffix: str) -> str:
    """A name like `<database>_<word>_<suffix>`, cut to what PostgreSQL keeps of a name."""
    tail = f"_{word}_{suffix}"
    kept = database.encode()[: _NAME_LIMIT - len(tail)].decode("utf-8", "ignore")
    return kept + tail
