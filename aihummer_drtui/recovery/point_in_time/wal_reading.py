"""Reading another keeper's WAL, file by file: whose it is, its last commit, whether it is whole.

Each file is fetched into a private folder, read by pg_waldump of its own version, and removed.
"""

import os
import re
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, assert_never

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.point_in_time.model import ByLsn, ByName, ByTime, Latest, Point
from aihummer_drtui.recovery.point_in_time.points import lsn_text, parse_lsn
from aihummer_drtui.recovery.point_in_time.segment_chain import Chain
from aihummer_drtui.recovery.point_in_time.segments import Segment
from aihummer_drtui.recovery.reporting import Reporter

Fetch = Callable[[str, Path], bool]
"""Puts the WAL or history file of that name at the path, belonging to the reader's account; False = it is
not in the archive. Raises FailedError where it is there and cannot be had."""

STEPS_BACK: Final = 16
"""Files that are looked into for the last commit: an idle server writes files without any."""
_TALK_LIMIT: Final = 128_000_000
"""Bytes of pg_waldump's lines on one file."""
_SECONDS: Final = 600.0
_COMMIT: Final = re.compile(
    rb"desc: COMMIT(?:_PREPARED)? [^\n]*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) UTC"
)
_RESTORE_POINT: Final = re.compile(rb"desc: RESTORE_POINT ([^\n]*)")
_LSN: Final = re.compile(rb"lsn: ([0-9A-F]{1,8}/[0-9A-F]{1,8})")
_NEXT_FILE: Final = "could not find file"


@dataclass(frozen=True, kw_only=True)
class SegmentHeader:
    """What a WAL file's first page tells (XLogLongPageHeaderData, src/include/access/xlog_internal.h)."""

    system_identifier: int
    size: int
    """Bytes of each WAL file of this server."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """What one WAL file says."""

    last_lsn: int | None
    """Where its last record of the kind that was asked for starts."""
    commits: tuple[datetime, ...]
    restore_points: tuple[bytes, ...]


def read_header(data: bytes) -> SegmentHeader | None:
    """The header at the start of a WAL file, or None where there is none that makes sense."""
    if len(data) < 40:
        return None
    _, info, _, _, _, system, size, block = struct.unpack("<HHIQIxxxxQII", data[:40])
    # XLP_LONG_HEADER; initdb takes powers of two from 1 MB to 1 GB.
    if not info & 0x0002 or block not in {1024 << n for n in range(7)}:
        return None
    if size not in {1 << n for n in range(20, 31)}:
        return None
    return SegmentHeader(system_identifier=system, size=size)


class WalReader:
    """Reads WAL files of one server, each fetched by `fetch`."""

    def __init__(self, *, pg_waldump: Path, account: ServerAccount, fetch: Fetch, size: int) -> None:
        self._pg_waldump = pg_waldump
        self._account = account
        self._fetch = fetch
        self._size = size
        self._commits: dict[Segment, datetime | None] = {}

    def last_commit(self, chain: Chain) -> datetime | None:
        """The time of the last commit in the chain, or None where its last files hold none."""
        for segment in reversed(chain.segments[-STEPS_BACK:]):
            if segment not in self._commits:
                self._commits[segment] = self._last_commit_of(segment)
            if (found := self._commits[segment]) is not None:
                return found
        return None

    def prove(self, chain: Chain, start_lsn: int, point: Point, reporter: Reporter) -> None:
        """Fetch and decode every record from `start_lsn` to the point.

        Raises PreconditionError when a file is gone or the point is in none of them, FailedError when one
        is damaged. Without a file that ends the recovery (`Latest`) all files are read.
        """
        reporter.phase("reading WAL", total=len(chain.segments), unit="WAL files")
        with scratch_folder(self._account) as folder:
            for place, segment in enumerate(chain.segments):
                following = chain.segments[place + 1 : place + 2]
                for needed in (segment, *following):
                    self._have(needed, folder)
                start = max(start_lsn, segment.start(self._size))
                if self._reaches(segment, following, folder, start, point):
                    return
                (folder / segment.name(self._size)).unlink()
                reporter.advance()
        _refuse_unreached(point, chain)

    def _last_commit_of(self, segment: Segment) -> datetime | None:
        with scratch_folder(self._account) as folder:
            name = segment.name(self._size)
            if not self._fetch(name, folder / name):
                return None
            try:
                records = self._read(segment, folder, segment.start(self._size), (), "Transaction")
            except FailedError:
                # Damaged: what can be reached is not known. `prove` tells why.
                return None
            return records.commits[-1] if records.commits else None

    def _have(self, segment: Segment, folder: Path) -> None:
        name = segment.name(self._size)
        if not (folder / name).exists() and not self._fetch(name, folder / name):
            raise PreconditionError(
                f"WAL file {name} is in the keeper's list and not in its archive",
                hint="find it on the lost host's pg_wal or another copy, or choose a point before it",
            )

    def _reaches(
        self, segment: Segment, following: Sequence[Segment], folder: Path, start: int, point: Point
    ) -> bool:
        """Whether recovery stops in this file. Every record is decoded, whichever kind is asked for."""
        kind = "XLOG" if isinstance(point, ByName) else "Transaction"
        match point:
            case ByTime(moment=moment):
                # Recovery to a time stops at the first commit after it (PostgreSQL 17, 19.5.6).
                records = self._read(segment, folder, start, following, kind)
                return any(commit > moment for commit in records.commits)
            case ByName(name=name):
                records = self._read(segment, folder, start, following, kind)
                return name.encode() in records.restore_points
            case ByLsn(lsn=lsn):
                if lsn >= segment.start(self._size) + self._size:
                    self._read(segment, folder, start, following, kind)
                    return False
                # Recovery stops behind the first record that starts there or later (19.5.6).
                records = self._read(segment, folder, start, following, "")
                return records.last_lsn is not None and records.last_lsn >= lsn
            case Latest():
                self._read(segment, folder, start, following, kind)
                return False
        assert_never(point)

    def _read(
        self, segment: Segment, folder: Path, start: int, following: Sequence[Segment], kind: str
    ) -> Records:
        """Decode the records that start in this file; `following` are fetched, for the last one's rest."""
        end = segment.start(self._size) + self._size
        name = segment.name(self._size)
        with tempfile.TemporaryFile() as output:

            def look() -> None:
                if os.fstat(output.fileno()).st_size > _TALK_LIMIT:
                    raise FailedError(
                        f"pg_waldump says more than {_TALK_LIMIT} bytes on {name}",
                        hint="look at that WAL file with pg_waldump",
                    )

            ended = run_program(
                [
                    self._pg_waldump,
                    *("-p", folder, "-t", str(segment.timeline)),
                    *("-s", lsn_text(start), "-e", lsn_text(end)),
                    *(("-r", kind) if kind else ()),
                ],
                environment={**program_environment(), "TZ": "UTC"},
                descriptors=(),
                account=self._account,
                output=output.fileno(),
                seconds=_SECONDS,
                meanwhile=look,
            )
            look()
            data = os.pread(output.fileno(), _TALK_LIMIT, 0)
        # The last record may go on in a file that is of another timeline, or not there yet.
        next_missing = _NEXT_FILE in ended.words and not (
            following and following[0].timeline == segment.timeline
        )
        if ended.code != 0 and not next_missing:
            raise FailedError(
                f"WAL file {name} is damaged: {ended.first_words}",
                hint="get that file from another copy, or choose a point before it",
            )
        return _records(data)


@contextmanager
def scratch_folder(account: ServerAccount) -> Iterator[Path]:
    """A private folder of the account's; gone with the block."""
    with tempfile.TemporaryDirectory(prefix="drtui-wal-", ignore_cleanup_errors=True) as name:
        account.own(Path(name))
        yield Path(name)


def _records(data: bytes) -> Records:
    lsns = _LSN.findall(data)
    return Records(
        last_lsn=parse_lsn(lsns[-1].decode()) if lsns else None,
        commits=tuple(
            datetime.fromisoformat(found.decode()).replace(tzinfo=UTC) for found in _COMMIT.findall(data)
        ),
        restore_points=tuple(_RESTORE_POINT.findall(data)),
    )


def _refuse_unreached(point: Point, chain: Chain) -> None:
    match point:
        case Latest():
            return
        case ByTime(moment=moment):
            what = (
                f"no commit after {moment.astimezone(UTC).isoformat(sep=' ')}, where the recovery would stop"
            )
        case ByName(name=name):
            what = f"no restore point named {cleaned_line(name)}"
        case ByLsn(lsn=lsn):
            what = f"no record at or after position {lsn_text(lsn)}"
    raise PreconditionError(
        f"the WAL that follows the base backup has {what}"
        + (f"; WAL file {chain.gap} is missing after it" if chain.gap else ""),
        hint="choose a point within it, or `latest`: as far as the WAL goes",
    )
