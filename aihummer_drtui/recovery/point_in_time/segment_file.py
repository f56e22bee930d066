"""One file of an archive of WAL: opened without following links, looked at, laid open."""

import os
import stat
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.database.account import ServerAccount
from aihummer_drtui.recovery.point_in_time.segment_header import HEADER, Expected, header_damage
from aihummer_drtui.recovery.point_in_time.segment_packing import first_bytes, unpack
from aihummer_drtui.recovery.point_in_time.segments import History, Segment, read_history
from aihummer_drtui.recovery.regular_file import read_regular

_HISTORY_LIMIT: Final = 1_000_000


def first_page_damage(path: Path, packing: str, segment: Segment, expected: Expected) -> str:
    """What is seen to be wrong with the file that should hold `segment`; empty = its first page is right.

    A packed one is unpacked only so far. Raises PreconditionError when it cannot be read at all, or the
    program that unpacks it is missing.
    """
    with os.fdopen(_opened(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not packing and size != expected.size:
            return f"it has {size} bytes instead of {expected.size}: it was cut or is none"
        try:
            head = first_bytes(file, packing, HEADER.size, name=path.name)
        except FailedError as error:
            return error.what
    return header_damage(head, segment, expected)


def lay_open(path: Path, packing: str, place: Path, size: int, account: ServerAccount) -> None:
    """Have a segment at `place` for the account to read: unpacked, or by a link where it lies plain.

    Raises FailedError where it cannot be unpacked to `size` bytes or there is no room, PreconditionError
    where it cannot be read.
    """
    with os.fdopen(_opened(path), "rb") as file:
        if not packing:
            place.symlink_to(path.absolute())
            return
        try:
            with place.open("xb") as output:
                account.own(place)
                unpack(file, packing, output, name=path.name, limit=size)
        except OSError as error:
            raise FailedError(
                f"WAL could not be unpacked: {error.strerror}",
                where=str(place.parent),
                hint="is there room in the temporary folder? TMPDIR names another",
            ) from None


def history_in(folder: Path, timeline: int) -> History | None:
    """What a timeline's history file tells; one that makes no sense leads nowhere: it is not followed."""
    try:
        data, _ = read_regular(folder / f"{timeline:08X}.history", limit=_HISTORY_LIMIT, follow=False)
        return read_history(timeline, data.decode("utf-8", "replace"))
    except (OSError, ValueError):
        return None


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
