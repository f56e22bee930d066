"""What another keeper's WAL archive holds, by its files' names: chains and windows of base backups."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.database.programs import server_programs
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, ByLsn, ByTime, Latest, Point, Window
from aihummer_drtui.recovery.point_in_time.reach import require_reach
from aihummer_drtui.recovery.point_in_time.segment_chain import (
    SMALLEST_SIZE,
    USUAL_SIZE,
    Chain,
    follow,
)
from aihummer_drtui.recovery.point_in_time.segment_file import history_in
from aihummer_drtui.recovery.point_in_time.segment_header import Expected, SegmentHeader, read_header
from aihummer_drtui.recovery.point_in_time.segments import (
    History,
    Segment,
    history_timeline,
    segment_named,
)
from aihummer_drtui.recovery.point_in_time.wal_reading import Fetch, WalReader, scratch_folder
from aihummer_drtui.recovery.point_in_time.waldump import Waldump
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

_HISTORIES: Final = 200
"""Timelines whose history is read, the newest; a cluster gets a new one with each promotion."""


@dataclass(frozen=True, kw_only=True)
class ArchiveView:
    """The WAL files of one server that an archive lists."""

    present: frozenset[Segment]
    histories: Mapping[int, History]
    header: SegmentHeader | None
    """Of one of the files; None = there is none that could be read."""
    target: Target
    account: ServerAccount
    """Whom pg_waldump runs as, and whose the fetched files are."""
    fetch: Fetch
    _readers: dict[tuple[int, int], WalReader]

    @property
    def size(self) -> int:
        """Bytes of each WAL file."""
        return self.header.size if self.header else USUAL_SIZE

    def chain(self, base: BaseBackup) -> Chain:
        """The files that follow the base backup without a gap."""
        return follow(
            timeline=base.timeline,
            start_lsn=base.start_lsn,
            end_lsn=base.end_lsn,
            present=self.present,
            histories=self.histories,
            size=self.size,
        )

    def names(self, chain: Chain) -> frozenset[str]:
        """The names of a chain's files."""
        return frozenset(segment.name(self.size) for segment in chain.segments)

    def reader(self, base: BaseBackup) -> WalReader:
        """A reader for the base backup's WAL. Raises PreconditionError where its programs are missing."""
        key = (base.server_major, base.system_identifier)
        if key not in self._readers:
            programs = server_programs(self.target, self.account, major=base.server_major)
            self._readers[key] = WalReader(
                waldump=Waldump(program=programs["pg_waldump"], account=self.account, size=self.size),
                fetch=self.fetch,
                expected=Expected(
                    system_identifier=base.system_identifier, server_major=base.server_major, size=self.size
                ),
            )
        return self._readers[key]

    def window(self, base: BaseBackup) -> Window:
        """What the base backup and the files after it bring back."""
        chain = self.chain(base)
        whole = chain.end_lsn >= base.end_lsn
        try:
            latest = self.reader(base).last_commit(chain.segments) if whole else None
        except DrtuiError:
            # The window's end by position stands; `latest` None says that the time is not known.
            latest = None
        return Window(
            base=base,
            earliest=base.ended,
            latest=latest if latest is not None and latest >= base.ended else None,
            latest_lsn=chain.end_lsn,
            timeline=chain.timeline,
            # Short of the copy's own end, a file is missing even where no later one is there.
            gap=chain.gap if whole else chain.gap or chain.following,
        )

    def prove(
        self, chain: Chain, base: BaseBackup, point: Point, reporter: Reporter, *, whole: bool = False
    ) -> None:
        """Read the chain up to the point; where it is known to be `whole`, no more than tells of the point.

        Raises as `WalReader.prove` does.
        """
        if whole:
            match point:
                case Latest() | ByTime():
                    return
                case ByLsn(lsn=lsn):
                    ending = tuple(one for one in chain.segments if one.end(self.size) > lsn)
                    chain = replace(chain, segments=ending)
        self.reader(base).prove(chain.segments, base.start_lsn, point, reporter, gap=chain.gap)

    def require(self, chain: Chain, window: Window, point: Point) -> None:
        """Raise PreconditionError where the chain does not reach the copy's own end and the point."""
        require_reach(window, point, end_lsn=chain.end_lsn, missing=chain.gap or chain.following)


def view_of(
    names: Iterable[str],
    *,
    sample: str,
    fetch: Fetch,
    account: ServerAccount,
    target: Target,
    beyond: Callable[[str], Iterable[str]] = lambda _: (),
) -> ArchiveView:
    """The archive that holds files of these names; one of them is looked into, `sample` if it is there.

    `beyond` gives the names from a file on that begins a timeline, where `names` need not hold them.
    Raises FailedError where a file that is listed cannot be had.
    """
    listed = sorted(set(names))
    files = [name for name in listed if segment_named(name, SMALLEST_SIZE)]
    samples = dict.fromkeys([name for name in (sample, *files[-1:], *files[:1]) if name in files])
    header = _header(samples, fetch, account)
    size = header.size if header else USUAL_SIZE
    timelines = sorted(timeline for name in listed if (timeline := history_timeline(name)) is not None)
    histories = {
        each: history
        for each in timelines[-_HISTORIES:]
        if (history := _history(each, fetch, account)) is not None
    }
    for history in histories.values():
        files += beyond(_first_of(history, size))
    return ArchiveView(
        present=frozenset(segment for name in files if (segment := segment_named(name, size))),
        histories=histories,
        header=header,
        target=target,
        account=account,
        fetch=fetch,
        _readers={},
    )


def _first_of(history: History, size: int) -> str:
    """The file that a timeline begins with: it holds the position where the former one was left."""
    begin = history.switches[-1].lsn if history.switches else 0
    return Segment(timeline=history.timeline, number=begin // size).name(size)


def _header(names: Iterable[str], fetch: Fetch, account: ServerAccount) -> SegmentHeader | None:
    damaged = None
    for name in names:
        with scratch_folder(account) as folder:
            try:
                if fetch(name, folder / name) and (header := _header_in(folder / name)):
                    return header
            except FailedError as error:
                # One damaged file does not hide the others; that it is damaged, `prove` tells.
                damaged = error
    if damaged is not None:
        raise damaged
    return None


def _header_in(file: Path) -> SegmentHeader | None:
    with file.open("rb") as opened:
        return read_header(opened.read(64))


def _history(timeline: int, fetch: Fetch, account: ServerAccount) -> History | None:
    name = f"{timeline:08X}.history"
    with scratch_folder(account) as folder:
        if not fetch(name, folder / name):
            return None
        return history_in(folder, timeline)
