"""The journal of one run: the only truth, written by one engine, read by everybody.

`append` returns when the record is on disk (write, then fdatasync(2)). A write or sync that fails
for another reason than a full disk leaves nobody certain of what the disk holds (fsync(2), "errors
may be reported once"), so the journal latches unhealthy and that descriptor is never used again.
"""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final, NoReturn

from aihummer_drtui.durable import create_durably, sync_folder
from aihummer_drtui.engine.ballast import Ballast
from aihummer_drtui.engine.clock import Clock
from aihummer_drtui.engine.journal_reading import JOURNAL, require_begun, unusable, whole_of
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.engine.record import VERSION, Chain, decode_all, encode
from aihummer_drtui.engine.renewal import is_unsure, mark_unsure, renew
from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.run.events import (
    ENGINE,
    CommandEnded,
    CommandStarted,
    EngineStopped,
    Event,
    JournalRepaired,
    LevelReached,
    LockTaken,
    OutcomeLost,
    OutcomeProbed,
    OutcomeSettled,
    Record,
    RunAbandoned,
    RunFinished,
    SittingClosed,
)

_ENDINGS: Final = (
    CommandStarted,
    CommandEnded,
    OutcomeLost,
    OutcomeProbed,
    OutcomeSettled,
    LevelReached,
    LockTaken,
    SittingClosed,
    EngineStopped,
    JournalRepaired,
    RunFinished,
    RunAbandoned,
)
"""What has happened already and must be kept: these may use up the ballast, beginnings may not."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class JournalUnhealthyError(PreconditionError):
    """An earlier write or sync failed; this journal takes nothing more in this process."""


class JournalFullError(PreconditionError):
    """No room for this record; the journal is as it was before, and still healthy."""


class Journal:
    """A journal open for writing. Made by `create` or `open`; the caller holds the run's lock.

    `found` holds the records that were there when it was opened, the repair's own included.
    """

    def __init__(self, folder: Path, clock: Clock, descriptor: int) -> None:
        self.folder = folder
        self.path = folder / JOURNAL
        self.found: tuple[Record, ...] = ()
        self.unhealthy: str | None = None
        self._clock = clock
        self._descriptor: int | None = descriptor
        self._chain = Chain()
        self._ballast = Ballast(folder)

    @classmethod
    def create(cls, folder: Path, clock: Clock) -> "Journal":
        """Make an empty journal and its ballast, both durable, in an existing folder.

        Raises PreconditionError when there is one already or the folder does not take it.
        """
        path = folder / JOURNAL
        try:
            Ballast(folder).fill()
            descriptor = open_private(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
            os.fsync(descriptor)
            sync_folder(folder)
        except OSError as error:
            raise unusable(path, "cannot be made", error) from error
        return cls(folder, clock, descriptor)

    @classmethod
    def open(cls, folder: Path, clock: Clock) -> "Journal":
        """Take up a journal; a torn last record is cut off after a copy of it was kept.

        Raises CorruptJournalError when it contradicts itself, PreconditionError when it was written by
        a newer program, holds no record, is not ours, or cannot be written. It is then untouched.
        """
        path = folder / JOURNAL
        try:
            descriptor = open_private(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise unusable(path, "cannot be opened", error) from error
        journal = cls(folder, clock, descriptor)
        try:
            journal._take_up(whole_of(descriptor))
        except OSError as error:
            journal.close()
            raise unusable(path, "cannot be taken up", error) from error
        except BaseException:
            journal.close()
            raise
        return journal

    def _take_up(self, data: bytes) -> None:
        read = decode_all(data)
        require_begun(self.path, read)
        self.found, self._chain = read.records, read.chain
        if is_unsure(self.folder):
            renewed = renew(self.path, data)
            self.close()
            self._descriptor = renewed
        if torn := data[read.chain.offset :]:
            copy = _keep(self.folder, torn)
            descriptor = self._healthy()
            os.ftruncate(descriptor, self._chain.offset)
            os.fsync(descriptor)
            repaired = self.append(JournalRepaired(bytes_cut=len(torn), copy=copy), ENGINE)
            self.found = (*self.found, repaired)
        with contextlib.suppress(OSError):  # A full disk does not stop the taking up; see `_write`.
            self._ballast.fill()

    def append(self, event: Event, actor: str) -> Record:
        """Make the event durable and give its record.

        Raises JournalFullError when the disk is full (nothing was recorded, the journal is healthy),
        JournalUnhealthyError when it is not known what the disk holds, UsageError when the event cannot
        be written as a record.
        """
        descriptor = self._healthy()
        record = Record(
            version=VERSION,
            sequence=self._chain.sequence + 1,
            previous=self._chain.digest,
            boot_id=self._clock.boot_id(),
            boottime=self._clock.boottime(),
            wall=self._clock.wall(),
            actor=actor,
            what=event,
        )
        try:
            line, chain = encode(record, self._chain)
        except ValueError as error:
            raise UsageError(
                f"this cannot be recorded: {error}",
                where=str(self.path),
                hint="use shorter, plain text; large or binary matter belongs into a file",
            ) from error
        try:
            self._write(descriptor, line, may_spend=isinstance(event, _ENDINGS))
        except OSError as error:
            if error.errno in _FULL:
                raise _full(self.path, error) from error
            self._latch(error)
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            mark_unsure(self.folder)
            self._latch(error)
        self._chain = chain
        return record

    def close(self) -> None:
        """Give the descriptor back; what was appended is durable already."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, descriptor: int, line: bytes, *, may_spend: bool) -> None:
        if os.fstat(descriptor).st_size != self._chain.offset:
            raise OSError(errno.EIO, "somebody else wrote to the journal")
        if not may_spend and not self._ballast.is_full():
            self._ballast.fill()  # Nothing begins before its end would fit.
        short = _written(descriptor, line)
        if short is None:
            return
        # Nothing of it was synced, so the half record can be taken back without doubt.
        os.ftruncate(descriptor, self._chain.offset)
        if short.errno in _FULL and may_spend:
            self._ballast.spend()
            short = _written(descriptor, line)
            if short is None:
                return
            os.ftruncate(descriptor, self._chain.offset)
        raise short

    def _healthy(self) -> int:
        if self.unhealthy is not None:
            raise _unhealthy(self.path, self.unhealthy)
        if self._descriptor is None:
            raise _unhealthy(self.path, "it was closed")
        return self._descriptor

    def _latch(self, error: OSError) -> NoReturn:
        self.unhealthy = error.strerror or str(error)
        self.close()
        raise _unhealthy(self.path, self.unhealthy) from error


def _written(descriptor: int, line: bytes) -> OSError | None:
    """Write the line at once; give None, or why it is not wholly there."""
    try:
        # A regular file takes less than it is given only where no more fits (write(2)); asking for
        # the rest tells whether that is the disk, a quota or a limit on the file's size.
        while line:
            line = line[os.write(descriptor, line) :]
    except OSError as error:
        return error
    return None


def _keep(folder: Path, torn: bytes) -> str:
    """Copy the torn bytes to the first free `journal.broken.N`, durably, and give its name."""
    number = 1
    while (copy := folder / f"{JOURNAL}.broken.{number}").exists():
        number += 1
    create_durably(copy, torn)
    return copy.name


def _full(path: Path, error: OSError) -> JournalFullError:
    return JournalFullError(
        f"no room for the record ({error.strerror}): nothing was recorded",
        where=str(path),
        hint="free some space on this file system and try again",
    )


def _unhealthy(path: Path, why: str) -> JournalUnhealthyError:
    return JournalUnhealthyError(
        f"the journal could not be written: {why}",
        where=str(path),
        hint="look at the disk (`dmesg`, `df`); then `aihummer-drtui resume` starts a new engine on it",
    )
