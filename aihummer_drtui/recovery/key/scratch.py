"""A scratch database: made beside the live one to look into a dump, and gone again whatever happens.

Its name tells that this program made it, and an advisory lock that whoever made it is still there: one
left behind by a kill is dropped by the next, one in use is not. Nothing else on the server is touched.
"""

import atexit
import hashlib
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named
from aihummer_drtui.recovery.database.marker import Stage, beside_name, databases_seen, mark_text

if TYPE_CHECKING:
    from psycopg import Connection, sql
    from psycopg.rows import TupleRow

_WORD: Final = "proving"
_SUFFIX: Final = re.compile(rf"_{_WORD}_([0-9a-f]{{8}})([0-9a-f]{{8}})$")
_LOCK: Final = 0x64727670
"""Advisory locks of scratch databases, by their number: "drvp" in ASCII."""
_DROP_SECONDS: Final = 30.0
_FIRST_WITH_PROVIDER_C: Final = 150_000
"""Version of PostgreSQL from which the locale's provider is said; before it there was libc only."""


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """The moment by which something must have ended."""

    seconds: float
    """Allowed in all."""
    at: float
    """By the monotonic clock."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The moment in so many seconds from now."""
        return cls(seconds=seconds, at=time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds left, more than 0. Raises FailedError when there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise FailedError(
                f"the vault in the dump could not be opened within {duration_text(self.seconds)}",
                hint="look again when the server is less busy; or take [vault] out of target.toml: "
                "then nobody proves the key before the restore",
            )
        return left


def refuse_without_right(owner: Owner, maintenance: str, deadline: Deadline) -> None:
    """Let pass where a scratch database can be made. Raises PreconditionError."""
    with (
        connect(owner, database=maintenance, statement_seconds=deadline.left) as connection,
        failures_named("the server did not answer", owner),
    ):
        row = connection.execute(
            "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    if not row or not row[0]:
        raise PreconditionError(
            f"role {cleaned_line(owner.user)} may not create the scratch database that the dump is opened in",
            where=owner.phrase,
            hint=f'ALTER ROLE "{cleaned_line(owner.user)}" CREATEDB for the time of the recovery',
        )


@contextmanager
def scratch_database(owner: Owner, maintenance: str, manifest: Manifest, deadline: Deadline) -> Iterator[str]:
    """Give the name of an empty database for what `manifest` seals; it is dropped at the block's end.

    Also at the interpreter's end, for a look whose thread nobody waits for. Raises PreconditionError when
    the server cannot be reached, FailedError when it refuses to make or to drop it.
    """
    number = secrets.token_hex(4)
    name = beside_name(owner.database, _WORD, number + _checksum(number))

    def drop_at_end() -> None:
        with suppress(DrtuiError):
            _drop(owner, maintenance, name)

    with connect(owner, database=maintenance, statement_seconds=deadline.left, autocommit=True) as connection:
        with failures_named("a scratch database for the dump could not be made", owner):
            _drop_leftovers(connection, owner)
            _try_lock(connection, number)
            atexit.register(drop_at_end)
        try:
            with failures_named("a scratch database for the dump could not be made", owner):
                connection.execute(_creation(name, manifest, connection.info.server_version))
                connection.execute(_mark(name, manifest))
            yield name
        except BaseException:
            # Where the server is gone too, the next proof drops it by its name.
            drop_at_end()
            raise
        else:
            _drop(owner, maintenance, name)
        finally:
            atexit.unregister(drop_at_end)


def _checksum(number: str) -> str:
    """What makes a name ours beyond chance: no person calls a database like that."""
    return hashlib.sha256(f"aihummer-drtui scratch database {number}".encode()).hexdigest()[:8]


def _drop_leftovers(connection: "Connection[TupleRow]", owner: Owner) -> None:
    """Drop what killed proofs of this database left; whose lock is free, its maker is gone."""
    for name, seen in databases_seen(connection).items():
        found = _SUFFIX.search(name)
        if not found or not seen.ours or found[2] != _checksum(found[1]):
            continue
        if name == beside_name(owner.database, _WORD, found[1] + found[2]) and _try_lock(
            connection, found[1]
        ):
            connection.execute(_dropping(name))
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_LOCK, _signed(found[1])))


def _try_lock(connection: "Connection[TupleRow]", number: str) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK, _signed(number))).fetchone()
    return bool(row and row[0])


def _signed(number: str) -> int:
    return int(number, 16) - 2**31


def _creation(name: str, manifest: Manifest, server: int) -> "sql.Composed":
    """UTF8 takes the text of any dump that names its encoding; nothing here is sorted, so locale C does."""
    from psycopg import sql

    provider = " LOCALE_PROVIDER libc" if server >= _FIRST_WITH_PROVIDER_C else ""
    return sql.SQL(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'" + provider
    ).format(sql.Identifier(name), sql.Literal(manifest.database.encoding or "UTF8"))


def _mark(name: str, manifest: Manifest) -> "sql.Composed":
    from psycopg import sql

    return sql.SQL("COMMENT ON DATABASE {} IS {}").format(
        sql.Identifier(name), sql.Literal(mark_text(Stage.PROVING, manifest.set_id))
    )


def _dropping(name: str) -> "sql.Composed":
    from psycopg import sql

    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def _drop(owner: Owner, maintenance: str, name: str) -> None:
    """Drop it by a connection of its own: another may be broken, or in use by a thread that hangs."""
    with (
        connect(owner, database=maintenance, statement_seconds=_DROP_SECONDS, autocommit=True) as connection,
        failures_named(f"the scratch database {name} could not be dropped", owner),
    ):
        connection.execute(_dropping(name))
