"""WAL files as other keepers keep them: plain or packed; unpacked by Python or by the packer's program."""

import bz2
import gzip
import os
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.program import run_program

LARGEST_SIZE: Final = 1 << 30
"""Bytes; initdb makes no larger WAL file."""
_PROGRAMS: Final = {".zst": ("zstd", "-d", "-q", "-c", "--"), ".lz4": ("lz4", "-d", "-q", "-c", "--")}
_CHUNK: Final = 1 << 20
_SECONDS: Final = 120.0


def unpack(packed: Path, suffix: str, output: IO[bytes], environment: Mapping[str, str]) -> None:
    """Write what is packed in a file to `output`; the suffix (`.gz`, `.bz2`, `.zst`, `.lz4`, none) tells how.

    Raises PreconditionError where the program for it is not installed, FailedError where the file is
    damaged, longer than a WAL file can be, or packed in another way.
    """
    if suffix in {"", ".gz", ".bz2"}:
        with packed.open("rb") as file:
            unpack_stream(file, suffix, output, name=packed.name)
    else:
        _by_program(packed, suffix, output, environment)


def unpack_stream(packed: IO[bytes], suffix: str, output: IO[bytes], *, name: str) -> None:
    """The same for an open file, where Python itself can: `.gz`, `.bz2`, none. Raises FailedError."""
    unpacked: IO[bytes] | gzip.GzipFile | bz2.BZ2File = packed
    if suffix == ".gz":
        unpacked = gzip.GzipFile(fileobj=packed)
    elif suffix == ".bz2":
        unpacked = bz2.BZ2File(packed)
    written = 0
    try:
        while chunk := unpacked.read(_CHUNK):
            written += len(chunk)
            if written > LARGEST_SIZE:
                raise _damaged(name, "it is longer than a WAL file can be")
            output.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(name, str(error)) from error


def _by_program(packed: Path, suffix: str, output: IO[bytes], environment: Mapping[str, str]) -> None:
    if suffix not in _PROGRAMS:
        raise _damaged(packed.name, f"{suffix!r} is no packing that is known")
    name, *options = _PROGRAMS[suffix]
    program = shutil.which(name, path=environment["PATH"])
    if program is None:
        raise PreconditionError(
            f"{name} is not installed, and WAL files are packed with it",
            where=cleaned_line(environment["PATH"]),
            hint=f"apt-get install {name}",
        )

    def look() -> None:
        if os.fstat(output.fileno()).st_size > LARGEST_SIZE:
            raise _damaged(packed.name, "it is longer than a WAL file can be")

    ended = run_program(
        [program, *options, packed],
        environment=environment,
        descriptors=(),
        output=output.fileno(),
        seconds=_SECONDS,
        meanwhile=look,
        interval=0.05,
    )
    look()
    if ended.code != 0:
        raise _damaged(packed.name, ended.first_words)


def _damaged(name: str, why: str) -> FailedError:
    return FailedError(
        f"WAL file {cleaned_line(name, 120)} cannot be unpacked: {cleaned_line(why, 200)}",
        hint="get that file from another copy, or choose a point before it",
    )
