"""Reading the WAL that follows a base backup: its last commit, and whether it is whole up to a point.

One way for every keeper: each file is fetched into a private folder, held against what it must be, and
decoded by pg_waldump of its own version.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point
from aihummer_drtui.recovery.point_in_time.reach import not_reached
from aihummer_drtui.recovery.point_in_time.segment_header import HEADER, Expected, header_damage, read_header
from aihummer_drtui.recovery.point_in_time.segments import Segment
from aihummer_drtui.recovery.point_in_time.waldump import Kind, Records, Waldump
from aihummer_drtui.recovery.reporting import Reporter

Fetch = Callable[[str, Path], bool]
"""Puts the WAL or history file of that name at the path, for the reader's account to read; False = it is
not in the archive. Raises FailedError where it is there and cannot be had."""

_COMMIT_SECONDS: Final = 20.0
"""For the last commit: an idle server writes files without any."""
_ELSEWHERE: Final = "find it on the lost host's pg_wal or another copy, or choose a point before it"
_NOTHING: Final = Records(last_lsn=None, last_commit=None, restore_points=frozenset())


class WalReader:
    """Reads WAL files of one server, each fetched by `fetch`."""

    def __init__(self, *, waldump: Waldump, fetch: Fetch, expected: Expected) -> None:
        self._waldump = waldump
        self._fetch = fetch
        self._expected = expected
        self._commits: dict[Segment, datetime | None] = {}

    def last_commit(self, segments: Sequence[Segment]) -> datetime | None:
        """The time of the last commit in them, looked for from their end; None = none was found in time.

        A file of no use counts as one without a commit: `prove` tells why.
        """
        until = time.monotonic() + _COMMIT_SECONDS
        for place in range(len(segments) - 1, -1, -1):
            segment = segments[place]
            if segment not in self._commits:
                if time.monotonic() > until:
                    return None
                self._commits[segment] = self._last_commit_of(segment)
            if (found := self._commits[segment]) is not None:
                return found
        return None

    def prove(
        self, segments: Sequence[Segment], start_lsn: int, point: Point, reporter: Reporter, *, gap: str = ""
    ) -> None:
        """Fetch and decode every record from `start_lsn` to the point, in files that follow each other.

        `gap` names the file that is missing after them. Raises PreconditionError when a file is gone or the
        point is in none of them, FailedError when one is of no use. Without a record that ends the
        recovery (`Latest`) all files are read.
        """
        size = self._waldump.size
        if isinstance(point, ByLsn) and (not segments or point.lsn >= segments[-1].end(size)):
            raise not_reached(point, gap)
        reporter.phase("reading WAL", total=len(segments), unit="WAL files")
        with scratch_folder(self._waldump.account) as folder:
            for place in range(len(segments)):
                segment, *following = segments[place : place + 2]
                for needed in (segment, *following):
                    self._have(needed, folder)
                start = max(start_lsn, segment.start(size))
                if self._reaches(segment, following[0] if following else None, folder, start, point):
                    return
                (folder / segment.name(size)).unlink()
                reporter.advance()
        if not isinstance(point, Latest):
            raise not_reached(point, gap)

    def _last_commit_of(self, segment: Segment) -> datetime | None:
        with scratch_folder(self._waldump.account) as folder:
            try:
                self._have(segment, folder)
                start = segment.start(self._waldump.size)
                return self._read(segment, None, folder, start, Kind.COMMITS).last_commit
            except FailedError:
                # What can be reached is not known. `prove` tells why.
                return None

    def _have(self, segment: Segment, folder: Path) -> None:
        """Fetch a file, once, and see that it is what its name says."""
        name = segment.name(self._waldump.size)
        if os.path.lexists(folder / name):
            return
        if not self._fetch(name, folder / name):
            raise PreconditionError(f"WAL file {name} is listed and not in the archive", hint=_ELSEWHERE)
        head, size = _looked_into(folder / name)
        wrong = header_damage(head, segment, self._expected)
        if size != self._expected.size:
            wrong = f"it has {size} bytes instead of {self._expected.size}: it was cut or is none"
        if wrong:
            raise FailedError(f"WAL file {name} is of no use: {wrong}", hint=_ELSEWHERE)

    def _reaches(
        self, segment: Segment, following: Segment | None, folder: Path, start: int, point: Point
    ) -> bool:
        """Whether recovery stops in this file. Every record is decoded, whichever kind is asked for."""
        match point:
            case ByTime(moment=moment):
                # Recovery to a time stops at the first commit after it (PostgreSQL 17, 19.5.6).
                last = self._read(segment, following, folder, start, Kind.COMMITS).last_commit
                return last is not None and last > moment
            case ByName(name=name):
                records = self._read(segment, following, folder, start, Kind.RESTORE_POINTS)
                return name.encode() in records.restore_points
            case ByLsn(lsn=lsn):
                # It stops behind the first record that starts there or later (19.5.6).
                kind = Kind.ALL if lsn < segment.end(self._waldump.size) else Kind.RESTORE_POINTS
                last_lsn = self._read(segment, following, folder, start, kind).last_lsn
                return kind is Kind.ALL and last_lsn is not None and last_lsn >= lsn
            case Latest():
                self._read(segment, following, folder, start, Kind.COMMITS)
                return False
        assert_never(point)

    def _read(
        self, segment: Segment, following: Segment | None, folder: Path, start: int, kind: Kind
    ) -> Records:
        header = read_header(_looked_into(folder / segment.name(self._waldump.size))[0])
        if header is not None and header.begins_no_record:
            return _NOTHING
        return self._waldump.read(folder, segment, start=start, following=following, kind=kind)


def _looked_into(file: Path) -> tuple[bytes, int]:
    """The start of a fetched file, and its size."""
    try:
        with file.open("rb") as opened:
            return opened.read(HEADER.size), opened.seek(0, os.SEEK_END)
    except OSError as error:
        raise FailedError(
            f"WAL file {file.name} cannot be read: {error.strerror}",
            where=str(file),
            hint="is the archive's medium well, and is there room in the temporary folder?",
        ) from None


@contextmanager
def scratch_folder(account: ServerAccount) -> Iterator[Path]:
    """A private folder of the account's; gone with the block."""
    with tempfile.TemporaryDirectory(prefix="drtui-wal-", ignore_cleanup_errors=True) as name:
        account.own(Path(name))
        yield Path(name)
