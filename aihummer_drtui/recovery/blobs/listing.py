"""blobs.jsonl: the list of a set's blobs, read as if a stranger had written it."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from typing import IO, Final

import msgspec

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BackupSet, BlobLine
from aihummer_drtui.recovery.blobs.scan import is_plain_path
from aihummer_drtui.recovery.reporting import Reporter

LINE_LIMIT: Final = 16_384
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_HINT: Final = "do not use this set's blobs: it was changed, or not written by this program"


def open_blob_list(backup: BackupSet, reporter: Reporter) -> int:
    """Give a descriptor of the list, every line of it proven harmless and its sum as sealed.

    Raises PreconditionError when it is missing or cut, FailedError when its hash is not the sealed one
    or any line is no plain file below the folder, stands twice, or would be both file and folder.
    Memory: 16 bytes a path, and a little for Python.
    """
    where = str(backup.path / BLOB_LIST)
    descriptor = backup.open_part(BLOB_LIST)
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            reporter.phase("reading the list of blobs", total=backup.manifest.blobs.count, unit="blobs")
            _prove(file, backup, where, reporter)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _prove(file: IO[bytes], backup: BackupSet, where: str, reporter: Reporter) -> None:
    digest = hashlib.sha256()
    files: set[bytes] = set()
    folders: set[bytes] = set()
    size = 0
    for line in each_line(file, where, digest.update):
        name = _short(line.path)
        above = {_short(path) for path in _above(line.path)}
        if name in files or name in folders or not files.isdisjoint(above):
            raise _refused(f"{cleaned_line(line.path)} stands twice, or is both file and folder", where)
        files.add(name)
        folders |= above
        size += line.size
        reporter.advance()
    sealed = backup.manifest.blobs
    if digest.hexdigest() != sealed.list_sha256:
        raise _refused("the list of blobs is not what was sealed", where)
    if (len(files), size) != (sealed.count, sealed.size):
        raise _refused("the list of blobs does not add up to the sealed sum", where)


def each_line(
    file: IO[bytes], where: str, taken: Callable[[bytes], None] = lambda _: None
) -> Iterator[BlobLine]:
    """Give each line, its bytes handed to `taken` first. Raises FailedError at the first bad one."""
    decoder = msgspec.json.Decoder(BlobLine)
    number = 0
    while text := file.readline(LINE_LIMIT):
        number += 1
        taken(text)
        try:
            line = decoder.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _refused(f"line {number} cannot be read: {cleaned_line(str(error))}", where) from None
        if not is_plain_path(line.path) or line.size < 0 or not _SHA256.fullmatch(line.sha256):
            raise _refused(f"line {number} names no plain file: {cleaned_line(line.path)}", where)
        yield line


def _above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _short(path: str) -> bytes:
    # A folder of millions must not fill the memory with its names.
    return hashlib.blake2b(path.encode(), digest_size=16).digest()


def _refused(what: str, where: str) -> FailedError:
    return FailedError(what, where=where, hint=_HINT)
