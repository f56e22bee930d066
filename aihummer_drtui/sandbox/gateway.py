"""The stand-in's gateway process: the public probes and a signed media URL, on this machine only.

It honours what is publicly known of AiHummer (docs/sandbox.md), the dangerous parts too: it starts
without a database ("health-only"), makes an empty schema where it finds none, and stays green with a
wrong master key.
"""

import argparse
import base64
import binascii
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.sandbox.daemon import record_ourselves
from aihummer_drtui.sandbox.environment import listen_address, read_environment
from aihummer_drtui.sandbox.installation import read_installation

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


def main() -> None:
    """Serve until SIGTERM. `--ready FD` names a descriptor that gets a line once it listens."""
    from aihummer_drtui.sandbox.gateway_http import server_of

    parser = argparse.ArgumentParser(prog="aihummer gateway (training stand-in)")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--ready", type=int, required=True)
    options = parser.parse_args()
    home: Path = options.home
    with open(options.ready, "w", encoding="utf-8") as ready:  # noqa: PTH123 - a descriptor, no path
        try:
            variables = read_environment(home / "etc" / "gateway.env")
            address = listen_address(variables)
            gateway = gateway_of(variables, version=read_installation(home).version)
            server = server_of(gateway, address)
        except (OSError, ValueError) as error:
            ready.write(f"failed: {error}\n")
            sys.exit(1)
        gateway.migrate()
        record_ourselves(home)
        # Where the starter was killed meanwhile this raises BrokenPipeError, and we end with it.
        ready.write("listening\n")
    # shutdown() waits for serve_forever(), which this very thread runs: another one must call it.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()


if __name__ == "__main__":
    main()
