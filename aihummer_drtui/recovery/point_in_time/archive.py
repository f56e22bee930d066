"""This program's own keeper: base backups that it took, and the folder that archive_command fills."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.growing import PARTIAL
from aihummer_drtui.recovery.database.account import ServerAccount, account_owning, servers_account
from aihummer_drtui.recovery.database.programs import server_programs
from aihummer_drtui.recovery.point_in_time.base import Base, bases_in
from aihummer_drtui.recovery.point_in_time.base_copy import copy_base
from aihummer_drtui.recovery.point_in_time.base_verify import (
    base_verified,
    refuse_untrusted_base,
    verify_base,
)
from aihummer_drtui.recovery.point_in_time.model import (
    Keeper,
    Point,
    Window,
)
from aihummer_drtui.recovery.point_in_time.reach import require_reach
from aihummer_drtui.recovery.point_in_time.recovery_settings import settle
from aihummer_drtui.recovery.point_in_time.segment_file import lay_open
from aihummer_drtui.recovery.point_in_time.segment_packing import PACKINGS
from aihummer_drtui.recovery.point_in_time.segments import Segment, lsn_of, number_of, segment_named
from aihummer_drtui.recovery.point_in_time.span import Span, expected_of, sound, span_on, spans_of
from aihummer_drtui.recovery.point_in_time.wal_folder import WalFolder, read_folder
from aihummer_drtui.recovery.point_in_time.wal_reading import Fetch, WalReader
from aihummer_drtui.recovery.point_in_time.waldump import Waldump
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target, WalArchive


@dataclass(frozen=True, kw_only=True)
class ArchiveKeeper:
    """`[wal]` of target.toml as a WalKeeper."""

    target: Target
    wal: WalArchive
    _readers: dict[tuple[int, int, int], WalReader] = field(default_factory=dict)

    @property
    def keeper(self) -> Keeper:
        """Which of them it is."""
        return Keeper.ARCHIVE

    def bases(self) -> tuple[Base, ...]:
        """The base backups of all base-places, the newest first.

        Raises PreconditionError when no place is named, or none of them can be listed.
        """
        if not self.wal.base_places:
            raise PreconditionError(
                "no place of base backups is named", hint="name them as `base-places` in [wal] of target.toml"
            )
        found: list[Base] = []
        failures: list[PreconditionError] = []
        for place in self.wal.base_places:
            try:
                found += bases_in(place)[0]
            except PreconditionError as error:
                failures.append(error)
        if len(failures) == len(self.wal.base_places):
            raise failures[0]
        return tuple(sorted(found, key=lambda base: base.seal.ended, reverse=True))

    def unseen(self) -> tuple[str, ...]:
        """The places that cannot be listed and the base backups without a sound seal, and why, in words.

        What WAL they need is not known. One that is being made needs none that the others do not.
        """
        told: list[str] = []
        for place in self.wal.base_places:
            try:
                bad = bases_in(place)[1]
            except PreconditionError as error:
                told.append(f"base backups in {error.where}: {error.what}")
            else:
                told += [f"{no.path}: {no.problem}" for no in bad if not no.path.name.startswith(PARTIAL)]
        return tuple(told)

    def windows(self) -> tuple[Window, ...]:
        """Every base backup with its windows: one for each timeline that goes on from it, the newest first.

        Raises PreconditionError where places or archive cannot be listed.
        """
        folders: dict[int, WalFolder] = {}
        found: list[Window] = []
        for base in self.bases():
            size = base.seal.segment_size
            if size not in folders:
                folders[size] = read_folder(self.wal.archive, size)
            spans = [sound(span) for span in spans_of(base, folders[size])]
            found += [self._window(span) for span in spans]
        return tuple(found)

    def oldest_needed(self) -> str:
        """The name of the first WAL file that any base backup needs; empty = there is none, or it is unknown.

        Raises as `bases` does.
        """
        bases = self.bases()
        if not bases or self.unseen():
            # WAL that an unseen one needs must not be told to be of no use.
            return ""
        # pg_archivecleanup(1) compares positions and ignores timelines.
        oldest = min(bases, key=lambda base: lsn_of(base.seal.start_lsn))
        size = oldest.seal.segment_size
        number = number_of(lsn_of(oldest.seal.start_lsn), size)
        return Segment(timeline=oldest.seal.timeline, number=number).name(size)

    def prove(self, window: Window, point: Point, reporter: Reporter) -> None:
        """As WalKeeper.prove: every record up to the point decoded, then the base backup byte by byte.

        Raises PreconditionError that names what is missing, FailedError what is damaged.
        """
        base = self._base(window)
        span = span_on(base, read_folder(self.wal.archive, base.seal.segment_size), window.timeline)
        missing = span.segment(span.end).name(span.size)
        require_reach(window, point, end_lsn=span.end_lsn, missing=missing)
        start = lsn_of(base.seal.start_lsn)
        self._reader(span).prove(span.archived, start, point, reporter, gap=span.gap)
        verify_base(self.target, base, reporter)

    def lay(self, window: Window, point: Point, folder: Path, reporter: Reporter) -> None:
        """As WalKeeper.lay. Raises FailedError, PreconditionError."""
        base = self._base(window)
        refuse_untrusted_base(self.target, base)
        account = account_owning(folder)
        account.identity()
        copy_base(base, folder, account, reporter)
        command = self.wal.restore_command or restore_command(self.wal.archive)
        settle(folder, point, timeline=window.timeline, account=account, restore_command=command)

    def _base(self, window: Window) -> Base:
        for base in self.bases():
            if (base.path.name, base.seal.system_identifier) == (
                window.base.label,
                window.base.system_identifier,
            ):
                return base
        raise PreconditionError(
            f"base backup {cleaned_line(window.base.label, 60)} is no longer there",
            where=", ".join(map(str, self.wal.base_places)),
            hint="look with `aihummer-drtui backup list`",
        )

    def _window(self, span: Span) -> Window:
        whole = span.end > span.own
        try:
            latest = self._reader(span).last_commit(span.archived) if whole else None
        except DrtuiError:
            # The end by position stands; what its time is, is not known.
            latest = None
        base = span.base.as_backup(base_verified(span.base))
        return Window(
            base=base,
            earliest=base.ended,
            latest=latest if latest is not None and latest >= base.ended else None,
            latest_lsn=max(span.end_lsn, base.start_lsn),
            timeline=span.timeline,
            gap=span.gap,
        )

    def _reader(self, span: Span) -> WalReader:
        expected = expected_of(span.base)
        key = (expected.system_identifier, expected.server_major, expected.size)
        if key not in self._readers:
            account = servers_account(self.target, span.base.data)
            programs = server_programs(self.target, account, major=expected.server_major)
            self._readers[key] = WalReader(
                waldump=Waldump(program=programs["pg_waldump"], account=account, size=expected.size),
                fetch=_fetch_from(span.folder, account),
                expected=expected,
            )
        return self._readers[key]


def _fetch_from(folder: WalFolder, account: ServerAccount) -> Fetch:
    """Lay files of the archive open, by their names; a plain one is read where it lies."""

    def fetch(name: str, place: Path) -> bool:
        segment = segment_named(name, folder.size)
        found = folder.find(segment) if segment else None
        if found is None:
            return False
        lay_open(*found, place, folder.size, account)
        return True

    return fetch


def restore_command(archive: Path) -> str:
    """PostgreSQL's setting for a plain or packed archive (PostgreSQL 17, 25.3.5).

    A file that is not there ends with 1, as it must. One that cannot be unpacked, or an archive that the
    server's account cannot look into (not mounted, closed to it), ends with more than 125, which stops the
    recovery instead of ending it too early in silence.
    """
    place = shlex.quote(str(archive)).replace("%", "%%")
    tried = []
    for packing, program in PACKINGS.items():
        source = f"{place}/%f{packing}"
        copied = f"{' '.join(program)} {source} > %p" if program else f"cp {source} %p"
        tried.append(f"if test -f {source}; then {copied} || exit 200")
    tried.append(f"if test -r {place} && test -x {place}; then exit 1")
    return "; el".join(tried) + "; else exit 200; fi"
