"""The sandbox's own PostgreSQL: made, started, asked and stopped; no other server is ever touched."""

import enum
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.sandbox.account import Account
from aihummer_drtui.sandbox.layout import Layout

if TYPE_CHECKING:
    import psycopg

SUPERUSER: Final = "postgres"
SOCKET_PORT: Final = 5432
"""Names the socket file only, as long as no TCP port was asked for."""

LONGEST_SOCKET_PATH: Final = 107
"""Bytes: sockaddr_un.sun_path holds 108 with its final NUL (unix(7))."""

_WAL_SEGMENT_MEGABYTES: Final = 1
"""Segments are closed every few seconds, and the archive stays small."""
_START_SECONDS: Final = 60
_SETTLE_SECONDS: Final = 30.0


class Server(enum.Enum):
    """Whether PostgreSQL's server is there."""

    RUNNING = "running"
    STOPPED = "stopped"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """pg_ctl gave no answer."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The sandbox's PostgreSQL: where it lies, what runs it, as whom."""

    layout: Layout
    postgres_bin: Path
    account: Account
    tcp_port: int | None
    wal: bool = False
    """Whether its WAL is to be archived."""
    beside: Path | None = None
    """Another data directory than the sandbox's own: one that a recovery made or kept."""

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.beside or self.layout.data

    @property
    def port(self) -> int:
        """The port that a connection names, over TCP or in the socket's file name."""
        return self.tcp_port or SOCKET_PORT

    def url(self, *, user: str, password: str, database: str) -> str:
        """A connection URL through the Unix socket (libpq, 32.1.1.2: the folder percent-encoded)."""
        folder = quote(str(self.layout.sockets), safe="")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgresql://{login}@/{quote(database, safe='')}?host={folder}&port={self.port}"

    def state(self) -> Server:
        """Whether the server runs. Raises FailedError where pg_ctl itself does not."""
        if not self.data.is_dir():
            return Server.ABSENT
        asked = self._pg_ctl("status", time_out=20)
        # pg_ctl(1): 0 running, 3 not running, 4 no accessible data directory.
        if asked.returncode == 0:
            return Server.RUNNING
        if asked.returncode == 3:
            return Server.STOPPED
        if asked.returncode == 4:
            return Server.ABSENT
        raise FailedError(
            f"pg_ctl status ended with {asked.returncode}: {cleaned_line(asked.stderr)}",
            where=str(self.data),
            hint="aihummer-drtui sandbox down, then sandbox up",
        )

    def settled(self) -> Server:
        """The server's state once it either answers or has ended; a killed one takes a while to be gone.

        pg_ctl takes a process that nobody has reaped yet for a living one. Raises FailedError when the
        server neither answers nor ends.
        """
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            state = self.state()
            if state is not Server.RUNNING:
                return state
            try:
                with self.connected():
                    return state
            except FailedError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def start(self) -> None:
        """Start the server and wait until it takes connections. Raises FailedError with the log's end."""
        log = self.layout.sockets / "postgres.log"
        asked = self._pg_ctl(
            "start", "-w", "-t", str(_START_SECONDS), "-l", log, time_out=_START_SECONDS + 30
        )
        if asked.returncode != 0:
            raise FailedError(
                f"PostgreSQL did not start: {_tail(log) or cleaned_line(asked.stderr)}",
                where=str(log),
                hint="read the log; if a TCP port is taken, choose another with --tcp-port or leave it out",
            )

    def stop(self, *, modes: Sequence[str] = ("fast", "immediate")) -> None:
        """Stop the server, first politely, then at once. Raises FailedError when it still runs."""
        for mode in modes:
            if self.state() is not Server.RUNNING:
                return
            self._pg_ctl("stop", "-w", "-t", "30", "-m", mode, time_out=60)
        if self.state() is Server.RUNNING:
            raise FailedError(
                "PostgreSQL does not stop",
                where=str(self.data),
                hint=f"its process id is the first line of {self.data / 'postmaster.pid'}",
            )

    @contextmanager
    def connected(self, database: str = "postgres") -> "Iterator[psycopg.Connection]":
        """A superuser's connection, each statement its own transaction. Raises FailedError."""
        import psycopg

        try:
            password = self.layout.superuser_password.read_text("ascii").strip()
            connection = psycopg.connect(
                self.url(user=SUPERUSER, password=password, database=database),
                autocommit=True,
                connect_timeout=10,
            )
        except (psycopg.OperationalError, OSError) as error:
            raise FailedError(
                f"the sandbox's PostgreSQL does not let us in: {cleaned_line(str(error))}",
                where=str(self.layout.sockets),
                hint="aihummer-drtui sandbox status; aihummer-drtui sandbox down removes the sandbox",
            ) from error
        with connection:
            yield connection

    def _pg_ctl(self, action: str, *options: str | Path, time_out: float) -> subprocess.CompletedProcess[str]:
        try:
            return self.account.run(
                [self.postgres_bin / "pg_ctl", action, "-D", self.data, *options], time_out=time_out
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FailedError(
                f"pg_ctl {action} did not come to an end: {cleaned_line(str(error))}",
                where=str(self.postgres_bin),
                hint="is that PostgreSQL still installed? aihummer-drtui sandbox status",
            ) from error


def refuse_long_socket_path(layout: Layout, tcp_port: int | None) -> None:
    """Raise PreconditionError where the socket's path would not fit into the kernel's address."""
    path = layout.sockets / f".s.PGSQL.{tcp_port or SOCKET_PORT}"
    length = len(os.fsencode(path))
    if length > LONGEST_SOCKET_PATH:
        raise PreconditionError(
            f"the path of PostgreSQL's Unix socket would be {length} bytes, at most "
            f"{LONGEST_SOCKET_PATH} are possible",
            where=str(path),
            hint="choose a shorter folder with --dir, for instance /tmp/sandbox",
        )


def create_cluster(cluster: Cluster) -> None:
    """Make the data directory, with scram-sha-256 everywhere.

    The superuser's password is the sandbox's, or a new one where it has none yet. Raises
    FailedError with what initdb said, OSError where the folders cannot be made.
    """
    layout = cluster.layout
    for folder, mode in ((layout.data, 0o700), (layout.sockets, 0o711)):
        folder.mkdir(exist_ok=folder == layout.sockets)
        folder.chmod(mode)
        cluster.account.own(folder)
    if layout.superuser_password.exists():
        password = layout.superuser_password.read_text("ascii").strip()
    else:
        password = secrets.token_hex(16)
        write_durably(layout.superuser_password, password.encode() + b"\n")
    with tempfile.NamedTemporaryFile("w", dir=layout.sockets, prefix=".password.") as file:
        file.write(password + "\n")
        file.flush()
        cluster.account.own(Path(file.name))
        asked = cluster.account.run(
            [
                *(cluster.postgres_bin / "initdb", "-D", layout.data, "-U", SUPERUSER),
                *("-A", "scram-sha-256", f"--pwfile={file.name}"),
                *("--encoding=UTF8", "--locale=C", "--no-instructions"),
                *((f"--wal-segsize={_WAL_SEGMENT_MEGABYTES}",) if cluster.wal else ()),
            ],
            time_out=300,
        )
    if asked.returncode != 0:
        raise FailedError(
            f"initdb ended with {asked.returncode}: {cleaned(asked.stderr).strip()[-600:]}",
            where=str(layout.data),
            hint="is the disk full, or another PostgreSQL needed? --postgres-bin DIR",
        )
    _configure(cluster)


def _configure(cluster: Cluster) -> None:
    addresses = "127.0.0.1" if cluster.tcp_port else ""
    settings = [
        "",
        "# aihummer-drtui sandbox; fsync stays on: a restore is to take as long as it would for real.",
        f"listen_addresses = '{addresses}'",
        f"port = {cluster.port}",
        f"unix_socket_directories = {_quoted(str(cluster.layout.sockets))}",
        "max_connections = 60",
        "max_wal_size = 2GB",
        # Containers often have a /dev/shm of 64 MB, too small for parallel index builds.
        "dynamic_shared_memory_type = mmap",
        "timezone = 'UTC'",
        "log_timezone = 'UTC'",
        # The command itself comes when there is something worth archiving; `:` takes all and keeps none.
        *(("archive_mode = on", "archive_command = ':'") if cluster.wal else ()),
        "",
    ]
    with (cluster.layout.data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n".join(settings))


def _quoted(text: str) -> str:
    """A value of postgresql.conf: quotes and backslashes doubled (PostgreSQL 17, 19.1.1)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _tail(log: Path) -> str:
    try:
        data = log.read_bytes()[-600:]
    except OSError:
        return ""
    return cleaned(data.decode("utf-8", "backslashreplace")).strip()
