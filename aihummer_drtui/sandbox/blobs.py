"""The stand-in's blob folder: files made from the seed, and what the media table says of them."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.sandbox.seeded import derived

_PART: Final = 1 << 20
_PLUGIN: Final = "plugins/private-crm-1.4.0.tar"
_KINDS: Final = ("png", "jpg", "pdf", "ogg", "txt")


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A file of the blob folder as the media table refers to it."""

    tenant: str
    path: str
    """Relative to the blob folder, with `/`."""
    size: int
    sha256: str


def make_blobs(
    folder: Path, *, seed: int, tenants: tuple[str, ...], total: int, tell: Callable[[int, int], None]
) -> Iterator[Blob]:
    """Write files of about `total` bytes below `folder`, giving each when it is there.

    Most have 1 to 60 kB, one in a hundred is twenty times as large, one is empty; one name has
    spaces and letters beyond ASCII. A plugin bundle lies beside them that no row refers to, as in
    AiHummer's blob folder. `tell` gets (bytes so far, bytes in all). Raises OSError.
    """
    _write(folder / _PLUGIN, seed, "plugin", 40_000)
    written, number = 0, 0
    while written < total:
        tenant = tenants[number % len(tenants)]
        label = f"blob {number}"
        draw = derived(seed, label, 16)
        size = _size(number, draw)
        path = f"{tenant}/{draw[0]:02x}/{_name(number, draw)}"
        yield Blob(tenant=tenant, path=path, size=size, sha256=_write(folder / path, seed, label, size))
        written += size
        number += 1
        tell(min(written, total), total)


def _size(number: int, draw: bytes) -> int:
    if number == 7:
        return 0
    part = int.from_bytes(draw[1:5], "big") / 2**32
    size = int(1_000 + 59_000 * part * part)
    return size * 20 if number % 100 == 99 else size


def _name(number: int, draw: bytes) -> str:
    if number == 11:
        return "Prüfbericht März 2026 (2).pdf"
    return f"{draw[5:].hex()}.{_KINDS[draw[5] % len(_KINDS)]}"


def _write(path: Path, seed: int, label: str, size: int) -> str:
    """Write `size` bytes of a stream of its own; give their SHA-256 in hex.

    AES in counter mode makes bytes faster than a disk takes them, and no two files alike.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    stream = Cipher(
        algorithms.AES(derived(seed, f"key of {label}", 16)),
        modes.CTR(derived(seed, f"start of {label}", 16)),
    ).encryptor()
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        left = size
        while left > 0:
            part = stream.update(bytes(min(left, _PART)))
            digest.update(part)
            file.write(part)
            left -= len(part)
    return digest.hexdigest()


def count_blobs(folder: Path) -> tuple[int, int]:
    """How many regular files lie below `folder`, and their bytes; (0, 0) where it is not there."""
    files = total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            files += 1
            total += (Path(parent) / name).lstat().st_size
    return files, total
