"""A tar archive read as a stranger's: regular files and folders with plain names, anything else refuses it.

The formats are those of POSIX pax and ustar (IEEE Std 1003.1, pax, "Extended Description") and of GNU tar.
Read once from front to back; nothing is kept but a header of at most a megabyte.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.scan import is_plain_path
from aihummer_drtui.recovery.blobs.source import Packing, TarSource

_BLOCK: Final = 512
_HEADER_LIMIT: Final = 1 << 20
_ZEROS: Final = bytes(_BLOCK)
_KINDS: Final = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
}


class Reading(Protocol):
    """What a decompressor gives."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file or folder of an archive."""

    path: str
    """Below the folder that was asked for; empty = that folder itself."""
    folder: bool
    size: int


class BadArchive(Exception):  # noqa: N818 - whoever knows which archive makes it an error
    """An archive that no backup of a blob folder is."""


@contextmanager
def opened(source: TarSource) -> Iterator[Reading]:
    """Give the archive's bytes, decompressed. Raises PreconditionError when it cannot be read."""
    try:
        file = source.path.open("rb")
    except OSError as error:
        raise PreconditionError(
            f"the archive cannot be read: {error.strerror}",
            where=cleaned_line(str(source.path)),
            hint="name a tar that this account can read",
        ) from None
    with file:
        if not Path(f"/proc/self/fd/{file.fileno()}").is_file():
            raise PreconditionError(
                "the archive is no regular file", where=cleaned_line(str(source.path)), hint="name a file"
            )
        yield _decompressed(file, source.packing)


def _decompressed(file: IO[bytes], packing: Packing) -> Reading:
    match packing:
        case Packing.GZIP:
            import gzip

            return gzip.GzipFile(fileobj=file)
        case Packing.ZSTANDARD:
            import zstandard

            # 128 MB: what `zstd --long=27` writes, and what decoders accept by default.
            return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
                file, read_across_frames=True
            )
        case Packing.NONE:
            return file


class TarReader:
    """Goes through the members of one archive."""

    def __init__(self, reading: Reading, *, inside: str = "") -> None:
        self._reading = reading
        self._inside = inside
        self._left = 0
        self._padding = 0

    def members(self) -> Iterator[Member]:
        """Give each file and folder below the folder asked for; its content is read by `block`, or skipped.

        Raises BadArchive at the first thing that has no place in a blob folder, and when the archive is
        cut or broken.
        """
        told: dict[str, str] = {}
        while (header := self._header()) is not None:  # the end is marked by a block of zeros
            kind, size, name = header[156:157], _number(header[124:136]), _name(header)
            if kind in {b"x", b"L"}:
                self._announce(kind, size, told)
                continue
            if kind == b"g":
                # Global attributes of pax (git writes one): a comment; nothing of it is used.
                self._take(size)
                self._end_member()
                continue
            path = told.pop("path", name)
            if "size" in told:
                size = _decimal(told.pop("size"))
            if any(key.startswith("GNU.sparse") for key in told):
                kind = b"S"
            told.clear()
            member = self._member(kind, path, size)
            self._left, self._padding = (0, 0) if member.folder else (size, -size % _BLOCK)
            if self._is_wanted(member):
                yield self._below(member)
            self._skip()

    def block(self, size: int) -> bytes:
        """The next bytes of the present member, at most `size`; empty at its end. Raises BadArchive."""
        if not self._left:
            return b""
        data = self._read(min(size, self._left))
        self._left -= len(data)
        return data

    def _header(self) -> bytes | None:
        header = self._exactly(_BLOCK)
        if header == _ZEROS:
            self._end()
            return None
        plain = header[:148] + b" " * 8 + header[156:]
        if _number(header[148:156]) != sum(plain):
            raise BadArchive("a header's checksum does not fit: it is no tar, or it is broken")
        return header

    def _announce(self, kind: bytes, size: int, told: dict[str, str]) -> None:
        """Take in what a header of its own says of the next member."""
        data = self._take(size)
        self._end_member()
        if kind == b"L":
            told["path"] = _text(data.rstrip(b"\0"))
            return
        while data:
            length, _, _ = data.partition(b" ")
            count = int(length) if length.isdigit() and len(length) < 8 else 0
            record, data = data[:count], data[count:]
            key, equals, value = record[len(length) + 1 : -1].partition(b"=")
            if not equals or record[-1:] != b"\n":
                raise BadArchive("an extended header is broken")
            told[_text(key)] = _text(value)

    def _take(self, size: int) -> bytes:
        if size > _HEADER_LIMIT:
            raise BadArchive("a header is far too large")
        self._padding = -size % _BLOCK
        return self._exactly(size)

    def _end_member(self) -> None:
        self._exactly(self._padding)
        self._padding = 0

    def _member(self, kind: bytes, path: str, size: int) -> Member:
        shown = cleaned_line(path)
        folder = kind == b"5" or (kind in {b"0", b"\0"} and path.endswith("/"))
        if not folder and kind not in {b"0", b"\0", b"7"}:
            raise BadArchive(f"{shown} is {_KINDS.get(kind, 'of a kind that is unknown')}")
        while path.startswith("./"):
            path = path[2:].lstrip("/")
        path = path.rstrip("/") if folder else path
        if folder and path in {"", "."}:
            path = ""
        elif not is_plain_path(path):
            raise BadArchive(f"{shown} is no plain name below a folder")
        return Member(path=path, folder=folder, size=0 if folder else size)

    def _is_wanted(self, member: Member) -> bool:
        return not self._inside or f"{member.path}/".startswith(f"{self._inside}/")

    def _below(self, member: Member) -> Member:
        if not self._inside:
            return member
        path = member.path.removeprefix(self._inside).removeprefix("/")
        return Member(path=path, folder=member.folder, size=member.size)

    def _skip(self) -> None:
        while self.block(1 << 17):
            pass
        self._end_member()

    def _end(self) -> None:
        """Read what pads the archive: only at its end does a decompressor compare its checksum."""
        left = _HEADER_LIMIT
        while data := self._read(1 << 16, may_end=True):
            left -= len(data)
            if left < 0:
                raise BadArchive("it goes on after its end")

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._read(size - len(data))
        return data

    def _read(self, size: int, *, may_end: bool = False) -> bytes:
        try:
            data = self._reading.read(size)
        except (OSError, EOFError) as error:
            # Of gzip and of the disk alike.
            raise BadArchive(f"it cannot be read: {cleaned_line(str(error))}") from None
        except Exception as error:
            if type(error).__name__ not in {"ZstdError", "error"}:
                raise
            raise BadArchive(f"it cannot be decompressed: {cleaned_line(str(error))}") from None
        if not data and not may_end:
            raise BadArchive("it ends in the midst of a file: it was cut")
        return data


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:])
    text = field.strip(b"\0 ")
    if not text:
        return 0
    try:
        number = int(text, 8)
    except ValueError:
        raise BadArchive("a number in a header is none") from None
    if number < 0:
        raise BadArchive("a number in a header is negative")
    return number


def _decimal(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise BadArchive("a size in an extended header is no number")
    return int(text)


def _name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    # Of ustar only; GNU tar keeps other things there.
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
