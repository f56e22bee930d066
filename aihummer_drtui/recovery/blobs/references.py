"""What the database refers to, held against the blobs that are there. Bounded memory, no link followed."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.copy import hash_of, open_blob
from aihummer_drtui.recovery.blobs.scan import is_plain_path

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow

_AT_ONCE: Final = 500
"""Rows fetched from the server at a time."""


@dataclass(frozen=True, kw_only=True)
class References:
    """The sum of a comparison."""

    rows: int
    missing: int
    differing: int
    """There, but of another size or with another content."""
    hashed: int
    """How many were compared by content; the others by size only."""
    first: str
    """The first blob that is missing or differs, and how; empty when all is well."""

    @property
    def sound(self) -> bool:
        """Whether every blob referred to is there as the database knows it."""
        return not self.missing and not self.differing


def count_references(
    connection: "Connection[TupleRow]",
    statement: str,
    folder: Path,
    *,
    hashes: bool = False,
    each: Callable[[], None] = lambda: None,
) -> References:
    """Hold every row of `statement` (path, size, SHA-256 or null) against `folder`, calling `each` a row.

    With `hashes` the content is read and compared where the row knows its SHA-256. Raises psycopg's
    error when the statement fails, and needs a transaction (a server-side cursor is used).
    """
    rows = missing = differing = hashed = 0
    first = ""
    with connection.cursor(name="drtui_references") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(statement.encode())
        for path, size, sha256 in cursor:
            rows += 1
            problem = _problem(folder, str(path), size, sha256 if hashes else None)
            hashed += bool(hashes and sha256 and not problem)
            missing += problem == "is missing"
            differing += bool(problem) and problem != "is missing"
            first = first or (f"{cleaned_line(str(path))} {problem}" if problem else "")
            each()
    return References(rows=rows, missing=missing, differing=differing, hashed=hashed, first=first)


def _problem(folder: Path, path: str, size: int | None, sha256: str | None) -> str:
    if not is_plain_path(path):
        return "is no path below the blob folder"
    try:
        descriptor = open_blob(folder, path)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return "is no regular file"
        if size is not None and state.st_size != size:
            return f"has {state.st_size} bytes instead of {size}"
        if sha256 and hash_of(descriptor) != sha256.lower():
            return "has another content"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    finally:
        os.close(descriptor)
    return ""
