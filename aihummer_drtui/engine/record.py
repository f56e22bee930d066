"""How a record stands in the journal's bytes: `LENGTH8HEX CRC8HEX JSON` and a line end. Pure.

LENGTH is that of the JSON in bytes, CRC its CRC-32 (zlib's, ISO 3309). The JSON holds no line end
and no NUL of its own (RFC 8259 escapes both), so a line that ends is whole, and NULs at the end of
the file are blocks that were never written. Each record repeats the SHA-256 of the one before it.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.run.events import Record

VERSION: Final = 1
"""The version of a record that this program writes; higher ones it does not touch."""
MAX_JSON: Final = 1 << 20
"""Bytes of JSON in one record; what is larger belongs into a file beside the journal."""

_FRAME: Final = 18
"""Bytes before the JSON: eight digits, a space, eight digits, a space."""
_FRAME_FORM: Final = re.compile(rb"([0-9a-f]{8}) ([0-9a-f]{8}) ")
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Record)


class _Versioned(msgspec.Struct):
    version: int


_VERSION_DECODER: Final = msgspec.json.Decoder(_Versioned)


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """How far a journal was followed: what the next record must continue."""

    sequence: int = 0
    digest: str = "0" * 64
    offset: int = 0
    """Bytes of whole, valid records."""


@dataclass(frozen=True, kw_only=True)
class Clean:
    """The bytes end with a whole record."""


@dataclass(frozen=True, kw_only=True)
class Torn:
    """The last record was never wholly written; nobody was told that it was."""


@dataclass(frozen=True, kw_only=True)
class Corrupt:
    """The bytes contradict themselves at the record of that number, which starts at `offset`."""

    offset: int
    record: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Newer:
    """The next record was written by a program newer than this one."""

    version: int


Tail: TypeAlias = Clean | Torn | Corrupt | Newer


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The valid records of some bytes, where they end, and what comes after them."""

    records: tuple[Record, ...]
    chain: Chain
    tail: Tail


def encode(record: Record, after: Chain) -> tuple[bytes, Chain]:
    """Give the record's line and the chain that it continues to.

    Raises ValueError for a record that does not follow `after`, is larger than `MAX_JSON`, or could
    not be read back (a text that is no Unicode, a number that is not finite).
    """
    if record.sequence != after.sequence + 1 or record.previous != after.digest:
        raise ValueError(f"record {record.sequence} does not follow record {after.sequence}")
    json = _ENCODER.encode(record)
    if len(json) > MAX_JSON:
        raise ValueError(f"a record of {len(json)} bytes is larger than {MAX_JSON}")
    if _DECODER.decode(json) != record:
        raise ValueError(f"record {record.sequence} would not be read back as it is")
    line = b"%08x %08x %s\n" % (len(json), zlib.crc32(json), json)
    return line, _continued(after, json)


def decode_all(data: bytes, after: Chain | None = None) -> Decoded:
    """Read the records in `data`, which starts where `after` ends (none: at the journal's beginning)."""
    start = after or Chain()
    records, chain = _sound(data, start)
    rest = data[chain.offset - start.offset :]
    return Decoded(records=tuple(records), chain=chain, tail=_fault(rest, chain) if rest else Clean())


def _sound(data: bytes, chain: Chain) -> tuple[list[Record], Chain]:
    """The records that come first and are right in every way; a long run's journal has 100 000."""
    records: list[Record] = []
    sequence, digest, at = chain.sequence, chain.digest, 0
    while (end := data.find(b"\n", at)) >= 0:
        json = data[at + _FRAME : end]
        if data[at : at + _FRAME] != b"%08x %08x " % (len(json), zlib.crc32(json)):
            break
        try:
            record = _DECODER.decode(json)
        except (msgspec.DecodeError, UnicodeDecodeError):
            break
        if record.version > VERSION or record.sequence != sequence + 1 or record.previous != digest:
            break
        records.append(record)
        sequence, digest, at = record.sequence, hashlib.sha256(json).hexdigest(), end + 1
    return records, Chain(sequence=sequence, digest=digest, offset=chain.offset + at)


def _fault(rest: bytes, chain: Chain) -> Tail:
    """What is wrong with the bytes that come next: they are not all of a sound record (`_sound`)."""
    end = rest.find(b"\n")
    if end < 0:
        return _incomplete(rest, chain)
    frame = _FRAME_FORM.match(rest, 0, end)
    if frame is None:
        return _corrupt(chain, "the length and checksum before it are malformed")
    json = rest[_FRAME:end]
    if len(json) != int(frame[1], 16):
        return _corrupt(chain, f"{len(json)} bytes long, its frame says {int(frame[1], 16)}")
    if zlib.crc32(json) != int(frame[2], 16):
        return _corrupt(chain, "its checksum does not match")
    return _misplaced(json, chain)


def _misplaced(json: bytes, chain: Chain) -> Tail:
    """What is wrong with a well-framed JSON: no record of this version, or not the next one."""
    try:
        record = _DECODER.decode(json)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        version = _version(json)
        if version > VERSION:
            return Newer(version=version)
        return _corrupt(chain, f"it is no record of this journal: {error}")
    if record.version > VERSION:
        return Newer(version=record.version)
    if record.sequence != chain.sequence + 1:
        return _corrupt(chain, f"it bears the number {record.sequence}")
    return _corrupt(chain, "it does not continue the record before it")


def _version(json: bytes) -> int:
    """The version of a record whose shape is not ours; 0 when it has none."""
    try:
        return _VERSION_DECODER.decode(json).version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0


def _incomplete(rest: bytes, chain: Chain) -> Tail:
    """Judge bytes without a line end: the beginning of a record, or none that any record has."""
    written = rest.rstrip(b"\0")
    frame = written[:_FRAME]
    # A beginning is one if it can be filled up to a well-formed frame.
    whole_frame = _FRAME_FORM.fullmatch(frame + b"00000000 00000000 "[len(frame) :])
    if whole_frame is None:
        return _corrupt(chain, "the length and checksum before it are malformed")
    if len(written) > _FRAME + int(whole_frame[1], 16) and len(frame) == _FRAME:
        return _corrupt(chain, "no line end where its frame says")
    return Torn()


def _corrupt(chain: Chain, why: str) -> Corrupt:
    return Corrupt(offset=chain.offset, record=chain.sequence + 1, why=why)


def _continued(chain: Chain, json: bytes) -> Chain:
    return Chain(
        sequence=chain.sequence + 1,
        digest=hashlib.sha256(json).hexdigest(),
        offset=chain.offset + _FRAME + len(json) + 1,
    )
