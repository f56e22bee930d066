"""The stand-in's gateway: its settings, its database, its vault switch.

It honours what is publicly known of AiHummer (docs/sandbox.md), the dangerous parts too: it starts
without a database ("health-only"), makes an empty schema where it finds none, and stays green with a
wrong master key.
"""

import base64
import binascii
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import psycopg

_MIGRATION_LOCK: Final = 0x41694875
"""Any number that all gateways share; AiHummer's own is not public."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway's settings, read once at its start as AiHummer reads its own."""

    version: str
    database_url: str
    blobs: Path | None
    media_token_secret: str
    vault: bool
    row_level_security: bool

    def database_answers(self) -> bool:
        """Whether PostgreSQL takes a connection and a statement, asked anew each time."""
        try:
            with _connected(self.database_url) as connection:
                connection.execute("SELECT 1")
        except _database_errors():
            return False
        return True

    def migrate(self) -> bool:
        """Make the schema where there is none, under an advisory lock; False where PostgreSQL is away."""
        from aihummer_drtui.sandbox.generate import schema_sql

        try:
            with _connected(self.database_url) as connection:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
                found = connection.execute("SELECT to_regclass('public.schema_migrations')").fetchone()
                if found == (None,):
                    connection.execute(schema_sql())
        except _database_errors() as error:
            sys.stderr.write(f"gateway: health-only, no database: {error}\n")
            return False
        return True


def gateway_of(variables: Mapping[str, str], *, version: str) -> Gateway:
    """The gateway that `variables` describe. A master key that is missing or no key disables the vault."""
    folder = variables.get("AIHUMMER_BLOB_DIR", "")
    return Gateway(
        version=version,
        database_url=variables.get("AIHUMMER_DATABASE_URL", ""),
        blobs=Path(folder) if folder else None,
        media_token_secret=variables.get("AIHUMMER_MEDIA_TOKEN_SECRET", ""),
        vault=_is_key(variables.get("AIHUMMER_MASTER_KEY", "")),
        row_level_security=bool(variables.get("AIHUMMER_DB_APP_URL", "")),
    )


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _connected(url: str) -> "psycopg.Connection":
    import psycopg

    return psycopg.connect(url, connect_timeout=2, application_name="aihummer-standin")


def _database_errors() -> tuple[type[Exception], ...]:
    import psycopg

    return (psycopg.Error, UnicodeError)
