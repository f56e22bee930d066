"""One archived WAL segment: packed or not, opened without following links, its first page looked at.

The first page's header tells the cluster, the size and the position that the file really holds
(XLogLongPageHeaderData, src/include/access/xlog_internal.h): a file of another place is damage.
"""

import gzip
import os
import shutil
import stat
import struct
import subprocess
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.recovery.point_in_time.segments import Segment, lsn_text

PACKINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "": (),
    ".gz": ("gzip", "-dc"),
    ".zst": ("zstd", "-dcq"),
    ".lz4": ("lz4", "-dcq"),
}
"""By the end of the name: the program that unpacks, as restore_command uses it."""
_MAGICS: Final = {13: 0xD106, 14: 0xD10D, 15: 0xD110, 16: 0xD113, 17: 0xD116, 18: 0xD118}
"""XLOG_PAGE_MAGIC by major version; of another version only its first byte is known."""
_LONG_HEADER: Final = 0x0002
_HEADER: Final = struct.Struct("=HHIQI4xQII")
_BLOCK: Final = 1 << 20
_SECONDS: Final = 120


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a segment must be to be of use."""

    system_identifier: int
    server_major: int
    size: int


def damage(path: Path, packing: str, segment: Segment, expected: Expected, *, whole: bool) -> str:
    """What is wrong with the file that should hold `segment`; empty = its header is right.

    With `whole`, a packed one is unpacked to its end; else only as far as its header. Raises
    PreconditionError when it cannot be read at all, or the program that unpacks it is missing.
    """
    try:
        with os.fdopen(_opened(path), "rb") as file:
            if packing:
                head, size = _unpacked(file, packing, whole=whole)
            else:
                head, size = file.read(_HEADER.size), os.fstat(file.fileno()).st_size
    except FailedError as error:
        return error.what
    if size is not None and size != expected.size:
        return f"it has {size} bytes instead of {expected.size}: it was cut or is none"
    return _header_damage(head, segment, expected)


def unpack_to(path: Path, packing: str, destination: Path, size: int) -> None:
    """Unpack a segment of `size` bytes into a new file. Raises FailedError, PreconditionError, OSError."""
    with os.fdopen(_opened(path), "rb") as file, destination.open("xb") as output:
        _, found = _unpacked(file, packing, whole=True, output=output, limit=size)
        if found != size:
            raise FailedError(
                f"it has {found} bytes unpacked instead of {size}",
                where=str(path),
                hint="copy that WAL file again from where it is kept",
            )


def _opened(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PreconditionError(
            f"a WAL file cannot be opened (no link is followed): {error.strerror}",
            where=cleaned_line(str(path)),
            hint="run this as root, or as the account that owns the archive; is the medium well?",
        ) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PreconditionError("a WAL file is no regular file", where=str(path), hint="look at it by hand")
    return descriptor


def _header_damage(head: bytes, segment: Segment, expected: Expected) -> str:
    if len(head) < _HEADER.size:
        return "it is too short to be a WAL file"
    magic, info, _, address, _, system, size, _ = _HEADER.unpack(head)
    wanted = _MAGICS.get(expected.server_major)
    if (magic >> 8) != 0xD1 or not info & _LONG_HEADER:
        return "its first page is no page of WAL"
    if wanted is not None and magic != wanted:
        return f"it is WAL of another major version than {expected.server_major}"
    if system != expected.system_identifier:
        return f"it is of another cluster (system identifier {system})"
    if size != expected.size:
        return f"it says that segments have {size} bytes instead of {expected.size}"
    if address != segment.start(expected.size):
        return f"it holds position {lsn_text(address)}, and not what its name says"
    return ""


def _unpacked(
    file: IO[bytes], packing: str, *, whole: bool, output: IO[bytes] | None = None, limit: int = 1 << 30
) -> tuple[bytes, int | None]:
    """The first bytes, and how many there are; None = not read to the end."""
    if packing == ".gz":
        with gzip.GzipFile(fileobj=file) as stream:
            return _drained(stream, whole, output, limit)
    program, *options = PACKINGS[packing]
    found = shutil.which(program)
    if found is None:
        raise PreconditionError(
            f"{program} is not installed, and WAL files are packed with it", hint=f"apt-get install {program}"
        )
    with subprocess.Popen(
        [found, *options], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None  # noqa: S101, PT018 - asked for above
        try:
            head, size = _drained(child.stdout, whole, output, limit)
        except BaseException:
            child.kill()
            raise
        if size is None:
            child.kill()
            return head, None
        words = child.stderr.read(4000)
        if child.wait(_SECONDS) != 0:
            raise _broken(cleaned_bytes(words).strip() or f"{program} failed")
    return head, size


def _drained(
    stream: IO[bytes] | gzip.GzipFile, whole: bool, output: IO[bytes] | None, limit: int
) -> tuple[bytes, int | None]:
    try:
        head = stream.read(_HEADER.size)
        if not whole:
            return head, None
        size = len(head)
        if output:
            output.write(head)
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > limit:
                raise _broken("it is longer than a WAL file")
            if output:
                output.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise _broken(str(error)) from None
    return head, size


def _broken(why: str) -> DrtuiError:
    return FailedError(
        f"it cannot be unpacked: {cleaned_line(why, 200)}",
        hint="copy that WAL file again from where it is kept",
    )
