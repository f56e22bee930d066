"""Secrets taken out of streams: in every form, however the stream is split."""

import base64
import itertools
import json
import re
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.masking import MASK, SHORTEST, MaskedStream, Masker, forms, masker_of

KEY = base64.b64encode(bytes(range(200, 232)))
PASSWORD = b'p@ss w/rd:+%"\\x'
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "raw": lambda secret: secret,
    "base64": base64.b64encode,
    "base64 without padding": lambda secret: base64.b64encode(secret).rstrip(b"="),
    "base64 for URLs": base64.urlsafe_b64encode,
    "base64 in a longer text": lambda secret: base64.b64encode(b"postgres://a:" + secret + b"@host/db"),
    "base64 one further": lambda secret: base64.b64encode(b"postgres://ab:" + secret + b"@host/db"),
    "base64 two further": lambda secret: base64.b64encode(b"postgres://abc:" + secret + b"@host/db"),
    "hex": lambda secret: secret.hex().encode(),
    "HEX": lambda secret: secret.hex().upper().encode(),
    "url": lambda secret: urllib.parse.quote(secret, safe="").encode(),
    "url path": lambda secret: urllib.parse.quote(secret).encode(),
    "url lower": lambda secret: re.sub(
        r"%..", lambda found: found.group().lower(), urllib.parse.quote(secret, safe="")
    ).encode(),
    "url form": lambda secret: urllib.parse.quote_plus(secret).encode(),
    "url all": lambda secret: "".join(f"%{one:02x}" for one in secret).encode(),
    "json": lambda secret: json.dumps(secret.decode()).encode(),
    "json with slashes": lambda secret: json.dumps(secret.decode()).replace("/", "\\/").encode(),
}
SECRETS = st.binary(min_size=SHORTEST, max_size=40) | st.text(min_size=SHORTEST, max_size=30).map(str.encode)


def split_at(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


def streamed(masker: Masker, pieces: list[bytes]) -> bytes:
    """What a stream of these pieces becomes."""
    stream = MaskedStream(masker)
    return b"".join([*map(stream.feed, pieces), stream.finish()])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("secret", [KEY, PASSWORD])
def test_k05_every_form_is_masked_at_every_split(
    secret: bytes, way: str, record_property: Callable[[str, object], None]
) -> None:
    """The border of two reads goes through every byte of the secret, and nothing of it comes out."""
    masker = masker_of([secret])
    told = WAYS[way](secret)
    text = b"before " + told + b" after"
    whole = masker.masked(text)
    assert MASK in whole
    assert told not in whole
    assert not masker.finds_in(whole)
    for cut in range(len(text) + 1):
        assert streamed(masker, [text[:cut], text[cut:]]) == whole
    assert streamed(masker, [text[at : at + 1] for at in range(len(text))]) == whole
    record_property("injections", len(text) + 2)


def test_k05_the_bytes_of_a_key_are_as_secret_as_its_text() -> None:
    """A key is written in base64; a program may print it in hexadecimal, or as it is."""
    key = base64.b64decode(KEY)
    masker = masker_of([KEY])
    for told in (key, key.hex().encode(), base64.urlsafe_b64encode(key), base64.b64encode(b"k=" + key)):
        assert not masker.finds_in(masker.masked(told))
        assert MASK in masker.masked(told)
    assert masker_of([key.hex().encode()]).masked(b"<" + key + b">") == b"<" + MASK + b">"


@given(
    secret=SECRETS, before=st.binary(max_size=20), after=st.binary(max_size=20), cuts=st.lists(st.integers(0))
)
def test_k05_any_secret_in_any_form_at_any_split(
    secret: bytes, before: bytes, after: bytes, cuts: list[int]
) -> None:
    """What comes out of a stream is what comes out of the whole, and holds no form of the secret."""
    masker = masker_of([secret])
    for form in forms(secret):
        text = before + form + after
        assert streamed(masker, split_at(text, cuts)) == masker.masked(text)
        assert MASK in masker.masked(text)


NEEDLES = st.lists(st.text("abc", min_size=1, max_size=6).map(str.encode), min_size=1, max_size=6)


@given(needles=NEEDLES, text=st.text("abc", max_size=60).map(str.encode), cuts=st.lists(st.integers(0)))
def test_k05_secrets_that_overlap_are_masked_alike_however_they_come(
    needles: list[bytes], text: bytes, cuts: list[int]
) -> None:
    """Needles that begin in each other, of an alphabet so small that they always do."""
    masker = Masker(needles)
    assert streamed(masker, split_at(text, cuts)) == masker.masked(text)


@given(text=st.binary(max_size=200), cuts=st.lists(st.integers(0)))
def test_text_without_a_secret_comes_out_as_it_is(text: bytes, cuts: list[int]) -> None:
    """Not a byte of other output is changed, even where it looks like a beginning."""
    masker = Masker([b"\xff\xfe" * 200])
    assert streamed(masker, split_at(text, cuts)) == text
    assert streamed(Masker([]), split_at(text, cuts)) == text


@pytest.mark.parametrize("length", [6, 7, 8, 14, 15, 16, 17, 44])
def test_a_secret_is_found_wherever_it_is_in_memory(length: int) -> None:
    """At every alignment, also at the very end, whatever its length."""
    secret = bytes(range(65, 65 + length))
    masker = Masker([secret])
    for before in range(20):
        for after in range(10):
            text = b"." * before + secret + b"." * after
            assert masker.finds_in(text)
            assert not masker.finds_in(text.replace(secret, secret[1:]))


def test_what_cannot_be_a_beginning_is_passed_on_at_once() -> None:
    """The last line of a quiet command is seen while it runs; only a possible beginning waits."""
    stream = MaskedStream(Masker([b"secret-one"]))
    assert stream.feed(b"copying 12 of 40 ... ") == b"copying 12 of 40 ... "
    assert stream.feed(b"is it se") == b"is it "
    assert stream.feed(b"rious?") == b"serious?"
    assert stream.feed(b"secret-on") == b""
    assert stream.finish() == b"secret-on"


def test_a_stream_keeps_little_in_memory() -> None:
    """A flood of nothing but beginnings is passed on all the same."""
    stream = MaskedStream(Masker([b"aaaaaaaab"]))
    given_out = sum(len(stream.feed(b"a" * 65_536)) for _ in range(16))
    assert given_out >= 16 * 65_536 - 18


def test_too_short_a_value_is_no_secret_to_mask() -> None:
    """A password of three letters would make a log unreadable; docs/security.md says so."""
    assert masker_of([b"the", b""]).needles == ()


def test_text_is_masked_as_bytes_are() -> None:
    """Also text with bytes that are no UTF-8, which stays as it was."""
    masker = masker_of([PASSWORD])
    assert masker.masked_text(f"a {PASSWORD.decode()} \udcff") == "a [secret] \udcff"
    assert masker.masked_text("nothing \udcff") == "nothing \udcff"
