"""Settings that make the restore's own connections fast and change nothing that is there after it.

They are of the session only and any role may set them (context `user` in pg_settings). What makes the
data durable is said at `durable_until_here`. A setting that the connection string names itself (its
`options`) stays as it says.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.database.connection import Owner, connect

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_LEAST_MEMORY: Final = 64 * 1024
"""kB; PostgreSQL's own default of maintenance_work_mem."""
_MOST_MEMORY: Final = 128 * 1024
"""kB. Sorting gains nothing beyond it, and a GIN index of many keys loses: one of 900 000 rows took 2.2 s of
a core with 64 to 192 MB, 3.0 s with 256 MB and 3.8 s with 1 GB, as the tree of its keys leaves the caches."""
_MOST_FOR_VECTORS: Final = 1024 * 1024
"""kB, where the database has pgvector: an HNSW index that does not fit in it is built many times more slowly
(pgvector's README, "Index Build Time")."""
VECTORS: Final = "vector"
"""pgvector's name as an extension."""
_SHARE: Final = 8
"""All jobs together take this part of the memory that is free; the rest is PostgreSQL's and the cache's."""
_CONTAINER_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def swift_settings(
    connection: "Connection[TupleRow]", owner: Owner, *, database: str, jobs: int, vectors: bool = False
) -> Mapping[str, str]:
    """Given a connection to the server, return settings for `jobs` sessions on `database`, tried once.

    `vectors` says that indexes of pgvector will be built.
    Empty where the server (or a pooler before it) lets nobody connect with them: the restore is slower
    then, and no worse. Raises psycopg's errors.
    """
    wanted = _wanted(owner, jobs=jobs, vectors=vectors)
    now = {
        row[0]: int(row[1]) if row[1].isdigit() else 0
        for row in connection.execute(
            "SELECT name, setting FROM pg_settings WHERE context = 'user' AND name = ANY(%s)",
            (list(wanted),),
        )
    }
    settings = {name: value for name, value in wanted.items() if name in now}
    if now.get("maintenance_work_mem", 0) >= int(wanted["maintenance_work_mem"].removesuffix("kB")):
        # Whoever gave this server more had a reason.
        settings.pop("maintenance_work_mem", None)
    try:
        connect(owner, database=database, settings=settings).close()
    except PreconditionError:
        return {}
    return settings


def _wanted(owner: Owner, *, jobs: int, vectors: bool) -> Mapping[str, str]:
    here = owner.place.is_socket
    memory = (
        _memory_for_each(jobs, _MOST_FOR_VECTORS if vectors else _MOST_MEMORY) if here else 4 * _LEAST_MEMORY
    )
    wanted = {
        "synchronous_commit": "off",
        "maintenance_work_mem": f"{memory}kB",
        "jit": "off",  # compiling the one-time queries that check foreign keys takes longer than it saves
    }
    if here:
        # A job and its helpers keep one core each busy; more of them than cores only hinder each other.
        wanted["max_parallel_maintenance_workers"] = str(max(0, cores() // jobs - 1))
    return wanted


def _memory_for_each(jobs: int, most: int) -> int:
    return min(most, max(_LEAST_MEMORY, _free_memory() // _SHARE // jobs))


def _free_memory() -> int:
    """kB that this host, or the container we are in, has to give; 0 = not known."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return 0
    try:
        limit = _CONTAINER_LIMIT.read_text("ascii").strip()
    except OSError:
        return free
    return min(free, int(limit) // 1024) if limit.isdigit() else free
