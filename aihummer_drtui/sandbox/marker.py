"""The mark that makes a folder a sandbox: without a valid one nothing in it is broken or removed."""

import enum
import re
import secrets
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.sandbox.layout import Layout

_LARGEST_MARKER: Final = 65_536
_ID = re.compile(r"sandbox-[0-9a-f]{16}")


class Size(enum.Enum):
    """How much the stand-in holds: about 5 MB, 200 MB, 2 GB, half of it in blobs."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Stage(enum.Enum):
    """How far `sandbox up` came."""

    BUILDING = "building"
    BUILT = "built"


class Marker(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a sandbox says of itself in sandbox.json. It holds no secret."""

    id: str
    root: Path
    stage: Stage
    size: Size
    seed: int
    gateway_port: int
    tcp_port: int | None
    """PostgreSQL's TCP port, where one was asked for; else it listens on its Unix socket only."""
    postgres_bin: Path | None = None
    wal: bool = False
    """Whether it archives its WAL and has base backups."""
    note: str = "a training stand-in, not AiHummer; made by `aihummer-drtui sandbox up`"


def new_id() -> str:
    """A name that no other sandbox has."""
    return f"sandbox-{secrets.token_hex(8)}"


def write_marker(layout: Layout, marker: Marker) -> None:
    """Store the mark durably. Raises OSError."""
    write_durably(layout.marker, msgspec.json.format(msgspec.json.encode(marker, enc_hook=str)) + b"\n")


def read_marker(layout: Layout) -> Marker:
    """The mark of the sandbox at `layout`.

    Raises PreconditionError where the folder is no sandbox, or is another one's copy.
    """
    try:
        with layout.marker.open("rb") as file:
            data = file.read(_LARGEST_MARKER + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise PreconditionError(
            "there is no sandbox", where=str(layout.root), hint="make one: aihummer-drtui sandbox up"
        ) from None
    except OSError as error:
        raise PreconditionError(
            f"the sandbox's mark cannot be read: {error.strerror}",
            where=str(layout.marker),
            hint="use the account that made the sandbox",
        ) from error
    try:
        marker = msgspec.json.decode(data, type=Marker, dec_hook=lambda kind, value: kind(value))
    except (msgspec.DecodeError, UnicodeDecodeError):
        marker = None
    if marker is None or not _ID.fullmatch(marker.id):
        raise PreconditionError(
            "sandbox.json is not the mark of a sandbox, so nothing here is touched",
            where=str(layout.marker),
            hint="give the folder of a sandbox with --dir, or remove this one by hand",
        )
    if marker.root != layout.root:
        raise PreconditionError(
            f"this is a copy: its mark says that the sandbox lies at {marker.root}",
            where=str(layout.marker),
            hint="a sandbox cannot be moved; remove the copy by hand and make a new one",
        )
    return marker
