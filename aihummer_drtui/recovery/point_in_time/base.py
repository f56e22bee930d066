"""A base backup of this program's own: a data directory, sealed last by a small base.json.

Read as if a stranger had made it: no link is followed, and nothing is taken on trust but what the
seal's hash covers. The seal holds the hash of PostgreSQL's own backup_manifest, which covers each file.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.growing import PARTIAL
from aihummer_drtui.recovery.backup.signature import document_signed_by
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, Keeper
from aihummer_drtui.recovery.point_in_time.segments import lsn_of, valid_segment_size
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.run.recovery_set import Signed

SEAL: Final = "base.json"
DATA: Final = "data"
MANIFEST: Final = "backup_manifest"
"""PostgreSQL's own list of every file with its hash (PostgreSQL 17, 70)."""
FORMAT: Final = 1
LABEL: Final = b"aihummer-drtui base backup v1\n"
_LIMIT: Final = 1_000_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NOT_ONE: Final = "name a folder that `aihummer-drtui backup base` wrote and finished"


class BaseSeal(msgspec.Struct, frozen=True, kw_only=True):
    """What base.json says. Never a secret: the key appears as its fingerprint only."""

    label: str
    system_identifier: int
    server_version: str
    """As `17.10`."""
    timeline: int
    start_lsn: str
    end_lsn: str
    segment_size: int
    """Bytes of a WAL segment of this server."""
    started: str
    """ISO 8601, UTC, by the server's clock; so is `ended`."""
    ended: str
    size: int
    """Bytes of all files."""
    files: int
    manifest_sha256: str
    """Of data/backup_manifest."""
    key_fingerprint: str
    """Of the master key that was set then; empty = none that could be read."""
    program: str


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    sha256: str
    """Of the text of `base` as it stands in the file."""
    base: msgspec.Raw


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base backup whose seal was read and is sound; its data was not read yet."""

    path: Path
    seal: BaseSeal
    sha256: str
    """Of the whole base.json."""

    @property
    def data(self) -> Path:
        """The copied data directory."""
        return self.path / DATA

    @property
    def server_major(self) -> int:
        """Major version of the server that was copied."""
        return int(self.seal.server_version.partition(".")[0])

    def as_backup(self, verified: datetime | None) -> BaseBackup:
        """The same in the words that all keepers share."""
        seal = self.seal
        return BaseBackup(
            label=self.path.name,
            keeper=Keeper.ARCHIVE,
            system_identifier=seal.system_identifier,
            server_major=self.server_major,
            timeline=seal.timeline,
            start_lsn=lsn_of(seal.start_lsn),
            end_lsn=lsn_of(seal.end_lsn),
            started=datetime.fromisoformat(seal.started),
            ended=datetime.fromisoformat(seal.ended),
            size=seal.size,
            verified=verified,
        )


@dataclass(frozen=True, kw_only=True)
class NoBase:
    """What looks like a base backup and is none."""

    path: Path
    problem: str


def seal_text(seal: BaseSeal) -> bytes:
    """The document of base.json: readable by people, its text covered by a hash."""
    body = msgspec.json.format(msgspec.json.encode(seal), indent=2)
    digest = hashlib.sha256(body).hexdigest()
    return b'{\n"format": %d,\n"sha256": "%s",\n"base": %s\n}\n' % (FORMAT, digest.encode(), body)


def open_base(path: Path) -> Base:
    """Given the folder of a base backup, return it with its seal.

    Raises PreconditionError when there is none, it has no seal, is of a later format, or was changed.
    """
    where = cleaned_line(str(path / SEAL))
    if path.is_symlink() or (path / SEAL).is_symlink():
        raise PreconditionError("a link is not followed", where=where, hint=_NOT_ONE)
    try:
        data, _ = read_regular(path / SEAL, limit=_LIMIT)
    except FileNotFoundError:
        raise PreconditionError(
            "no base backup: it has no base.json", where=str(path), hint=_NOT_ONE
        ) from None
    except OSError as error:
        raise PreconditionError(
            f"the seal cannot be read: {error.strerror}", where=where, hint=_NOT_ONE
        ) from None
    return Base(path=path, seal=_read(data, where), sha256=hashlib.sha256(data).hexdigest())


def bases_in(place: Path) -> tuple[list[Base], list[NoBase]]:
    """The base backups of a place, the newest first, and what only looks like one.

    Raises PreconditionError when the place cannot be listed.
    """
    found: list[Base] = []
    bad: list[NoBase] = []
    try:
        entries = sorted(place.iterdir())
    except OSError as error:
        raise PreconditionError(
            f"the place cannot be listed: {error.strerror}",
            where=str(place),
            hint="make a base backup there (`aihummer-drtui backup base`), or mend `base-places` of [wal]",
        ) from None
    for path in entries:
        if path.is_symlink() or not path.is_dir():
            continue
        if path.name.startswith(PARTIAL):
            bad.append(NoBase(path=path, problem="it is being made or removed, or that was cut off"))
        elif os.path.lexists(path / SEAL) or os.path.lexists(path / DATA):
            try:
                found.append(open_base(path))
            except DrtuiError as error:
                bad.append(NoBase(path=path, problem=error.what))
    return sorted(found, key=lambda base: base.seal.ended, reverse=True), bad


def signed_by(base: Base, trusted: frozenset[str]) -> Signed:
    """Hold the base backup's signature against its seal and the trusted keys. Raises nothing."""
    return document_signed_by(base.path / SEAL, base.sha256, trusted, label=LABEL)


def _read(data: bytes, where: str) -> BaseSeal:
    try:
        document = msgspec.json.decode(data, type=_Document)
        if document.format != FORMAT:
            raise PreconditionError(
                f"the base backup has format {document.format}; this program reads {FORMAT}",
                where=where,
                hint="use the aihummer-drtui that wrote it, or a newer one",
            )
        seal = msgspec.json.decode(document.base, type=BaseSeal)
        sound = (
            hashlib.sha256(bytes(document.base)).hexdigest() == document.sha256
            and bool(_SHA256.fullmatch(seal.manifest_sha256))
            and valid_segment_size(seal.segment_size)
            and seal.timeline > 0
            and seal.server_version.partition(".")[0].isdecimal()
            and lsn_of(seal.start_lsn) <= lsn_of(seal.end_lsn)
            and all(datetime.fromisoformat(text).tzinfo for text in (seal.started, seal.ended))
        )
    except (ValueError, UnicodeDecodeError) as error:  # MsgspecError is a ValueError
        raise PreconditionError(
            f"the seal cannot be read: {cleaned_line(str(error))}", where=where, hint=_NOT_ONE
        ) from None
    if not sound:
        raise PreconditionError(
            "the seal was changed or damaged after it was written",
            where=where,
            hint="copy the base backup again from where it is kept, or use another one",
        )
    return seal
