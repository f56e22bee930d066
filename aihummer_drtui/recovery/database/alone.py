"""One at a time: nothing of ours changes the databases of a server while another of ours does."""

import time
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import LockedError
from aihummer_drtui.recovery.database.connection import Owner
from aihummer_drtui.recovery.database.content import one_number

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

LOCK: Final = 0x64727475695F6462
"""PostgreSQL's advisory lock, held to the end of the session: "drtui_db" in ASCII."""
PATIENCE: Final = 3.0
"""Seconds; the server lets go of the lock of a command that has just ended a moment after its end."""
_BETWEEN: Final = 0.05
_THEIRS: Final = {
    "keepalives_idle": "tcp_keepalives_idle",
    "keepalives_interval": "tcp_keepalives_interval",
    "keepalives_count": "tcp_keepalives_count",
    "tcp_user_timeout": "tcp_user_timeout",
}
"""The server's setting for each of the client's; the same units."""


def take_lock(connection: "Connection[TupleRow]", owner: Owner) -> None:
    """Hold the lock as long as the connection lives. Raises LockedError when another keeps it."""
    _have_the_server_look(connection, owner)
    deadline = time.monotonic() + PATIENCE
    while not one_number(connection, f"SELECT pg_try_advisory_lock({LOCK})::int"):
        if time.monotonic() < deadline:
            time.sleep(_BETWEEN)
            continue
        raise LockedError(
            "another `restore database` is at work on this server",
            where=owner.phrase,
            hint="wait for it, or end it; `aihummer-drtui probe restore-database` tells where it stands",
        )


def _have_the_server_look(connection: "Connection[TupleRow]", owner: Owner) -> None:
    """Have the server, too, end the session of a client that is out of reach.

    By its own settings it would keep the lock for hours, and with it every later try out
    (https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS).
    """
    for ours, theirs in _THEIRS.items():
        if value := owner.parameters.get(ours):
            connection.execute("SELECT set_config(%s, %s, false)", (theirs, value))
