"""Fingerprints of the secrets: enough to see that two are the same, nothing to win one back.

A fingerprint is sealed into every backup set, so that the right key is known before anything is
restored. 64 bits of HMAC-SHA256 over a fixed label: a key of 256 random bits cannot be searched for,
and two keys by chance share a fingerprint once in 2^64.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from aihummer_drtui.errors import PreconditionError

KEY_BYTES: Final = 32
"""AES-256; `openssl rand -base64 32` (KNOWN: AiHummer's documentation)."""
_KEY_LABEL: Final = b"aihummer-drtui master key fingerprint v1"
_MEDIA_TOKEN_LABEL: Final = b"aihummer-drtui media token fingerprint v1"


def key_fingerprint(key: bytes) -> str:
    """16 hexadecimal digits that name a master key."""
    return hmac.new(key, _KEY_LABEL, hashlib.sha256).hexdigest()[:16]


def media_token_fingerprint(secret: str) -> str:
    """16 hexadecimal digits that name a media token secret."""
    return hmac.new(secret.encode(), _MEDIA_TOKEN_LABEL, hashlib.sha256).hexdigest()[:16]


def parse_master_key(text: str, *, where: str) -> bytes:
    """The 32 bytes of a master key written in base64. `where` names the place in the message.

    Raises PreconditionError, without repeating the text, when it is anything else.
    """
    hint = "it is the base64 text of 32 bytes: 44 characters, the last of them ="
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        raise PreconditionError("the master key is written in hexadecimal", where=where, hint=hint)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PreconditionError(
            f"the master key is no base64 text ({len(text)} characters)", where=where, hint=hint
        ) from None
    if len(key) != KEY_BYTES:
        raise PreconditionError(
            f"the master key has {len(key)} bytes instead of {KEY_BYTES}", where=where, hint=hint
        )
    # The last letter carries two bits that mean nothing; set, they tell of a slip of the pen.
    if base64.b64encode(key).decode() != text:
        raise PreconditionError(
            "the master key's last letter is not what base64 would write; was it typed by hand?",
            where=where,
            hint="copy it from the escrow again",
        )
    return key
