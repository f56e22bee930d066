"""What a verification came to: a record beside the manifest, true only of the very files that were read.

It stands in the set's folder and outside the seal, so that it can be written later. It names the
manifest by hash and the dump by inode and time of change: a set that was sealed anew, changed, or
copied elsewhere is not taken for verified, and not for damaged either.
"""

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import msgspec

from aihummer_drtui import __version__
from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.dump_folder import newest_file
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.regular_file import read_regular

VERIFIED: Final = "verified.json"
_LIMIT: Final = 100_000


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """One verification."""

    at: str
    """ISO 8601, UTC."""
    host: str
    program: str
    manifest_sha256: str
    """Of the whole manifest.json."""
    dump_inode: int
    dump_modified_ns: int
    damage: str = ""
    """What it found wrong; empty = nothing."""

    @property
    def moment(self) -> datetime:
        """When it was, with zone: UTC where none is named. Raises ValueError where `at` is no moment."""
        moment = datetime.fromisoformat(self.at)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def record_verified(backup: BackupSet, dump: os.stat_result, at: datetime, *, damage: str = "") -> str:
    """Write what the set was found to be, sound or damaged; return why that could not be done, or nothing."""
    record = Verification(
        at=at.isoformat(),
        host=socket.gethostname(),
        program=f"aihummer-drtui {__version__}",
        manifest_sha256=backup.sha256,
        dump_inode=dump.st_ino,
        dump_modified_ns=dump.st_mtime_ns,
        damage=damage,
    )
    try:
        write_durably(backup.path / VERIFIED, msgspec.json.encode(record) + b"\n")
    except OSError as error:
        return error.strerror or "it could not be written"
    return ""


def forget_verified(backup: BackupSet) -> None:
    """Remove the record of a set that is no longer sound; on a medium that takes no writes it stays."""
    with suppress(OSError):
        (backup.path / VERIFIED).unlink()
        sync_folder(backup.path)


def read_verified(backup: BackupSet) -> Verification | None:
    """The record of the verification that found the set sound; None = these very files were not found so."""
    record = _read(backup)
    return record if record is not None and not record.damage else None


def read_damage(backup: BackupSet) -> str:
    """What a verification found wrong with these very files, when and on which host; empty = nothing."""
    record = _read(backup)
    if record is None or not record.damage:
        return ""
    told = f"found damaged on {record.at[:16].replace('T', ' ')}Z by {record.host}: {record.damage}"
    return cleaned_line(told, 400)


def _read(backup: BackupSet) -> Verification | None:
    try:
        data, _ = read_regular(backup.path / VERIFIED, limit=_LIMIT)
        record = msgspec.json.decode(data, type=Verification)
        _ = record.moment
        dump = newest_file(backup.path)
    except (OSError, ValueError):  # what cannot be read proves nothing; MsgspecError is a ValueError
        return None
    seen = (backup.sha256, dump.st_ino, dump.st_mtime_ns)
    told = (record.manifest_sha256, record.dump_inode, record.dump_modified_ns)
    return record if seen == told else None
