"""Known secrets taken out of what is stored or shown: in raw, base64, hexadecimal, URL and JSON form.

The supervisor of commands runs this in a bare interpreter: it imports only what is needed to mask, and
`forms` what it needs beyond that at use. A masked stream equals the masked whole, however it is split.
"""

import re
import sys
from collections.abc import Iterable, Iterator

MASK = b"[secret]"
SHORTEST = 6
"""Bytes; a shorter value stands in ordinary text by chance, and masking it would make that unreadable."""
_NESTED = 16
"""Bytes; a secret that is the base64 or hexadecimal text of at least so many is masked as those bytes too."""

_WORD = 8
_HOLDS_A_WORD = 2 * _WORD - 1
"""Bytes that hold a whole word, however it is aligned."""


class Masker:
    """Takes a fixed set of byte strings out of text; what overlaps goes by the leftmost, then the longest."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._needles = tuple(sorted({one for one in needles if one}, key=lambda one: (-len(one), one)))
        self._pattern = re.compile(b"|".join(map(re.escape, self._needles)) or b"(?!)")
        self._longest = len(self._needles[0]) if self._needles else 0
        self._short = tuple(one for one in self._needles if len(one) < _HOLDS_A_WORD)
        self._words = frozenset(_words_of(one for one in self._needles if len(one) >= _HOLDS_A_WORD))
        self._by_first: dict[int, list[bytes]] = {}
        for needle in self._needles:
            self._by_first.setdefault(needle[0], []).append(needle)

    @property
    def needles(self) -> tuple[bytes, ...]:
        """All of them, the longest first."""
        return self._needles

    def finds_in(self, data: bytes) -> bool:
        """Whether any of them stands in the data."""
        # A hundred searches would slow down a command that floods. Wherever a long needle begins, it holds
        # a whole aligned word: where no word of the data is one of a needle's, no needle is there.
        if any(needle in data for needle in self._short):
            return True
        if self._words.isdisjoint(memoryview(data)[: len(data) // _WORD * _WORD].cast("Q")):
            return False
        return any(needle in data for needle in self._needles)

    def masked(self, data: bytes) -> bytes:
        """The data with `MASK` in the place of each."""
        return self._pattern.sub(MASK, data) if self.finds_in(data) else data

    def masked_text(self, text: str) -> str:
        """The same for text."""
        data = text.encode("utf-8", "surrogateescape")
        return self.masked(data).decode("utf-8", "surrogateescape") if self.finds_in(data) else text

    def settled_until(self, data: bytes) -> int:
        """How much of the data can be masked now, whatever comes after it."""
        cut = self._begun_at(data)
        if cut < len(data) and self.finds_in(data):
            for found in self._pattern.finditer(data):
                if found.start() < cut < found.end():
                    return found.start()
        return cut

    def _begun_at(self, data: bytes) -> int:
        """Where the longest end of the data begins that a needle goes on from; its length = nowhere."""
        for start in range(max(0, len(data) - self._longest + 1), len(data)):
            candidates = self._by_first.get(data[start], ())
            if candidates and any(one.startswith(data[start:]) for one in candidates):
                return start
        return len(data)


def _words_of(needles: Iterable[bytes]) -> Iterator[int]:
    for needle in needles:
        for start in range(len(needle) - _WORD + 1):
            yield int.from_bytes(needle[start : start + _WORD], sys.byteorder)


class MaskedStream:
    """One stream, masked as it comes. It keeps back only what may be the beginning of a secret."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """Take what came, and give what can be passed on."""
        data = self._kept + data
        until = self._masker.settled_until(data)
        self._kept = data[until:]
        return self._masker.masked(data[:until])

    def finish(self) -> bytes:
        """Give what was kept back: nothing comes after it."""
        rest, self._kept = self._masker.masked(self._kept), b""
        return rest


def masker_of(secrets: Iterable[bytes]) -> Masker:
    """What masks these secrets in every form; those shorter than `SHORTEST` are left out."""
    return Masker(form for secret in secrets if len(secret) >= SHORTEST for form in forms(secret))


def forms(secret: bytes) -> frozenset[bytes]:
    """Every form in which a secret is looked for."""
    return frozenset(form for value in (secret, *_bytes_behind(secret)) for form in _forms_of(value))


def _bytes_behind(secret: bytes) -> Iterator[bytes]:
    """The bytes of which the secret is the text: a key is written in base64, and is other bytes itself."""
    import base64
    import binascii
    import contextlib

    standard = secret.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    with contextlib.suppress(binascii.Error, ValueError):
        found = base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
        if len(found) >= _NESTED:
            yield found
    with contextlib.suppress(binascii.Error, ValueError):
        found = binascii.unhexlify(secret)
        if len(found) >= _NESTED:
            yield found


def _forms_of(value: bytes) -> Iterator[bytes]:
    yield value
    digits = value.hex().encode()
    yield from (digits, digits.upper())
    yield from _base64_of(value)
    yield from _url_of(value)
    yield from _json_of(value)


def _base64_of(value: bytes) -> Iterator[bytes]:
    """As it stands in base64 of itself, and of a longer text, where it may begin at any of three places.

    There only the characters are taken that nothing but the value decides (RFC 4648, section 4).
    """
    import base64

    for encoded in (base64.b64encode, base64.urlsafe_b64encode):
        yield encoded(value)
        for before, undecided in ((0, 0), (1, 2), (2, 3)):
            yield encoded(bytes(before) + value)[undecided : (before + len(value)) * 8 // 6]


def _url_of(value: bytes) -> Iterator[bytes]:
    from urllib.parse import quote, quote_from_bytes, quote_plus

    upper = re.compile(rb"%[0-9A-F]{2}")
    for text in (
        quote_from_bytes(value, safe=""),
        quote(value, safe="/"),
        quote_plus(value),
        "".join(f"%{one:02X}" for one in value),
    ):
        yield text.encode()
        yield upper.sub(lambda found: found.group().lower(), text.encode())


def _json_of(value: bytes) -> Iterator[bytes]:
    import json

    try:
        text = value.decode()
    except UnicodeDecodeError:
        return
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        # A slash may be escaped too, and PHP does so (RFC 8259, section 7).
        yield from (written.encode(), written.replace("/", "\\/").encode())
