"""What the database refers to, held against the blobs that are there, and these against it.

Rows stream from the server, the folder is walked, and between the two 8 bytes a path are remembered:
memory is bounded at millions on each side. No link is followed.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.comparing import MISSING, BlobReader
from aihummer_drtui.recovery.blobs.crew import Crew, in_batches
from aihummer_drtui.recovery.blobs.remembered import RememberedPaths
from aihummer_drtui.recovery.blobs.scan import is_plain_path, scan
from aihummer_drtui.recovery.reporting import Reporter

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_AT_ONCE: Final = 500
"""Rows fetched from the server at a time."""


class Kind(StrEnum):
    """Why something is listed."""

    MISSING = "missing"
    """A row refers to it, and it is not there."""
    DIFFERING = "differing"
    """A row refers to it, and what is there has another size or content, or is no plain file."""
    UNREFERENCED = "unreferenced"
    """It is there, and no row refers to it."""
    NO_PLAIN_FILE = "no-plain-file"
    """No row refers to it: a link, device or pipe, or a name with control characters; never read."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a listing."""

    kind: Kind
    path: str
    """Relative to the blob folder."""
    size: int
    """Bytes: of the row where one refers to it (0 = it does not say), else of the file."""
    how: str = ""
    """What is wrong with it, in words."""


@dataclass(frozen=True, kw_only=True)
class References:
    """The sum of a comparison: counts, and bytes as `…_size`."""

    rows: int
    size: int
    missing: int
    missing_size: int
    differing: int
    """There, but of another size or with another content."""
    differing_size: int
    hashed: int
    """How many were compared by content; the others by size only."""
    first: str
    """The first blob that is missing or differs, and how; empty when all is well."""
    both_ways: bool = False
    """Whether the folder was held against the rows too; the rest is 0 otherwise."""
    unreferenced: int = 0
    unreferenced_size: int = 0
    no_plain_files: int = 0

    @property
    def sound(self) -> bool:
        """Whether every blob referred to is there as the database knows it."""
        return not self.missing and not self.differing


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    path: str
    size: int | None
    sha256: str | None


class _Comparer(BlobReader):
    """Holds rows against the folder, for one thread."""

    def __init__(self, folder: Path, tell: Callable[[Listed], None]) -> None:
        super().__init__(folder)
        self._tell = tell
        self.counts = dict.fromkeys((Kind.MISSING, Kind.DIFFERING), 0)
        self.sizes = dict.fromkeys((Kind.MISSING, Kind.DIFFERING), 0)
        self.hashed = 0

    def work(self, batch: Sequence[_Row]) -> None:
        """Tell of each that is not as its row has it."""
        for row in batch:
            plain = is_plain_path(row.path)
            how = (
                self.problem(row.path, row.size, row.sha256) if plain else "is no path below the blob folder"
            )
            if not how:
                self.hashed += bool(row.sha256)
                continue
            kind = Kind.MISSING if how == MISSING else Kind.DIFFERING
            self.counts[kind] += 1
            self.sizes[kind] += row.size or 0
            self._tell(Listed(kind=kind, path=row.path, size=row.size or 0, how=how))


class _Telling:
    """Hands on what is found, one at a time, and keeps the first."""

    def __init__(self, listing: Callable[[Listed], None]) -> None:
        self._listing = listing
        self._lock = threading.Lock()
        self.first = ""

    def __call__(self, found: Listed) -> None:
        with self._lock:
            self.first = self.first or f"{cleaned_line(found.path)} {found.how}"
            self._listing(found)


class _Rows:
    """The rows as they come, counted on the way."""

    def __init__(self, *, hashes: bool, each: Callable[[], None]) -> None:
        self._hashes = hashes
        self._each = each
        self.paths = RememberedPaths()
        self.size = 0

    def taken(self, cursor: Iterator["TupleRow"]) -> Iterator[_Row]:
        for found in cursor:
            row = _row(found, hashes=self._hashes)
            self.paths.add(row.path)
            self.size += row.size or 0
            self._each()
            yield row


def _row(found: "TupleRow", *, hashes: bool) -> _Row:
    """Raises FailedError where it is not what such a statement gives."""
    if len(found) != 3:
        raise _misshapen(f"{len(found)} columns instead of 3 (path, size, SHA-256)")
    path, size, sha256 = found
    if path is None or isinstance(path, bytes):
        raise _misshapen("a path that is no text")
    if isinstance(sha256, bytes):
        sha256 = sha256.hex()
    if not isinstance(sha256, str | None):
        raise _misshapen("a SHA-256 that is neither text nor bytes")
    try:
        size = None if size is None else int(size)
    except (TypeError, ValueError):
        raise _misshapen("a size that is no number") from None
    return _Row(path=str(path), size=size, sha256=sha256.lower() if sha256 and hashes else None)


def _misshapen(how: str) -> FailedError:
    return FailedError(
        f"the statement that tells where the database refers to blobs gives {how}",
        hint="correct `references` in [media] of target.toml",
    )


def count_references(
    connection: "Connection[TupleRow]",
    statement: str,
    folder: Path,
    *,
    hashes: bool = False,
    both_ways: bool = False,
    listing: Callable[[Listed], None] = lambda _: None,
    each: Callable[[], None] = lambda: None,
    reporter: Reporter | None = None,
) -> References:
    """Hold every row of `statement` (path, size, SHA-256 or null) against `folder`, calling `each` a row.

    With `hashes` the content is read and compared where the row knows its SHA-256; `both_ways` looks for
    blobs that no row refers to as well. What is amiss is handed to `listing`. Raises psycopg's error when
    the statement fails (a server-side cursor is used: it needs a transaction), FailedError when it gives
    other columns than these, OSError, PreconditionError or FailedError when the folder cannot be read.
    """
    telling = _Telling(listing)
    rows = _Rows(hashes=hashes, each=each)
    comparers: list[_Comparer] = []

    def hire() -> _Comparer:
        comparers.append(_Comparer(folder, telling))
        return comparers[-1]

    with connection.cursor(name="drtui_references") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(statement.encode())
        batches = in_batches(rows.taken(iter(cursor)), lambda row: row.size or 0)
        Crew(batches, hire, reporter or Reporter.silent()).work()
    first = telling.first
    others = _unreferenced(folder, rows.paths, listing) if both_ways else (0, 0, 0)
    return References(
        rows=len(rows.paths),
        size=rows.size,
        missing=sum(one.counts[Kind.MISSING] for one in comparers),
        missing_size=sum(one.sizes[Kind.MISSING] for one in comparers),
        differing=sum(one.counts[Kind.DIFFERING] for one in comparers),
        differing_size=sum(one.sizes[Kind.DIFFERING] for one in comparers),
        hashed=sum(one.hashed for one in comparers),
        first=first,
        both_ways=both_ways,
        unreferenced=others[0],
        unreferenced_size=others[1],
        no_plain_files=others[2],
    )


def _unreferenced(
    folder: Path, referenced: RememberedPaths, listing: Callable[[Listed], None]
) -> tuple[int, int, int]:
    """Of what no row refers to: count and bytes of plain files, and the count of what is none."""
    count = size = odd = 0
    for found in scan(folder):
        if found.path in referenced:
            # Told already, if it is not as its row has it.
            continue
        if found.regular:
            count, size = count + 1, size + found.size
        else:
            odd += 1
        kind = Kind.UNREFERENCED if found.regular else Kind.NO_PLAIN_FILE
        listing(Listed(kind=kind, path=found.path, size=found.size))
    return count, size, odd
