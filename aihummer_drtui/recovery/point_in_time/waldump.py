"""What archived WAL says: commits, the last record, restore points; by pg_waldump of its own version.

It decodes hostile bytes, so it runs as the server's account. Plain segments are read where they lie,
packed ones are unpacked into a private folder of the account's that is gone afterwards.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.programs import ServerPrograms
from aihummer_drtui.recovery.point_in_time.segments import Segment, lsn_of
from aihummer_drtui.recovery.point_in_time.wal_folder import WalFolder
from aihummer_drtui.recovery.point_in_time.wal_segment import unpack_to

_TALK_LIMIT: Final = 256_000_000
"""Bytes of lines; 1 GB of WAL can hold more commits than that, and its last ones are at the end."""
_SECONDS: Final = 600.0
_COMMIT: Final = re.compile(
    rb"desc: COMMIT(?:_PREPARED)? [^\n]*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) UTC"
)
_RESTORE_POINT: Final = re.compile(rb"desc: RESTORE_POINT ([^\n]*)")
_LSN: Final = re.compile(rb"lsn: ([0-9A-F]{1,8}/[0-9A-F]{1,8})")
_CUT_SHORT: Final = ("could not find file", "24, got 0", "could not find a valid record")
"""A record goes on in the next file, which is not there; or WAL ends here. Neither is damage."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a few segments say."""

    last_lsn: int | None
    """Where the last record starts."""
    last_commit: datetime | None
    """The latest of their commits."""
    restore_points: tuple[str, ...]
    damaged: str
    """pg_waldump's words where it could not read on; empty = it could."""


@dataclass(frozen=True, kw_only=True)
class Waldump:
    """Reads segments of one archive."""

    folder: WalFolder
    programs: ServerPrograms
    account: ServerAccount

    def commits(self, segments: Sequence[Segment]) -> Said:
        """The commits in segments that follow each other. Raises as `run_program` does."""
        return self._said(segments, "Transaction")

    def restore_points(self, segments: Sequence[Segment]) -> Said:
        """The restore points in them."""
        return self._said(segments, "XLOG")

    def records(self, segments: Sequence[Segment]) -> Said:
        """All of their records."""
        return self._said(segments, "")

    def _said(self, segments: Sequence[Segment], kind: str) -> Said:
        commits: list[datetime] = []
        points: list[str] = []
        last: int | None = None
        damaged = ""
        for run in _of_one_timeline(segments):
            data, words = self._output(run, kind)
            lsns = _LSN.findall(data)
            last = lsn_of(lsns[-1].decode()) if lsns else last
            commits += [
                datetime.fromisoformat(one.decode()).replace(tzinfo=UTC) for one in _COMMIT.findall(data)
            ]
            points += [one.decode("utf-8", "replace") for one in _RESTORE_POINT.findall(data)]
            damaged = damaged or words
        return Said(
            last_lsn=last,
            last_commit=max(commits, default=None),
            restore_points=tuple(points),
            damaged=damaged,
        )

    def _output(self, segments: Sequence[Segment], kind: str) -> tuple[bytes, str]:
        first, last = (segment.name(self.folder.size) for segment in (segments[0], segments[-1]))
        with self._readable(segments) as place, tempfile.TemporaryFile() as output:
            ended = run_program(
                [
                    self.programs["pg_waldump"],
                    *(f"--path={place}", *((f"--rmgr={kind}",) if kind else ())),
                    *(first, last),
                ],
                environment={**program_environment(), "TZ": "UTC", "HOME": self.account.home},
                descriptors=(),
                account=self.account,
                output=output.fileno(),
                seconds=_SECONDS,
                interval=0.05,
            )
            size = os.fstat(output.fileno()).st_size
            data = os.pread(output.fileno(), _TALK_LIMIT, max(0, size - _TALK_LIMIT))
        if ended.code == 0 or any(phrase in ended.words for phrase in _CUT_SHORT):
            return data, ""
        return data, ended.first_words

    @contextmanager
    def _readable(self, segments: Sequence[Segment]) -> Iterator[Path]:
        """A folder that holds the segments unpacked, and that the account can read."""
        found = [(segment, self.folder.find(segment)) for segment in segments]
        missing = next((segment for segment, file in found if file is None), None)
        if missing is not None:
            raise PreconditionError(
                f"WAL file {missing.name(self.folder.size)} is missing",
                where=str(self.folder.path),
                hint="find it on the lost host's pg_wal or another copy, or choose a point before it",
            )
        if not any(file[1] for _, file in found if file):
            yield self.folder.path
            return
        with tempfile.TemporaryDirectory(prefix="drtui-wal-", ignore_cleanup_errors=True) as name:
            scratch = Path(name)
            self.account.own(scratch)
            for segment, file in found:
                if file is None:
                    continue
                plain = scratch / segment.name(self.folder.size)
                try:
                    unpack_to(*file, plain, self.folder.size)
                    self.account.own(plain)
                except OSError as error:
                    raise FailedError(
                        f"WAL could not be unpacked: {error.strerror}",
                        where=str(scratch),
                        hint="is there room in the temporary folder? TMPDIR names another",
                    ) from None
            yield scratch


def _of_one_timeline(segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
    """pg_waldump reads one timeline at a time."""
    begin = 0
    for at in range(1, len(segments) + 1):
        if at == len(segments) or segments[at].timeline != segments[begin].timeline:
            yield segments[begin:at]
            begin = at
