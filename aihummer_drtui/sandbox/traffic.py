"""Rows that tell the time: by them a recovery to a chosen minute shows that it came to that minute."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.sandbox.environment import read_environment
from aihummer_drtui.sandbox.layout import Layout
from aihummer_drtui.sandbox.marker import read_marker
from aihummer_drtui.sandbox.status import cluster_of
from aihummer_drtui.sandbox.wal import is_archiving, settle_archive

_INSERT = """
    INSERT INTO messages (tenant_id, conversation_id, author, body, created_at)
    SELECT tenant_id, id, 'user', 'traffic ' || %s || ' written at ' ||
           to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), clock_timestamp()
    FROM conversations ORDER BY id LIMIT 1
    RETURNING id, body
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A message that tells when it was written."""

    id: int
    body: str


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What was written: each message committed on its own."""

    count: int
    first: Row
    last: Row


_ARCHIVED_SECONDS: Final = 2.0
_LOST_SECONDS: Final = 1.0
_EVERY: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class LastMoments:
    """What was written before a host is lost, told by its last messages."""

    archived: Row
    """The last one whose WAL was archived."""
    written: Row
    """The last of all: after the loss it is gone."""


def write_before_loss(root: Path) -> LastMoments | None:
    """Give a recovery some moments to choose among: messages that are archived, and some that will be lost.

    None = the sandbox archives nothing any more, and nothing was written. Raises as `write_traffic` does, and
    FailedError where the archive takes nothing.
    """
    layout = Layout(root=root.resolve())
    cluster = cluster_of(layout, read_marker(layout))
    if cluster is None or not is_archiving(cluster):
        return None
    archived = write_traffic(root, seconds=_ARCHIVED_SECONDS, every=_EVERY).last
    settle_archive(cluster)
    return LastMoments(
        archived=archived, written=write_traffic(root, seconds=_LOST_SECONDS, every=_EVERY).last
    )


def write_traffic(root: Path, *, seconds: float, every: float) -> Traffic:
    """Write a message every `every` seconds for `seconds`, at least one.

    Raises PreconditionError where there is no sandbox or no gateway.env, FailedError where a row cannot be
    written.
    """
    import psycopg

    layout = Layout(root=root.resolve())
    read_marker(layout)
    url = read_environment(layout.gateway_env).get("AIHUMMER_DATABASE_URL", "")
    if not url:
        raise PreconditionError(
            "the stand-in's host is lost: there is no gateway.env",
            where=str(layout.gateway_env),
            hint="recover it, or `aihummer-drtui sandbox down` and `sandbox up`",
        )
    rows: list[Row] = []
    count = 0
    until = time.monotonic() + seconds
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            while not count or time.monotonic() < until:
                found = connection.execute(_INSERT, (count + 1,)).fetchone()
                if found is None:
                    raise FailedError(
                        "the stand-in has no conversation to write into",
                        where=str(layout.root),
                        hint="is its database restored?",
                    )
                count += 1
                rows = [*rows[:1], Row(id=int(found[0]), body=str(found[1]))]
                time.sleep(min(every, max(0.0, until - time.monotonic())))
    except psycopg.Error as error:
        raise FailedError(
            f"the stand-in's database does not take a message: {cleaned_line(str(error))}",
            where=str(layout.root),
            hint="aihummer-drtui sandbox status; `sandbox up` starts what is stopped",
        ) from error
    return Traffic(count=count, first=rows[0], last=rows[-1])
