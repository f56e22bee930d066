"""An escrow under a passphrase: Argon2id (RFC 9106) for the key, AES-256-GCM for the content.

Four parts in text, fit for any medium and for paper (docs/key.md): a line that names the format, a line
of JSON with the parameters, the ciphertext in lines of base64, and a checksum. The first two lines are
authenticated as they stand. The checksum tells damage from a wrong passphrase; it is no protection.
"""

import base64
import binascii
import hashlib
import os
from typing import Final

import msgspec

from aihummer_drtui.errors import PreconditionError, UsageError

MAGIC: Final = "aihummer-drtui key escrow"
VERSION: Final = 1
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_SUM: Final = "sha256 "
_WIDTH: Final = 76


class Cost(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What one guess at the passphrase costs; the default takes about a second and 256 MiB."""

    memory_kib: int = 262_144
    iterations: int = 3
    lanes: int = 4


HIGHEST: Final = Cost(memory_kib=1_048_576, iterations=16, lanes=16)
"""What is computed at most: a header made by a stranger must not hang or fell the host."""


class Header(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What stands in the clear; no secret."""

    kdf: str
    cost: Cost
    salt: bytes
    cipher: str
    nonce: bytes
    key_fingerprint: str
    """Of the master key inside, so that the right escrow is found without opening any. A claim."""
    created: str
    """UTC, ISO 8601."""


def is_sealed(data: bytes) -> bool:
    """Whether these bytes are, or were meant to be, an escrow under a passphrase."""
    return data.lstrip().startswith(MAGIC.encode())


def seal_escrow(
    content: bytes, passphrase: str, *, key_fingerprint: str, created: str, cost: Cost | None = None
) -> bytes:
    """The bytes of an escrow file. Raises PreconditionError where Argon2id cannot be had."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header = Header(
        kdf="argon2id",
        cost=cost or Cost(),
        salt=os.urandom(_SALT_BYTES),
        cipher="aes-256-gcm",
        nonce=os.urandom(_NONCE_BYTES),
        key_fingerprint=key_fingerprint,
        created=created,
    )
    head = f"{MAGIC} {VERSION}\n{msgspec.json.encode(header).decode()}\n"
    key = _derived(passphrase, header, where="a new escrow")
    text = base64.b64encode(AESGCM(key).encrypt(header.nonce, content, head.encode())).decode()
    body = "".join(f"{text[at : at + _WIDTH]}\n" for at in range(0, len(text), _WIDTH))
    return f"{head}{body}{_SUM}{_checksum(head, text)}\n".encode()


def open_escrow(data: bytes, passphrase: str, *, where: str) -> bytes:
    """The content of a sealed escrow. `where` names it in messages.

    Raises PreconditionError when it is damaged, of an unknown format, asks for more than HIGHEST (before
    anything is computed), or does not open with this passphrase.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header, head, sealed = _read(data, where)
    try:
        return AESGCM(_derived(passphrase, header, where=where)).decrypt(header.nonce, sealed, head.encode())
    except InvalidTag:
        raise PreconditionError(
            "does not open with this passphrase",
            where=where,
            hint="the file is undamaged, so the passphrase is wrong, or a person changed the file; "
            "mind capital letters and the keyboard's language",
        ) from None


def read_header(data: bytes, *, where: str) -> Header:
    """What stands in the clear. Raises PreconditionError as `open_escrow` does."""
    return _read(data, where)[0]


def _read(data: bytes, where: str) -> tuple[Header, str, bytes]:
    """Header, the authenticated text of it, and the ciphertext; the cost is one that may be paid."""
    try:
        # Not splitlines: it breaks lines at characters that base64 and JSON do not.
        lines = [line.strip() for line in data.decode("ascii").strip().split("\n")]
    except UnicodeDecodeError:
        raise _damaged(where, "it holds bytes that are no ASCII") from None
    if lines[0] != f"{MAGIC} {VERSION}":
        raise PreconditionError(
            "is an escrow of a format that this program does not know",
            where=where,
            hint=f"this program reads format {VERSION}; open it with the program that made it",
        )
    if len(lines) < 4 or not lines[-1].startswith(_SUM):
        raise _damaged(where, "its end is missing")
    head, text = f"{lines[0]}\n{lines[1]}\n", "".join(lines[2:-1])
    if lines[-1] != f"{_SUM}{_checksum(head, text)}":
        raise _damaged(where, "its checksum does not fit")
    try:
        header = msgspec.json.decode(lines[1], type=Header)
        sealed = base64.b64decode(text, validate=True)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise _damaged(where, "its header or its content cannot be read") from None
    _refuse_unpayable(header, where)
    return header, head, sealed


def _refuse_unpayable(header: Header, where: str) -> None:
    if (header.kdf, header.cipher) != ("argon2id", "aes-256-gcm"):
        raise _damaged(where, "it names methods that format 1 does not have")
    cost = header.cost
    if not (
        1 <= cost.lanes <= HIGHEST.lanes
        and 1 <= cost.iterations <= HIGHEST.iterations
        and 8 * cost.lanes <= cost.memory_kib <= HIGHEST.memory_kib
    ):
        raise PreconditionError(
            f"asks for {cost.memory_kib} KiB of memory, {cost.iterations} passes and {cost.lanes} lanes "
            "to be opened, which is refused",
            where=where,
            hint="this program never wrote such a file; fetch the escrow again from where it is kept",
        )
    if len(header.salt) != _SALT_BYTES or len(header.nonce) != _NONCE_BYTES:
        raise _damaged(where, "its salt or nonce has the wrong length")


def _derived(passphrase: str, header: Header, *, where: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    cost = header.cost
    try:
        secret = passphrase.encode()
    except UnicodeEncodeError:
        raise UsageError(
            "the passphrase is no UTF-8 text", hint="set the terminal and LANG to UTF-8, and type it again"
        ) from None
    try:
        return Argon2id(
            salt=header.salt,
            length=32,
            iterations=cost.iterations,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        ).derive(secret)
    except UnsupportedAlgorithm:
        raise PreconditionError(
            "Argon2id is not in the OpenSSL of this Python's `cryptography`",
            where=where,
            hint="install `cryptography` from its wheel, or with OpenSSL 3.2 or newer",
        ) from None
    except MemoryError:
        raise PreconditionError(
            f"{cost.memory_kib // 1024} MiB of memory are needed to work with it, and are not free",
            where=where,
            hint="stop something, or open it on another host and bring the content along",
        ) from None


def _checksum(head: str, text: str) -> str:
    return hashlib.sha256(f"{head}{text}".encode()).hexdigest()


def _damaged(where: str, what: str) -> PreconditionError:
    return PreconditionError(
        f"the escrow is damaged: {what}",
        where=where,
        hint="fetch it again from where it is kept, as a file and not through a mail program",
    )
