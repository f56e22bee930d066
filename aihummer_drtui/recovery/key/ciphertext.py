"""A ciphertext of the vault: taken apart as its configured form says, and opened (AES-GCM, NIST SP 800-38D).

Nothing here guesses: a form either fits what stands in the columns or is said not to.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from aihummer_drtui.recovery.target import CiphertextForm, Encoding

TAG_BYTES: Final = 16


class Part(StrEnum):
    """A part of a ciphertext."""

    NONCE = "nonce"
    CIPHERTEXT = "ciphertext"
    TAG = "tag"


class MisshapenError(Exception):
    """What stands in a column is nothing that the configured form could mean."""


@dataclass(frozen=True, kw_only=True)
class Ciphertext:
    """A ciphertext in its parts; no secret."""

    prefix: bytes
    nonce: bytes
    body: bytes
    tag: bytes


def parts_of(layout: str) -> tuple[Part, ...]:
    """The parts that `nonce+ciphertext+tag` and its like name, in their order.

    Raises ValueError, in words for target.toml, for anything else.
    """
    words = [word.strip() for word in layout.split("+")]
    known = {part.value for part in Part}
    if not set(words) <= known or len(set(words)) != len(words) or Part.CIPHERTEXT not in words:
        raise ValueError("must be ciphertext and, joined by + in their order, nonce and tag or one of them")
    return tuple(Part(word) for word in words)


def columns_of(form: CiphertextForm) -> int:
    """How many columns a ciphertext of this form has: its own, and those of the parts that lie apart."""
    return 1 + len(Part) - len(parts_of(form.layout))


def taken_apart(form: CiphertextForm, columns: Sequence[object]) -> Ciphertext | None:
    """The parts that stand in these columns; None when they are too short or too long to be any.

    Raises MisshapenError when a column has another type or encoding.
    """
    parts = parts_of(form.layout)
    apart = [part for part in (Part.NONCE, Part.TAG) if part not in parts]
    whole, *others = (_decoded(column, form.encoding) for column in columns)
    found = dict(zip(apart, others, strict=True))
    prefix, whole = whole[: form.prefix_bytes], whole[form.prefix_bytes :]
    lengths = {Part.NONCE: form.nonce_bytes, Part.TAG: TAG_BYTES}
    lengths[Part.CIPHERTEXT] = len(whole) - sum(lengths[part] for part in parts if part in lengths)
    if lengths[Part.CIPHERTEXT] < 0:
        return None
    at = 0
    for part in parts:
        found[part] = whole[at : at + lengths[part]]
        at += lengths[part]
    if any(len(found[part]) != lengths[part] for part in apart):
        return None
    return Ciphertext(
        prefix=prefix, nonce=found[Part.NONCE], body=found[Part.CIPHERTEXT], tag=found[Part.TAG]
    )


def decrypted(key: bytes, sealed: Ciphertext | None, associated: bytes) -> bytes | None:
    """The plaintext; None when it does not authenticate under this key and these associated data."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if sealed is None:
        return None
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.body + sealed.tag, associated)
    except InvalidTag:
        return None


def filled(template: str, names: Mapping[str, bytes]) -> bytes:
    """A template of associated data with its names filled in, all at once: a value is never filled again."""
    return re.sub(
        rb"\{(\w+)\}", lambda found: names.get(found[1].decode(), found[0]), template.encode("utf-8")
    )


def _decoded(column: object, encoding: Encoding) -> bytes:
    if encoding is Encoding.BYTEA:
        if not isinstance(column, bytes | bytearray | memoryview):
            raise MisshapenError(f"a ciphertext of type {type(column).__name__}, not bytea")
        return bytes(column)
    if not isinstance(column, str):
        raise MisshapenError(f"a ciphertext of type {type(column).__name__}, not text in {encoding}")
    # encode(…, 'base64') breaks its lines after 76 characters.
    text = "".join(column.split())
    try:
        match encoding:
            case Encoding.HEX:
                return bytes.fromhex(text.removeprefix("\\x"))
            case Encoding.BASE64:
                return base64.b64decode(_padded(text), validate=True)
            case Encoding.BASE64URL:
                return base64.b64decode(_padded(text), altchars=b"-_", validate=True)
            case _:
                assert_never(encoding)
    except (binascii.Error, ValueError):
        raise MisshapenError(f"a ciphertext that is no {encoding} text") from None


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
