"""What one WAL file says: commits, the last record, restore points; by pg_waldump of its own version.

It decodes hostile bytes, so it runs as the server's account. Every record is decoded and its checksum
compared, whichever kind is asked for.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import IO, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import Ended, run_program
from aihummer_drtui.recovery.point_in_time.segments import Segment, lsn_of, lsn_text

_TALK_PER_BYTE: Final = 16
"""Bytes of lines for each byte of WAL, at most: a record of 34 bytes gives a line of some 110."""
_LINE_LIMIT: Final = 65_536
_SECONDS: Final = 600.0
_COMMIT: Final = re.compile(
    rb"desc: COMMIT(?:_PREPARED)? [^\n]*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) UTC"
)
_RESTORE_POINT: Final = re.compile(rb"desc: RESTORE_POINT ([^\n]*)")
_LSN: Final = re.compile(rb"lsn: ([0-9A-F]{1,8}/[0-9A-F]{1,8})")
_NEXT_FILE: Final = "could not find file"
_CLOSED: Final = "could not open file"
_NOTHING_MORE: Final = "24, got 0"
"""Zeros where a record should begin: the end of WAL in a file that was still being filled."""


class Kind(Enum):
    """Which records are told: `--rmgr` of pg_waldump(1)."""

    COMMITS = ("--rmgr=Transaction",)
    RESTORE_POINTS = ("--rmgr=XLOG",)
    ALL = ()


@dataclass(frozen=True, kw_only=True)
class Records:
    """What one WAL file says, of the kind that was asked for."""

    last_lsn: int | None
    """Where its last record starts."""
    last_commit: datetime | None
    """The latest of its commits."""
    restore_points: frozenset[bytes]


@dataclass(frozen=True, kw_only=True)
class Waldump:
    """pg_waldump of one version, for WAL files of one size."""

    program: Path
    account: ServerAccount
    size: int
    """Bytes of a WAL file."""

    def read(
        self, folder: Path, segment: Segment, *, start: int, following: Segment | None, kind: Kind
    ) -> Records:
        """Decode the records that start in this file at `start` or later.

        File and `following`, where it is not None, lie plain in the folder: the last record may go on in
        it. Raises FailedError where the file is damaged, and as `run_program` does.
        """
        name = segment.name(self.size)
        with tempfile.TemporaryFile() as output:
            limit = _TALK_PER_BYTE * self.size

            def look() -> None:
                if os.fstat(output.fileno()).st_size > limit:
                    raise FailedError(
                        f"pg_waldump says more than {limit} bytes on {name}",
                        hint="look at that WAL file with pg_waldump",
                    )

            ended = run_program(
                [
                    self.program,
                    *("-p", folder, "-t", str(segment.timeline)),
                    *("-s", lsn_text(start), "-e", lsn_text(segment.end(self.size))),
                    *kind.value,
                ],
                environment={**program_environment(), "TZ": "UTC", "HOME": self.account.home},
                descriptors=(),
                account=self.account,
                output=output.fileno(),
                seconds=_SECONDS,
                meanwhile=look,
            )
            look()
            if _CLOSED in ended.words:
                raise FailedError(
                    f"WAL file {name} cannot be read by {self.account.name}: {ended.first_words}",
                    hint="PostgreSQL would take that for the end of WAL: let that account read the archive "
                    "and enter each folder above it",
                )
            if ended.code != 0 and not _is_an_end(ended, segment, following):
                raise FailedError(
                    f"WAL file {name} is damaged: {ended.first_words}",
                    hint="get that file from another copy, or choose a point before it",
                )
            output.seek(0)
            return _records(output)


def _is_an_end(ended: Ended, segment: Segment, following: Segment | None) -> bool:
    """Whether it stopped where WAL may end or the timeline is left, rather than at damage."""
    if following is not None and following.timeline == segment.timeline:
        return False
    return _NEXT_FILE in ended.words or (following is None and _NOTHING_MORE in ended.words)


def _records(output: IO[bytes]) -> Records:
    last_lsn: int | None = None
    commits: list[datetime] = []
    points: set[bytes] = set()
    while line := output.readline(_LINE_LIMIT):
        if found := _LSN.search(line):
            last_lsn = lsn_of(found[1].decode())
        if found := _COMMIT.search(line):
            moment = datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC)
            commits = [max([*commits, moment])]
        if found := _RESTORE_POINT.search(line):
            points.add(found[1])
    return Records(
        last_lsn=last_lsn, last_commit=commits[0] if commits else None, restore_points=frozenset(points)
    )
