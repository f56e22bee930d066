"""What pgBackRest says, read into structs: `info`, `repo-ls` and `verify`. Pure.

Source: recorded output of pgBackRest 2.45, and https://pgbackrest.org/command.html#command-info. Unknown
fields are passed over; what is not understood is refused, never guessed.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned, cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, Keeper
from aihummer_drtui.recovery.point_in_time.segment_chain import SMALLEST_SIZE
from aihummer_drtui.recovery.point_in_time.segments import parse_lsn, segment_named

Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Epoch = Annotated[int, msgspec.Meta(ge=0, le=253_000_000_000)]
"""Seconds since 1970; the bound is in the year 9987."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_LABEL: Final = re.compile(r"\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?", re.ASCII)
_VERSION: Final = re.compile(r"(\d{1,2})(?:\.\d+)?", re.ASCII)
_BACKUP_LINE: Final = re.compile(r"\s*backup: (\S+), status: ([^,]+)(?:,.*)?")
_WAL_FILE: Final = re.compile(
    r"(?:[0-9A-F]{16}/)?((?:[0-9A-F]{24}|[0-9A-F]{8}\.history))(?:-[0-9a-f]{40}(?:\.\w{2,4})?)?", re.ASCII
)
_ARCHIVE_LINE: Final = re.compile(r"\s*archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)")
_COMPLAINT: Final = re.compile(r"\d{1,2}(?:\.\d)?-\d+/[0-9A-F]{16}/|\d{8}-\d{6}F[^/\s]*/")
"""The place of a WAL file or of a backup's file: log lines of `verify` that name one tell what is wrong."""


class Owned(msgspec.Struct, frozen=True):
    """Which version of the cluster and which repository something belongs to."""

    id: int
    repo_key: int = msgspec.field(name="repo-key", default=1)


class Archive(msgspec.Struct, frozen=True):
    """Where the WAL of one version of the cluster is."""

    id: Name
    database: Owned


class Span(msgspec.Struct, frozen=True):
    """First and last WAL file, or position, of a backup."""

    start: Name | None
    stop: Name | None


class Moments(msgspec.Struct, frozen=True):
    """When a backup began and ended, in whole seconds."""

    start: Epoch
    stop: Epoch


class Sizes(msgspec.Struct, frozen=True):
    """How large a backup is once laid out."""

    size: Count


class Tablespace(msgspec.Struct, frozen=True):
    """Told with `--set` only."""

    name: Name
    destination: Annotated[str, msgspec.Meta(max_length=4096)]


class Backup(msgspec.Struct, frozen=True):
    """One backup: full (F), differential (D) or incremental (I)."""

    label: Name
    archive: Span
    lsn: Span
    database: Owned
    info: Sizes
    timestamp: Moments
    error: bool | None = None
    """Whether damaged pages were found while it was taken; null = pages have no checksums."""
    tablespace: tuple[Tablespace, ...] | None = None


class Database(msgspec.Struct, frozen=True):
    """One version of the cluster."""

    id: int
    version: str
    system_identifier: int = msgspec.field(name="system-id")
    repo_key: int = msgspec.field(name="repo-key", default=1)


class Status(msgspec.Struct, frozen=True):
    """0 = ok; anything else is told in words."""

    code: int
    message: str = ""


class Repository(msgspec.Struct, frozen=True):
    """One repository of the stanza."""

    key: int
    status: Status


class Stanza(msgspec.Struct, frozen=True):
    """What `info` tells of one stanza."""

    name: str
    status: Status
    backup: tuple[Backup, ...] = ()
    archive: tuple[Archive, ...] = ()
    db: tuple[Database, ...] = ()
    repo: tuple[Repository, ...] = ()

    def archive_of(self, backup: Backup) -> str:
        """The archive id (`15-1`) of a backup's WAL, or nothing."""
        return next((archive.id for archive in self.archive if archive.database == backup.database), "")


class Listed(msgspec.Struct, frozen=True):
    """One name of `repo-ls`."""

    type: str


class Verified(msgspec.Struct, frozen=True):
    """What `verify` found of one backup and of its WAL."""

    status: str
    """pgBackRest's word for the backup: `valid`, `invalid`, …; empty = it does not name the backup."""
    checked: int
    """WAL files that it read."""
    bad: int
    """Those among them that are not as they were archived."""
    backup: tuple[str, ...]
    """Its complaints about the backup's files, as `invalid checksum '…/pg_data/base/1/1255.gz'`, cleaned."""
    wal: dict[str, str]
    """Its complaints about WAL files, by their names."""


def read_info(data: bytes, stanza: str) -> Stanza:
    """What `info --output=json` gave on a stanza.

    Raises PreconditionError when it is not understood, when there is no such stanza, or when pgBackRest
    cannot read it, with pgBackRest's words.
    """
    try:
        stanzas = msgspec.json.decode(data, type=tuple[Stanza, ...])
    except (msgspec.DecodeError, RecursionError) as error:
        raise PreconditionError(
            f"what pgBackRest says of its backups is not understood: {cleaned_line(str(error))}",
            where=f"stanza {cleaned_line(stanza, 60)}",
            hint="pgbackrest info --output=json shows it; versions 2.45 and later are known",
        ) from error
    found = next((each for each in stanzas if each.name == stanza), None)
    if found is None or (not found.backup and found.status.code not in {0, 2}):
        raise PreconditionError(
            f"pgBackRest has no such stanza, or cannot read it: {_told(found)}",
            where=f"stanza {cleaned_line(stanza, 60)}",
            hint="is `stanza` in [pgbackrest] of target.toml right, and the repository mounted and readable?",
        )
    return found


def base_of(stanza: Stanza, backup: Backup) -> BaseBackup | None:
    """The backup as this program knows base backups; None = it was taken offline or tells too little.

    Its end is put a second later than pgBackRest says: it counts whole seconds, and a moment within the
    last one may lie before the copy is consistent.
    """
    database = next((db for db in stanza.db if _owned(db) == backup.database), None)
    first = segment_named(backup.archive.start or "", SMALLEST_SIZE)
    start, end = parse_lsn(backup.lsn.start or ""), parse_lsn(backup.lsn.stop or "")
    version = _VERSION.fullmatch(database.version) if database else None
    if (
        not (database and version and first and _LABEL.fullmatch(backup.label))
        or start is None
        or end is None
    ):
        return None
    return BaseBackup(
        label=backup.label,
        keeper=Keeper.PGBACKREST,
        system_identifier=database.system_identifier,
        server_major=int(version[1]),
        timeline=first.timeline,
        start_lsn=start,
        end_lsn=end,
        started=datetime.fromtimestamp(backup.timestamp.start, UTC),
        ended=datetime.fromtimestamp(backup.timestamp.stop, UTC) + timedelta(seconds=1),
        size=backup.info.size,
        verified=None,
    )


def read_listing(data: bytes) -> dict[str, str]:
    """Where each WAL and history file is, by its own name, as `repo-ls --recurse --output=json` gave them.

    Raises PreconditionError when it is not understood.
    """
    try:
        listed = msgspec.json.decode(data, type=dict[str, Listed])
    except (msgspec.DecodeError, RecursionError) as error:
        raise PreconditionError(
            f"pgBackRest's list of WAL files is not understood: {cleaned_line(str(error))}",
            hint="pgbackrest repo-ls --recurse --output=json shows it",
        ) from error
    files = {}
    for name, entry in listed.items():
        if entry.type == "file" and (found := _WAL_FILE.fullmatch(name)):
            files[found[1]] = name
    return files


def read_verify(data: bytes, label: str, archive_id: str) -> Verified:
    """What `verify --output=text --verbose --log-level-console=info` says of a backup and an archive.

    Its exit code is 0 whatever it finds (2.45): nothing is whole that it does not say so of.
    """
    status, checked, valid = "", 0, 0
    backup: list[str] = []
    wal: dict[str, str] = {}
    wal_file = re.compile(re.escape(archive_id) + r"/[0-9A-F]{16}/([0-9A-F]{24})-")
    for line in cleaned_bytes(data).splitlines():
        if (found := _BACKUP_LINE.fullmatch(line)) and found[1] == label:
            status = found[2]
        elif (found := _ARCHIVE_LINE.fullmatch(line)) and found[1] == archive_id:
            checked, valid = int(found[2]), int(found[3])
        elif _COMPLAINT.search(line):
            complaint = cleaned_line(line.partition(" INFO: ")[2] or line, 200)
            if found := wal_file.search(line):
                wal[found[1]] = complaint
            elif f"{label}/" in line:
                backup.append(complaint)
    return Verified(
        status=status, checked=checked, bad=max(0, checked - valid), backup=tuple(backup), wal=wal
    )


def _owned(database: Database) -> Owned:
    return Owned(id=database.id, repo_key=database.repo_key)


def _told(stanza: Stanza | None) -> str:
    if stanza is None:
        return "it is not named in the answer"
    words = [repository.status.message for repository in stanza.repo if repository.status.code != 0]
    return cleaned_line(cleaned(words[0] if words else stanza.status.message).partition("\n")[0], 300)
