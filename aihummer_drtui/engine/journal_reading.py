"""Reading a run's journal, by whoever may: whole, its first record, and what is wrong with it."""

import os
from pathlib import Path
from typing import Final

from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.engine.record import (
    MAX_JSON,
    VERSION,
    Clean,
    Corrupt,
    Decoded,
    Newer,
    Torn,
    decode_all,
)
from aihummer_drtui.errors import CorruptJournalError, PreconditionError
from aihummer_drtui.run.events import Record

JOURNAL: Final = "journal"
_LONGEST: Final = MAX_JSON + 100
"""Bytes of a record with its frame."""


def inspect_journal(folder: Path) -> Decoded:
    """Read what can be read, whatever comes after it: for export and for lists.

    Raises PreconditionError when there is no journal that may be read.
    """
    path = folder / JOURNAL
    try:
        descriptor = open_private(path, os.O_RDONLY, read_only=True)
        try:
            return decode_all(whole_of(descriptor))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unusable(path, "cannot be read", error) from error


def read_journal(folder: Path) -> tuple[Record, ...]:
    """Every record so far, for a spectator; a half-written last one counts as not yet written.

    Raises CorruptJournalError when it contradicts itself, PreconditionError when a newer program wrote it
    or it may not be read.
    """
    read = inspect_journal(folder)
    require_sound(folder / JOURNAL, read)
    return read.records


def read_first(folder: Path) -> Record:
    """The first record, which says what the run is; the rest, which may be long, is not read.

    Raises as `read_journal`, and PreconditionError when there is none.
    """
    path = folder / JOURNAL
    try:
        with os.fdopen(open_private(path, os.O_RDONLY, read_only=True), "rb") as file:
            read = decode_all(file.readline(_LONGEST))
    except OSError as error:
        raise unusable(path, "cannot be read", error) from error
    require_sound(path, read)
    require_begun(path, read)
    return read.records[0]


def require_sound(path: Path, read: Decoded) -> None:
    """Raise CorruptJournalError or PreconditionError unless the bytes end clean or merely torn."""
    match read.tail:
        case Clean() | Torn():
            return
        case Corrupt(offset=offset, record=record, why=why):
            raise CorruptJournalError(
                f"corrupt at record {record}, byte {offset}: {why}",
                where=str(path),
                hint=f"the {record - 1} records before it are sound; see that nothing of the run runs "
                "(`ps`), move (`mv`) its folder out of `runs`, then start a new run",
            )
        case Newer(version=version):
            raise PreconditionError(
                f"written by a newer aihummer-drtui (record version {version}, known is {VERSION})",
                where=str(path),
                hint="use the version of aihummer-drtui that the run was begun with, or a newer one",
            )


def require_begun(path: Path, read: Decoded) -> None:
    """Raise as `require_sound`, and PreconditionError unless there is a record."""
    require_sound(path, read)
    if not read.records:
        raise PreconditionError(
            "the journal holds no record: the run was never declared",
            where=str(path),
            hint="nothing was done in it; start a new run",
        )


def whole_of(descriptor: int) -> bytes:
    """Every byte of an open journal. Raises OSError."""
    parts = []
    offset = 0
    while part := os.pread(descriptor, 1 << 20, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def unusable(path: Path, what: str, error: OSError) -> PreconditionError:
    """What is told when the file itself stands in the way."""
    return PreconditionError(
        f"the journal {what}: {error.strerror or error}",
        where=str(path),
        hint="the state folder must be on a writable disk with some space and belong to you (--state-dir)",
    )
