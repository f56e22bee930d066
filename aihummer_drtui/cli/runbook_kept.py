"""The runbook that a run goes by, as it was read: reading Markdown takes longer than a first screen may.

It lies beside the text in the run's folder, and only saves the reading: it counts when it was made from
the text that the journal names, by this very program, and is whole; else the text is read again.
"""

import contextlib
import hashlib
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui import __version__
from aihummer_drtui.cli.runbook_file import followed_runbook
from aihummer_drtui.durable import write_durably
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.engine.private_file import open_private
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.runbook import model
from aihummer_drtui.runbook.model import Runbook

_LARGEST: Final = 4 << 20
_SEAL: Final = 64
"""Characters of the SHA-256 before the runbook: of what follows, and of what it was made by and from."""


def kept_runbook(folder: RunFolder, text: str) -> Runbook:
    """The runbook of this text, read once and then kept. Raises PreconditionError as `followed_runbook`."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    path = folder.path / f"runbook.{sha256[:16]}.read"
    kept = _read(path, sha256)
    if kept is not None:
        return kept
    runbook = followed_runbook(text)
    data = msgspec.json.encode(runbook)
    # Who only looks on may not write there, and a full disk is no reason to see nothing.
    with contextlib.suppress(OSError):
        write_durably(path, _seal(sha256, data) + data)
    return runbook


def _read(path: Path, sha256: str) -> Runbook | None:
    try:
        with open(open_private(path, 0, read_only=True), "rb") as file:  # noqa: PTH123 - opened safely
            seal, data = file.read(_SEAL), file.read(_LARGEST)
        runbook = msgspec.json.decode(data, type=Runbook)
    except (OSError, PreconditionError, msgspec.MsgspecError):
        return None
    return runbook if seal == _seal(sha256, data) and runbook.sha256 == sha256 else None


def _seal(sha256: str, data: bytes) -> bytes:
    made_by = [f"{path.name} {path.stat().st_mtime_ns}" for path in sorted(_reader())]
    told = "\n".join([__version__, *made_by, sha256]).encode()
    return hashlib.sha256(told + b"\0" + data).hexdigest().encode()


def _reader() -> list[Path]:
    """The files that decide what is read: another state of the program reads anew."""
    return [*Path(model.__file__).parent.glob("*.py")]
