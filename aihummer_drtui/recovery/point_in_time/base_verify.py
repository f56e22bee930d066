"""Finding out whether a base backup can be trusted: seal, signature, and every byte by pg_verifybackup."""

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui import __version__
from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.signature import refuse_doubtful, trusted_keys
from aihummer_drtui.recovery.database.account import ServerAccount, account_owning
from aihummer_drtui.recovery.database.connection import program_environment
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.programs import ServerPrograms, server_programs
from aihummer_drtui.recovery.point_in_time.base import MANIFEST, SEAL, Base, signed_by
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.recovery_set import Signed

VERIFIED: Final = "verified.json"
"""Beside the seal and outside of it: true only of the very manifest that it names."""
_MANIFEST_LIMIT: Final = 2_000_000_000
_RECORD_LIMIT: Final = 100_000
_PLAIN: Final = re.compile(r"(?!/)(?:(?!\.\.?(?:/|$))[^/\x00]+/)*(?!\.\.?$)[^/\x00]+")


class ManifestFile(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One file of a base backup."""

    path: str = ""
    """Relative to the data directory; empty = its name is no UTF-8 and stands in `encoded_path`."""
    encoded_path: str = msgspec.field(name="Encoded-Path", default="")
    """In hexadecimal."""
    size: int
    checksum: str
    checksum_algorithm: str = msgspec.field(name="Checksum-Algorithm")


class _WalRange(msgspec.Struct, frozen=True, kw_only=True):
    timeline: int = msgspec.field(name="Timeline")
    start: str = msgspec.field(name="Start-LSN")
    end: str = msgspec.field(name="End-LSN")


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    files: tuple[ManifestFile, ...] = msgspec.field(name="Files")
    ranges: tuple[_WalRange, ...] = msgspec.field(name="WAL-Ranges")


@dataclass(frozen=True, kw_only=True)
class BaseManifest:
    """backup_manifest as it was read (PostgreSQL 17, 70.1)."""

    text: bytes
    files: tuple[ManifestFile, ...]
    timeline: int
    start_lsn: str
    end_lsn: str


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    host: str
    program: str
    seal_sha256: str
    manifest_inode: int
    manifest_modified_ns: int


def verify_base(target: Target, base: Base, reporter: Reporter) -> Signed:
    """Hold seal, signature, manifest and every file of a base backup against each other; record it.

    Raises FailedError when something is not as it was sealed, PreconditionError when it cannot be read.
    """
    # Of this host and its target.toml, as account and programs below: it tells nothing of the copy.
    signed = refuse_untrusted_base(target, base)
    with _forgotten_where_bad(base):
        read_sealed_manifest(base)
    account = _owner(base.data)
    account.identity()
    programs = server_programs(target, account, major=base.server_major)
    with _forgotten_where_bad(base):
        run_verifybackup(programs, account, base.data, reporter)
    record_base_verified(base, datetime.now(UTC))
    return signed


@contextmanager
def _forgotten_where_bad(base: Base) -> Iterator[None]:
    """Remove the record of a base backup that is found bad within the block."""
    try:
        yield
    except (FailedError, PreconditionError):
        with suppress(OSError):
            (base.path / VERIFIED).unlink()
            sync_folder(base.path)
        raise


def refuse_untrusted_base(target: Target, base: Base) -> Signed:
    """As `signature.refuse_untrusted`, for a base backup. Raises FailedError."""
    trusted = trusted_keys(target)
    found = signed_by(base, trusted)
    refuse_doubtful(found, trusted, where=base.path, signature=f"{SEAL}.sig")
    return found


def read_sealed_manifest(base: Base) -> BaseManifest:
    """The base backup's own list of files, if it is the one that was sealed.

    Raises FailedError when it is another, PreconditionError when it cannot be read.
    """
    manifest = read_manifest(base.data)
    if hashlib.sha256(manifest.text).hexdigest() != base.seal.manifest_sha256:
        raise FailedError(
            "backup_manifest is not the one that was sealed",
            where=str(base.data),
            hint="copy the base backup again from where it is kept, or use another one",
        )
    return manifest


def read_manifest(data: Path) -> BaseManifest:
    """Read backup_manifest of a data directory. Raises PreconditionError when there is none that is sound."""
    where = str(data / MANIFEST)
    try:
        if (data / MANIFEST).is_symlink():
            raise PreconditionError("a link is not followed", where=where, hint="use another base backup")
        text, _ = read_regular(data / MANIFEST, limit=_MANIFEST_LIMIT)
        document = msgspec.json.decode(text, type=_Document)
    except OSError as error:
        raise PreconditionError(
            f"the list of its files cannot be read: {error.strerror}",
            where=where,
            hint="use another base backup",
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PreconditionError(
            f"the list of its files is none: {cleaned_line(str(error))}",
            where=where,
            hint="use another base backup",
        ) from None
    bad = [file.path for file in document.files if not _PLAIN.fullmatch(file.path) or file.size < 0]
    if bad or not document.ranges:
        raise PreconditionError(
            f"the list of its files is not sound: {cleaned_line(bad[0]) if bad else 'it names no WAL'}",
            where=where,
            hint="use another base backup: names that lead elsewhere, or are no UTF-8, are not taken",
        )
    last = document.ranges[-1]
    return BaseManifest(
        text=text,
        files=document.files,
        timeline=last.timeline,
        start_lsn=document.ranges[0].start,
        end_lsn=last.end,
    )


def run_verifybackup(
    programs: ServerPrograms, account: ServerAccount, data: Path, reporter: Reporter
) -> None:
    """Have PostgreSQL's own program read every file against backup_manifest, and the WAL it needs.

    Raises FailedError with what it found.
    """
    reporter.phase("verifying every file (pg_verifybackup)")
    ended = run_program(
        [programs["pg_verifybackup"], "--quiet", data],
        environment={**program_environment(), "HOME": account.home},
        descriptors=(),
        account=account,
        meanwhile=lambda: reporter.reached(0),
    )
    if ended.code != 0:
        raise FailedError(
            f"the base backup is not sound: pg_verifybackup {ended.how}: {ended.first_words}",
            where=str(data),
            hint="use another base backup, and look at the disk this one lies on",
        )


def record_base_verified(base: Base, at: datetime) -> None:
    """Write that the base backup was found sound; on a medium that takes no writes nothing is recorded."""
    with suppress(OSError):
        state = (base.data / MANIFEST).lstat()
        record = _Record(
            at=at.isoformat(),
            host=socket.gethostname(),
            program=f"aihummer-drtui {__version__}",
            seal_sha256=base.sha256,
            manifest_inode=state.st_ino,
            manifest_modified_ns=state.st_mtime_ns,
        )
        write_durably(base.path / VERIFIED, msgspec.json.encode(record) + b"\n")


def base_verified(base: Base) -> datetime | None:
    """When these very files were verified; None = they were not, or it is not recorded."""
    try:
        data, _ = read_regular(base.path / VERIFIED, limit=_RECORD_LIMIT)
        record = msgspec.json.decode(data, type=_Record)
        at = datetime.fromisoformat(record.at)
        state = (base.data / MANIFEST).lstat()
    except (OSError, ValueError):  # what cannot be read proves nothing; MsgspecError is a ValueError
        return None
    seen = (base.sha256, state.st_ino, state.st_mtime_ns)
    told = (record.seal_sha256, record.manifest_inode, record.manifest_modified_ns)
    return at if seen == told and at.tzinfo else None


def _owner(data: Path) -> ServerAccount:
    """Whom pg_verifybackup is run as: the owner of the copy, unless that is root or ourselves."""
    try:
        return account_owning(data)
    except OSError as error:
        raise PreconditionError(
            f"the base backup's data cannot be read: {error.strerror}",
            where=str(data),
            hint=f"look at it as root, or as the account that made it (we are {os.geteuid()})",
        ) from None
