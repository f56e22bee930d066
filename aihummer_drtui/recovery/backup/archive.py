"""The header of a dump in pg_dump's custom format: when, of what, by which version.

Read here and not by pg_restore, which refuses a dump of a later version without naming it. The layout
is that of ReadHead, ReadInt and ReadStr in PostgreSQL's src/bin/pg_dump/pg_backup_archiver.c.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aihummer_drtui.errors import PreconditionError

_MAGIC: Final = b"PGDMP"
_CUSTOM: Final = 1
_OLDEST: Final = (1, 10)
"""Archive version of PostgreSQL 8.0: the first that names both versions."""
_COMPRESSION_BY_NAME: Final = (1, 15)
_HEADER_LIMIT: Final = 65_536
_VERSION: Final = re.compile(r"(\d+)(?:\.(\d+))?(?:\.\d+)?")
_HINT: Final = "only dumps of `pg_dump --format=custom` can be sealed"


@dataclass(frozen=True, kw_only=True)
class ArchiveHeader:
    """What a dump says of itself."""

    created: datetime
    """In UTC. The header has the clock of the dumping host without its zone: read as this host's."""
    database: str
    server_version: str
    """As the server told it: `17.10 (Debian 17.10-1)`."""
    pg_dump_version: str

    @property
    def server_version_num(self) -> int:
        """As PostgreSQL's server_version_num: 170010; 0 where the text names no version."""
        found = _VERSION.match(self.server_version)
        if not found:
            return 0
        major, minor = int(found[1]), int(found[2] or 0)
        return major * 10_000 + (minor * 100 if major < 10 else minor)


def read_header(descriptor: int, *, where: str) -> ArchiveHeader:
    """The header at the beginning of an archive; the descriptor's position stays.

    Raises PreconditionError when it is none of the custom format.
    """
    data = os.pread(descriptor, _HEADER_LIMIT, 0)
    if not data.startswith(_MAGIC):
        raise PreconditionError("is no dump of pg_dump's custom format", where=where, hint=_HINT)
    try:
        return _parsed(_Bytes(data))
    except (IndexError, ValueError, OverflowError) as error:
        raise PreconditionError(
            f"the header of the dump cannot be read: {error}", where=where, hint=_HINT
        ) from None


class _Bytes:
    """A cursor over the header. Raises IndexError beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = len(_MAGIC)
        self.int_size = 4

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def taken(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if count < 0 or len(part) < count:
            raise IndexError("it ends too early")
        self._at += count
        return part

    def number(self) -> int:
        sign = -1 if self.byte() else 1
        return sign * int.from_bytes(self.taken(self.int_size), "little")

    def text(self) -> str:
        length = self.number()
        return "" if length < 0 else self.taken(length).decode("utf-8", "backslashreplace")


def _parsed(data: _Bytes) -> ArchiveHeader:
    version = (data.byte(), data.byte())
    data.byte()  # the revision, which changes nothing here
    data.int_size = data.byte()
    data.byte()  # the size of an offset
    archive_format = data.byte()
    if version < _OLDEST or not 1 <= data.int_size <= 8:
        raise ValueError(f"archive version {version[0]}.{version[1]}")
    if archive_format != _CUSTOM:
        raise ValueError("it is of the tar or directory format")
    if version >= _COMPRESSION_BY_NAME:
        data.byte()
    else:
        data.number()
    second, minute, hour, day, month, year, is_dst = (data.number() for _ in range(7))
    # struct tm: months from 0, years from 1900, a leap second may be 60. The dst flag picks between the
    # two readings of an hour that a clock change repeats.
    date = (year + 1900, month + 1, day, hour, minute, min(second, 59))
    moment = datetime(*date, fold=0 if is_dst else 1)  # noqa: DTZ001 - the header names no zone
    return ArchiveHeader(
        created=moment.astimezone(UTC),
        database=data.text(),
        server_version=data.text(),
        pg_dump_version=data.text(),
    )
