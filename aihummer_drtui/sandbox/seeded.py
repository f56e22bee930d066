"""Bytes that follow from the sandbox's seed: the same seed gives the same sandbox, everywhere."""

import hashlib


def derived(seed: int, label: str, length: int) -> bytes:
    """`length` bytes for `label`, unlike those of any other label or seed (SHAKE-256, FIPS 202)."""
    return hashlib.shake_256(f"aihummer-drtui sandbox v1\0{seed}\0{label}".encode()).digest(length)


def derived_uuid(seed: int, label: str) -> str:
    """A name in the form of a UUID, version 8 (free content, RFC 9562, 5.8)."""
    digits = bytearray(derived(seed, label, 16))
    digits[6] = 0x80 | digits[6] & 0x0F
    digits[8] = 0x80 | digits[8] & 0x3F
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
