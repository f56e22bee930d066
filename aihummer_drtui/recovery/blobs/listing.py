"""blobs.jsonl: the list of a set's blobs, read as if a stranger had written it."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Final

import msgspec

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BackupSet, BlobLine
from aihummer_drtui.recovery.blobs.remembered import RememberedPaths
from aihummer_drtui.recovery.blobs.scan import is_plain_path
from aihummer_drtui.recovery.reporting import Reporter

_BLOCK: Final = 1 << 16
"""Bytes of the list decoded at a time; no line is longer."""
_TOO_MANY: Final = 1 << 16
_SHA256: Final = re.compile(r"[0-9a-f]{64}").fullmatch
_HINT: Final = "do not use this set's blobs: it was changed, or not written by this program"
_DECODER: Final = msgspec.json.Decoder(BlobLine)


def open_blob_list(backup: BackupSet, reporter: Reporter) -> int:
    """Give a descriptor of the list, every line of it proven harmless and its sum as sealed.

    Raises PreconditionError when it is missing or cut, FailedError when its hash is not the sealed one
    or any line is no plain file below the folder, stands twice, or would be both file and folder.
    Memory: 8 bytes a path.
    """
    descriptor = backup.open_part(BLOB_LIST)
    try:
        with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
            reporter.phase("reading the list of blobs", total=backup.manifest.blobs.count, unit="blobs")
            proof = ListProof(backup)
            for lines in proof.proven(file):
                reporter.advance(len(lines))
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


class ListProof:
    """What is asked of the list as a whole, while it is read once."""

    def __init__(self, backup: BackupSet) -> None:
        self._backup = backup
        self._where = str(backup.path / BLOB_LIST)
        self._digest = hashlib.sha256()
        self._files = RememberedPaths()
        self._folders = RememberedPaths()
        self._above = ""
        self._size = 0

    def proven(self, file: IO[bytes]) -> Iterator[list[BlobLine]]:
        """Give the lines of an open list, each a plain file below a folder; at the end, judge the whole.

        Raises FailedError at a bad line, and after the last where the whole is not what was sealed: whoever
        must not act on a line of such a list reads it to the end first.
        """
        for lines in each_block(file, self._where, self._digest.update):
            for line in lines:
                self._files.add(line.path)
                above = line.path.rpartition("/")[0]
                if above and above != self._above:
                    self._remember_folders(above)
                self._size += line.size
            yield lines
        self._judge(file)

    def _remember_folders(self, above: str) -> None:
        self._above = above
        for folder in _with_those_above(above):
            self._folders.add(folder)
        # A list that goes to and fro between folders must not fill the memory.
        if len(self._folders) > _TOO_MANY + len(self._files):
            self._folders.forget_repeats()

    def _judge(self, file: IO[bytes]) -> None:
        sealed = self._backup.manifest.blobs
        if self._digest.hexdigest() != sealed.list_sha256:
            raise _refused("the list of blobs is not what was sealed", self._where)
        if (len(self._files), self._size) != (sealed.count, sealed.size):
            raise _refused("the list of blobs does not add up to the sealed sum", self._where)
        if bad := self._files.twice(self._folders):
            file.seek(0)
            path = next(line.path for line in each_line(file, self._where) if hash(line.path) in bad)
            raise _refused(f"{cleaned_line(path)} stands twice, or is both file and folder", self._where)


def each_line(file: IO[bytes], where: str) -> Iterator[BlobLine]:
    """Give each line of an open list. Raises FailedError at the first bad one."""
    return chain.from_iterable(each_block(file, where))


def each_block(
    file: IO[bytes], where: str, taken: Callable[[bytes], None] = lambda _: None
) -> Iterator[list[BlobLine]]:
    """Give the lines some at a time, their bytes handed to `taken` first. Raises FailedError at a bad one."""
    number, rest = 0, b""
    while block := file.read(_BLOCK):
        taken(block)
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if newline or len(rest) > _BLOCK:
            lines = _decoded(whole or rest, number, where)
            yield lines
            number += len(lines)
    if rest:
        yield _decoded(rest, number, where)


def _decoded(block: bytes, before: int, where: str) -> list[BlobLine]:
    lines = []
    for number, text in enumerate(block.split(b"\n"), before + 1):
        try:
            line = _DECODER.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _refused(f"line {number} cannot be read: {cleaned_line(str(error))}", where) from None
        if not is_plain_path(line.path) or line.size < 0 or not _SHA256(line.sha256):
            raise _refused(f"line {number} names no plain file: {cleaned_line(line.path)}", where)
        lines.append(line)
    return lines


def _with_those_above(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _refused(what: str, where: str) -> FailedError:
    return FailedError(what, where=where, hint=_HINT)
