"""Connection strings: the gateway's, as libpq takes them, and what of them may be shown.

The gateway is a Go program, and Go's usual driver (pgx) takes parameters in a connection string that
libpq refuses; they say nothing about where the database is and are left out here.
"""

import re
import socket
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.gateway.environment import DATABASE_URL, GatewayEnv

_PGX_ONLY: Final = re.compile(
    r"(pool_\w+|default_query_exec_mode|statement_cache_\w+|description_cache_capacity)="
)
"""https://pkg.go.dev/github.com/jackc/pgx/v5#ParseConfig and .../pgxpool#ParseConfig"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a connection string leads, without its password."""

    host: str
    """Name, address or folder of the Unix socket; empty = libpq's default socket."""
    port: int
    database: str
    user: str

    @property
    def is_socket(self) -> bool:
        """Whether it is a server of this host, reached through a Unix socket."""
        return not self.host or self.host.startswith(("/", "@"))

    @property
    def identity_host(self) -> str:
        """The host an operator types at the gate: the server's name, or this host's for a socket."""
        return socket.gethostname() if self.is_socket else self.host

    def __str__(self) -> str:
        place = f"socket {self.host or 'by default'}" if self.is_socket else f"{self.host}:{self.port}"
        return f"{self.database or self.user} as {self.user} at {place}"


def owner_dsn(env: GatewayEnv) -> str:
    """The owner's connection string (AIHUMMER_DATABASE_URL) as libpq takes it; a secret.

    Raises PreconditionError when it is not set or is none.
    """
    return libpq_dsn(env.require(DATABASE_URL), where=f"{env.path}: {DATABASE_URL}")


def libpq_dsn(dsn: str, *, where: str) -> str:
    """A connection string without what only Go's driver knows. Raises PreconditionError if it is none."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    candidate = _without_pgx(dsn)
    try:
        conninfo_to_dict(candidate)
    except psycopg.ProgrammingError:
        # libpq's own message repeats parts of the string, and a password may be among them.
        raise PreconditionError(
            "is no connection string that PostgreSQL's client understands",
            where=where,
            hint="its form is postgres://user:password@host:port/database, with % escapes for @ : / ? #",
        ) from None
    return candidate


def dsn_place(dsn: str) -> Place:
    """Where a connection string that `libpq_dsn` gave leads."""
    from psycopg.conninfo import conninfo_to_dict

    parts = {key: str(value) for key, value in conninfo_to_dict(dsn).items() if value is not None}
    user = parts.get("user", "")
    port = parts.get("port", "5432").split(",")[0]
    # hostaddr is where libpq really goes; of several hosts one that is not this host is named, so that
    # a drill is never let near it.
    hosts = parts.get("hostaddr", parts.get("host", "")).split(",")
    return Place(
        host=next((host for host in hosts if not host.startswith(("/", "@"))), hosts[0]),
        port=int(port) if port.isdecimal() else 5432,
        database=parts.get("dbname", user),
        user=user,
    )


def _without_pgx(dsn: str) -> str:
    if not dsn.startswith(("postgres://", "postgresql://")):
        return " ".join(part for part in dsn.split(" ") if not _PGX_ONLY.match(part))
    # Not by urllib: it loses the empty host of postgres:///database.
    base, _, query = dsn.partition("?")
    kept = "&".join(pair for pair in query.split("&") if not _PGX_ONLY.match(pair))
    return f"{base}?{kept}" if kept else base
