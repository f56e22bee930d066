"""What the server says of its archiving: settings, last success and failure, what waits."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.admin import admin_of
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.target import Target

_SQL: Final = """
    SELECT (SELECT setting FROM pg_settings WHERE name = 'archive_mode') AS archive_mode,
           (SELECT setting FROM pg_settings WHERE name = 'archive_command') AS command,
           (SELECT setting FROM pg_settings WHERE name = 'archive_library') AS library,
           last_archived_wal, last_archived_time, last_failed_wal, last_failed_time,
           failed_count
    FROM pg_stat_archiver
"""
_ROW: Final = f"SELECT row_to_json(q)::text FROM ({_SQL}) q".encode()  # noqa: S608 - ours
_WAITING: Final = "SELECT count(*) AS count FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
_DISABLED: Final = "(disabled)"
"""What archive_command shows while archive_mode is off (src/backend/access/transam/xlog.c)."""


class Setting(StrEnum):
    """What can be said of archive_command; what it says may hold a secret and is never shown."""

    SET = "set"
    MISSING = "not set"
    HIDDEN = "hidden"
    """From the role that asked."""


@dataclass(frozen=True, kw_only=True)
class Archiver:
    """The archiver of the running server."""

    mode: str
    """archive_mode: `on`, `off`, `always`."""
    command: Setting
    last_archived: str
    """The file's name; empty = none since the statistics began."""
    last_archived_at: datetime | None
    last_failed: str
    last_failed_at: datetime | None
    failures: int
    waiting: int | None
    """Files that are ready and not archived yet; None = not to be seen by the role that asked."""

    @property
    def problem(self) -> str:
        """Why nothing more reaches the archive; empty = it does."""
        if self.mode == "off":
            return "archive_mode is off: no WAL is archived"
        if self.command is Setting.MISSING:
            return "archive_command is not set: no WAL is archived"
        failed, archived = self.last_failed_at, self.last_archived_at
        if failed is not None and (archived is None or failed > archived):
            return f"archiving fails: {cleaned_line(self.last_failed, 60)} at {failed:%Y-%m-%d %H:%M:%SZ}"
        return ""

    @property
    def hint(self) -> str:
        """What to do about the problem; empty = nothing."""
        if self.mode == "off":
            return "set archive_mode and archive_command as docs/wal.md shows, then restart PostgreSQL"
        return "read PostgreSQL's log and mend archive_command; docs/wal.md has one" if self.problem else ""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    archive_mode: str | None
    command: str | None
    library: str | None
    last_archived_wal: str | None
    last_archived_time: str | None
    last_failed_wal: str | None
    last_failed_time: str | None
    failed_count: int


class _Count(msgspec.Struct, frozen=True, kw_only=True):
    count: int


def archiver_of(target: Target) -> Archiver:
    """Ask the target's server, as a superuser where that is possible, else as the owner role.

    Raises PreconditionError when neither is let in, FailedError when the server gives no answer.
    """
    try:
        admin = admin_of(server_of(target))
        row = admin.rows(_SQL, _Row)[0]
        waiting = admin.rows(_WAITING, _Count)[0].count
    except (PreconditionError, FailedError) as error:
        # The server may be another host's, or let no superuser in: most of it every role may see.
        try:
            return _told(_as_owner(target), None)
        except PreconditionError:
            raise error from None
    return _told(row, waiting)


def _as_owner(target: Target) -> _Row:
    owner = owner_of(target)
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=10) as connection,
        failures_named("the server did not answer", owner),
    ):
        found = connection.execute(_ROW).fetchone()
    assert found is not None  # noqa: S101 - pg_stat_archiver is one row
    return msgspec.json.decode(found[0], type=_Row)


def _told(row: _Row, waiting: int | None) -> Archiver:
    command = Setting.SET
    if row.command is None:
        command = Setting.HIDDEN
    elif not row.library and row.command in {"", _DISABLED}:
        command = Setting.MISSING
    return Archiver(
        mode=row.archive_mode or "unknown",
        command=command,
        last_archived=row.last_archived_wal or "",
        last_archived_at=_moment(row.last_archived_time),
        last_failed=row.last_failed_wal or "",
        last_failed_at=_moment(row.last_failed_time),
        failures=row.failed_count,
        waiting=waiting,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
