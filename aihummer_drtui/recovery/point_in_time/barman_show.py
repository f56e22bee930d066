"""What Barman says with `-f json`, read into structs: backups, one backup, files, complaints. Pure.

Source: recorded output of Barman 3.4.0, and https://docs.pgbarman.org/release/3.4.0/. Unknown fields are
passed over; what is not understood is refused, never guessed.
"""

import re
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Annotated, Final, TypeVar

import msgspec

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned, cleaned_line
from aihummer_drtui.recovery.point_in_time.model import BaseBackup, Keeper
from aihummer_drtui.recovery.point_in_time.segments import parse_lsn

T = TypeVar("T")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Size = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
WHOLE: Final = frozenset({"DONE", "WAITING_FOR_WALS"})
"""Barman's words for a backup whose copy is complete; with the latter its last WAL is still to come."""
_ID: Final = re.compile(r"\d{8}T\d{6}", re.ASCII)
_FILE: Final = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history", re.ASCII)


class Listed(msgspec.Struct, frozen=True):
    """A line of `list-backups`."""

    backup_id: Name
    status: Name


class Tablespace(msgspec.Struct, frozen=True):
    """A tablespace of a backup."""

    name: Name


class Copy(msgspec.Struct, frozen=True):
    """The part of `show-backup` on the copy itself."""

    begin_time: Name
    end_time: Name
    begin_lsn: Name
    end_lsn: Name
    begin_wal: Name
    timeline: Annotated[int, msgspec.Meta(ge=1, le=(1 << 32) - 1)]
    disk_usage_bytes: Size


class Shown(msgspec.Struct, frozen=True):
    """What `show-backup` tells."""

    backup_id: Name
    status: Name
    base_backup_information: Copy
    postgresql_version: Annotated[int, msgspec.Meta(ge=90_000, le=999_999)]
    """As the server numbers itself: 150020."""
    tablespaces: tuple[Tablespace, ...] | None = None


class Talk(msgspec.Struct, frozen=True):
    """What any command says besides."""

    info: tuple[str, ...] = msgspec.field(name="_INFO", default=())
    error: tuple[str, ...] = msgspec.field(name="_ERROR", default=())
    exception: tuple[str, ...] = msgspec.field(name="_EXCEPTION", default=())

    @property
    def complaint(self) -> str:
        """Why it failed, in a line, or nothing."""
        told = (*self.error, *self.exception)
        return cleaned_line("; ".join(cleaned(each).strip() for each in told), 300)


def read_talk(data: bytes) -> Talk:
    """What a command said; nothing where it is not understood: its exit code is then all there is."""
    try:
        return msgspec.json.decode(data, type=Talk)
    except (msgspec.DecodeError, RecursionError):
        return Talk()


def read_backups(data: bytes, server: str) -> tuple[str, ...]:
    """The ids of the whole backups that `list-backups` gave, the newest first. Raises PreconditionError."""
    listed = _of_server(data, server, tuple[Listed, ...])
    return tuple(
        sorted(
            (one.backup_id for one in listed if one.status in WHOLE and _ID.fullmatch(one.backup_id)),
            reverse=True,
        )
    )


def read_backup(data: bytes, server: str) -> Shown:
    """What `show-backup` tells. Raises PreconditionError."""
    return _of_server(data, server, Shown)


def read_files(data: bytes) -> dict[str, Path]:
    """The WAL and history files that `list-files --target wal` or `get-wal --peek` gave, by their names."""
    paths = (PurePath(path) for path in read_talk(data).info if "\0" not in path)
    return {path.name: Path(path) for path in paths if _FILE.fullmatch(path.name)}


def base_of(shown: Shown, *, system_identifier: int) -> BaseBackup:
    """The backup as this program knows base backups.

    Barman does not show whose it is: the WAL tells. Raises PreconditionError where a time has no zone or a
    position is none.
    """
    copy = shown.base_backup_information
    start, end = parse_lsn(copy.begin_lsn), parse_lsn(copy.end_lsn)
    if start is None or end is None:
        raise _not_understood(shown.backup_id, "begin_lsn or end_lsn is no position")
    return BaseBackup(
        label=shown.backup_id,
        keeper=Keeper.BARMAN,
        system_identifier=system_identifier,
        server_major=shown.postgresql_version // 10_000,
        timeline=copy.timeline,
        start_lsn=start,
        end_lsn=end,
        started=_moment(copy.begin_time, shown.backup_id),
        ended=_moment(copy.end_time, shown.backup_id),
        size=copy.disk_usage_bytes,
        verified=None,
    )


def _of_server(data: bytes, server: str, kind: type[T]) -> T:
    complaint = read_talk(data).complaint
    if complaint:
        raise PreconditionError(
            f"Barman: {complaint}",
            where=f"server {cleaned_line(server, 60)}",
            hint="is `server` in [barman] of target.toml right? `barman list-servers` names them",
        )
    try:
        answer = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        if server not in answer:
            raise _not_understood(server, "the server is not named in it")
        return msgspec.json.decode(answer[server], type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _not_understood(server, str(error)) from error


def _moment(text: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _not_understood(where, str(error)) from error
    if moment.tzinfo is None:
        raise _not_understood(where, f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def _not_understood(where: str, why: str) -> PreconditionError:
    return PreconditionError(
        f"what Barman says of its backups is not understood: {cleaned_line(why)}",
        where=cleaned_line(where, 60),
        hint="barman -f json list-backups and show-backup show it; version 3.4 and later are known",
    )
