"""What is there of a sandbox just now, looked at and not remembered."""

import enum
from dataclasses import dataclass
from pathlib import Path

from aihummer_drtui.errors import FailedError
from aihummer_drtui.sandbox.account import server_account
from aihummer_drtui.sandbox.blobs import count_blobs
from aihummer_drtui.sandbox.cluster import Cluster, Server
from aihummer_drtui.sandbox.daemon import running_gateway
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import Marker, Size, Stage, read_marker

DATABASE = "aihummer"


class Condition(enum.Enum):
    """What a sandbox is good for."""

    UNFINISHED = "unfinished"
    """`sandbox up` did not come to its end."""
    WHOLE = "whole"
    """Database, blobs, gateway.env and the services are there."""
    PARTIAL = "partial"
    """Some of it is there: a recovery is under way, or a service is stopped."""
    BROKEN = "broken"
    """The host is lost: there is something to recover."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """A sandbox as it was found."""

    root: Path
    id: str
    condition: Condition
    size: Size
    seed: int
    server: Server
    database: bool | None
    """Whether the stand-in's database is there; None = the server could not be asked."""
    database_bytes: int
    gateway_pid: int | None
    gateway_url: str
    gateway_env: bool
    blobs: int
    blob_bytes: int
    backups: tuple[str, ...]
    """Sealed backup sets, oldest first."""
    target: Path
    escrow: Path
    wal: bool = False
    """Whether it archives its WAL."""
    wal_files: int = 0
    """In the archive."""
    bases: tuple[str, ...] = ()
    """Sealed base backups, oldest first."""


def status(root: Path) -> Status:
    """Look at the sandbox in `root`. Raises PreconditionError where there is none."""
    layout = Layout(root=root.resolve())
    return status_of(layout, read_marker(layout))


def status_of(layout: Layout, marker: Marker) -> Status:
    """Look at a sandbox whose mark was read."""
    server, size = _database(layout, marker)
    gateway = running_gateway(layout.host)
    blobs, blob_bytes = count_blobs(layout.blobs)
    there = (size is not None and size >= 0, gateway is not None, layout.gateway_env.is_file(), blobs > 0)
    if marker.stage is Stage.BUILDING:
        condition = Condition.UNFINISHED
    elif all(there):
        condition = Condition.WHOLE
    elif any(there) or size is None:
        condition = Condition.PARTIAL
    else:
        condition = Condition.BROKEN
    return Status(
        root=layout.root,
        id=marker.id,
        condition=condition,
        size=marker.size,
        seed=marker.seed,
        server=server,
        database=None if size is None else size >= 0,
        database_bytes=max(0, size or 0),
        gateway_pid=gateway.pid if gateway else None,
        gateway_url=f"http://127.0.0.1:{marker.gateway_port}",
        gateway_env=layout.gateway_env.is_file(),
        blobs=blobs,
        blob_bytes=blob_bytes,
        backups=tuple(sorted(path.parent.name for path in layout.backups.glob("*/manifest.json"))),
        target=layout.target,
        escrow=layout.escrow,
        wal=marker.wal,
        wal_files=len(list(layout.wal.glob("[0-9A-F]*"))),
        bases=tuple(sorted(path.parent.name for path in layout.bases.glob("*/base.json"))),
    )


def cluster_of(layout: Layout, marker: Marker) -> Cluster | None:
    """The sandbox's PostgreSQL, or None where `up` did not come as far as choosing one."""
    if marker.postgres_bin is None:
        return None
    return Cluster(
        layout=layout,
        postgres_bin=marker.postgres_bin,
        account=server_account(),
        tcp_port=marker.tcp_port,
        wal=marker.wal,
    )


def _database(layout: Layout, marker: Marker) -> tuple[Server, int | None]:
    """The server's state, and the database's bytes: -1 where it is not there, None where nobody knows."""
    cluster = cluster_of(layout, marker)
    if cluster is None:
        return Server.ABSENT, None
    try:
        server = cluster.state()
    except FailedError:
        return Server.UNKNOWN, None
    if server is not Server.RUNNING:
        return server, None
    try:
        with cluster.connected() as connection:
            row = connection.execute(
                "SELECT pg_database_size(datname) FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
    except FailedError:
        # It runs, and does not let us in.
        return server, None
    return server, int(row[0]) if row else -1
