"""Secrets that are looked for wherever they could have come to: in files, on terminals, in processes.

The search is done twice, in two ways: for every form that the product masks, and by undoing encodings (every
stretch of base64 at every alignment, of hexadecimal, of URL escapes), which knows nothing of those forms.
"""

import base64
import binascii
import contextlib
import re
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from aihummer_drtui.masking import Masker, forms

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}[\s:]?){8,}")
_SEQUENCES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\r\n]")
_UNDONE_UP_TO = 300_000
"""Bytes; a larger file is a database's or a program's own, and only searched for the forms."""


@dataclass(kw_only=True)
class Canaries:
    """What must not be found, by name."""

    secrets: Mapping[str, bytes] = field(repr=False)

    @cached_property
    def _masker(self) -> Masker:
        return Masker(form for secret in self.secrets.values() for form in forms(secret))

    def found_in(self, data: bytes) -> set[str]:
        """The names of those that are in the data, in whatever form."""
        found = self.plainly_in(data)
        if len(data) <= _UNDONE_UP_TO:
            undone = b"\0".join(_undone(data))
            found |= {name for name, secret in self.secrets.items() if secret in undone}
        return found

    def plainly_in(self, data: bytes) -> set[str]:
        """The same by their forms alone: for much data."""
        if not self._masker.finds_in(data):
            return set()
        return {name for name, secret in self.secrets.items() if Masker(forms(secret)).finds_in(data)}

    def found_on_screen(self, data: bytes) -> set[str]:
        """Also where a terminal was sent it in pieces, with moves and colours between."""
        return self.found_in(data) | self.found_in(_SEQUENCES.sub(b"", data))

    def files_with(self, folder: Path) -> dict[str, set[str]]:
        """Every file below that holds any, by its path in the folder, with the names."""
        held = {}
        for path in sorted(folder.rglob("*")):
            with contextlib.suppress(OSError):
                if not path.is_file() or path.is_symlink():
                    continue
                data = path.read_bytes()
                # A database and blobs are much, and hold what others made: by the forms alone.
                of_others = {"blobs", "base", "pg_wal", "postgres"} & set(path.relative_to(folder).parts)
                if found := self.plainly_in(data) if of_others else self.found_in(data):
                    held[str(path.relative_to(folder))] = found
        return held


def _undone(data: bytes) -> Iterator[bytes]:
    yield data
    yield urllib.parse.unquote_to_bytes(data.replace(b"+", b" "))
    yield urllib.parse.unquote_to_bytes(data)
    yield data.replace(b"\\/", b"/")
    for found in _HEX.finditer(data):
        with contextlib.suppress(binascii.Error, ValueError):
            yield binascii.unhexlify(re.sub(rb"[\s:]", b"", found.group()))
    for joined in (data, data.replace(b"\n", b"")):
        for found in _BASE64.finditer(joined):
            text = found.group().translate(bytes.maketrans(b"-_", b"+/"))
            for start in range(4):
                part = text[start : start + (len(text) - start) // 4 * 4]
                with contextlib.suppress(binascii.Error):
                    yield base64.b64decode(part)


@dataclass(kw_only=True)
class Watch:
    """What arguments and environments of processes showed."""

    canaries: Canaries
    processes: int = 0
    """How many were seen."""
    shown: dict[str, set[str]] = field(default_factory=dict)
    """What a process showed, by its words."""


@contextmanager
def watched_processes(canaries: Canaries) -> Iterator[Watch]:
    """Look at arguments and environment of every process that comes, until the block ends."""
    watch = Watch(canaries=canaries)
    over = threading.Event()
    before = set(_processes())

    def look() -> None:
        seen: dict[str, bytes] = {}
        while not over.wait(0.005):
            for process in set(_processes()) - before:
                shown = _shown(Path("/proc") / process)
                if shown and seen.get(process) != shown:
                    watch.processes += process not in seen
                    seen[process] = shown
                    if found := canaries.plainly_in(shown):
                        watch.shown[shown.replace(b"\0", b" ")[:300].decode("utf-8", "replace")] = found

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield watch
    finally:
        over.set()
        looking.join()


def _processes() -> Iterator[str]:
    return (one.name for one in Path("/proc").iterdir() if one.name.isdigit())


def _shown(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
    except OSError:
        return b""
