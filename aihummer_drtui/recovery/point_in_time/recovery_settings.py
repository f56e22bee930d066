"""What a laid-out data directory is told about the point to recover to (PostgreSQL 17, 19.5.6 and 25.3.5)."""

import re
from datetime import UTC
from pathlib import Path
from typing import Final, assert_never

from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point
from aihummer_drtui.recovery.point_in_time.segments import lsn_text
from aihummer_drtui.recovery.regular_file import read_regular

_AUTO: Final = "postgresql.auto.conf"
_LIMIT: Final = 10_000_000
_TARGET: Final = re.compile(
    rb"\s*(?:recovery_target\w*|pause_at_recovery_target|standby_mode)\b", re.IGNORECASE
)


def settle(
    folder: Path, point: Point, *, timeline: int, account: ServerAccount, restore_command: str = ""
) -> None:
    """Replace whatever `postgresql.auto.conf` says of a recovery's target by this point and timeline.

    The keepers' own lines are not kept: pgBackRest 2.45 and Barman 3.4 write a restore point's name
    without quoting it. A `restore_command` that is there stays as it is where none is given. Raises
    FailedError.
    """
    path = folder / _AUTO
    try:
        lines = read_regular(path, limit=_LIMIT, follow=False)[0].splitlines()
        kept = [line for line in lines if not _TARGET.match(line)]
        if restore_command:
            kept.append(f"restore_command = {quoted(restore_command)}".encode())
        told = [line.encode() for line in target_lines(point, timeline=timeline)]
        owner = None if account.is_present else (account.uid, account.gid)
        write_durably(path, b"\n".join([*kept, *told, b""]), owner=owner)
        write_durably(folder / "recovery.signal", b"", owner=owner)
        sync_folder(folder)
    except OSError as error:
        raise FailedError(
            f"the recovery's target could not be written: {error.strerror}",
            where=str(path),
            hint="is the disk full? remove the folder and lay the backup out again",
        ) from error
    if not any(re.match(rb"\s*restore_command\b", line) for line in kept):
        raise FailedError(
            "the keeper left no restore_command: without it no WAL would be rolled forward",
            where=str(path),
            hint="remove the folder; was the keeper's own configuration changed?",
        )


def target_lines(point: Point, *, timeline: int) -> list[str]:
    """The settings that stop a recovery at the point, and let the server take over there."""
    action = "recovery_target_action = 'promote'"
    last = f"recovery_target_timeline = '{timeline}'"
    match point:
        case Latest():
            # Without a target the server takes over by itself at the end of the WAL.
            return [last]
        case ByTime(moment=moment):
            stop = f"recovery_target_time = '{moment.astimezone(UTC).isoformat(sep=' ')}'"
        case ByLsn(lsn=lsn):
            stop = f"recovery_target_lsn = '{lsn_text(lsn)}'"
        case ByName(name=name):
            stop = f"recovery_target_name = {quoted(name)}"
        case _:
            assert_never(point)
    return [stop, action, last]


def quoted(text: str) -> str:
    """A value for PostgreSQL's configuration, on one line (src/backend/utils/misc/guc-file.l)."""
    one_line = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return "'" + one_line.replace("'", "''") + "'"
