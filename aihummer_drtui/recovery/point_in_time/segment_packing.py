"""WAL files, plain or packed: unpacked by Python or by the packer's own program, in bounded memory."""

import bz2
import gzip
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line

PACKINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "": (),
    ".gz": ("gzip", "-dc"),
    ".bz2": ("bzip2", "-dc"),
    ".zst": ("zstd", "-dcq"),
    ".lz4": ("lz4", "-dcq"),
}
"""By the end of the name: the program that unpacks, as restore_command uses it."""
LARGEST_SIZE: Final = 1 << 30
"""Bytes; initdb makes no larger WAL file."""
_CHUNK: Final = 1 << 20
_SECONDS: Final = 120
_Stream = IO[bytes] | gzip.GzipFile | bz2.BZ2File


def unpack(
    packed: IO[bytes],
    packing: str,
    output: IO[bytes],
    *,
    name: str,
    limit: int = LARGEST_SIZE,
    path: str | None = None,
) -> int:
    """Write what is packed in an open file to `output` and give its bytes; `packing` is one of `PACKINGS`.

    Programs are looked for in `path` (None = our own). Raises PreconditionError where the program is not
    installed, FailedError where the file is damaged, longer than `limit` bytes, or packed in another way;
    OSError of `output`.
    """
    written = 0
    with _unpacking(packed, packing, name, path) as stream:
        while chunk := _read(stream, _CHUNK, name):
            written += len(chunk)
            if written > limit:
                raise damaged(name, "it is longer than a WAL file")
            output.write(chunk)
    return written


def first_bytes(packed: IO[bytes], packing: str, count: int, *, name: str) -> bytes:
    """The first bytes of what is packed; fewer where there are no more. Raises as `unpack` does."""
    with _unpacking(packed, packing, name, None, to_the_end=False) as stream:
        return _read(stream, count, name)


def damaged(name: str, why: str) -> FailedError:
    """The error that tells that a WAL file cannot be unpacked."""
    return FailedError(
        f"WAL file {cleaned_line(name, 120)} cannot be unpacked: {cleaned_line(why, 200)}",
        hint="get that file from another copy, or choose a point before it",
    )


def _read(stream: _Stream, count: int, name: str) -> bytes:
    try:
        return stream.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(name, str(error)) from None


@contextmanager
def _unpacking(
    packed: IO[bytes], packing: str, name: str, path: str | None, *, to_the_end: bool = True
) -> Iterator[_Stream]:
    """What is packed, as a stream; with `to_the_end`, a program that unpacks must then end well."""
    if packing not in PACKINGS:
        raise damaged(name, f"{packing!r} is no packing that is known")
    if packing == "":
        yield packed
    elif packing == ".gz":
        yield gzip.GzipFile(fileobj=packed)
    elif packing == ".bz2":
        yield bz2.BZ2File(packed)
    else:
        yield from _by_program(packed, packing, name, path, to_the_end=to_the_end)


def _by_program(
    packed: IO[bytes], packing: str, name: str, path: str | None, *, to_the_end: bool
) -> Iterator[_Stream]:
    with tempfile.TemporaryFile() as talk, _program(packed, packing, path, talk) as child:
        assert child.stdout is not None  # noqa: S101 - asked for
        try:
            yield child.stdout
            if to_the_end and child.wait(_SECONDS) != 0:
                talk.seek(0)
                raise damaged(name, cleaned_bytes(talk.read(4000)).strip() or f"{child.args!s} failed")
        except subprocess.TimeoutExpired:
            raise damaged(name, f"its unpacking did not end within {_SECONDS} s") from None
        finally:
            child.kill()


def _program(packed: IO[bytes], packing: str, path: str | None, talk: IO[bytes]) -> "subprocess.Popen[bytes]":
    program, *options = PACKINGS[packing]
    found = shutil.which(program, path=path)
    if found is None:
        raise PreconditionError(
            f"{program} is not installed, and WAL files are packed with it",
            where=cleaned_line(path or ""),
            hint=f"apt-get install {program}",
        )
    # It reads a stranger's bytes: with nothing of our environment. Our end closes its pipe, which ends it.
    return subprocess.Popen(
        [found, *options],
        stdin=packed,
        stdout=subprocess.PIPE,
        stderr=talk,
        cwd="/",
        env={"LC_ALL": "C"},
        start_new_session=True,
    )
