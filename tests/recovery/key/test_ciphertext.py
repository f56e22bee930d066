"""A ciphertext is taken apart as its form says, opens with its own key, and with no other."""

import base64
import os
from itertools import permutations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.recovery.key.ciphertext import (
    TAG_BYTES,
    MisshapenError,
    Part,
    columns_of,
    decrypted,
    filled,
    parts_of,
    taken_apart,
)
from aihummer_drtui.recovery.target import CiphertextForm, Encoding

LAYOUTS = [
    "+".join(order)
    for count in range(3)
    for apart in permutations(["nonce", "tag"], count)
    for order in permutations(["ciphertext", *apart])
]


def sealed_as(
    form: CiphertextForm, key: bytes, plain: bytes, associated: bytes, prefix: bytes
) -> list[object]:
    """The columns of a ciphertext in any form: the opposite of what is tested, written by another way."""
    nonce = os.urandom(form.nonce_bytes)
    whole = AESGCM(key).encrypt(nonce, plain, associated)
    pieces = {"nonce": nonce, "ciphertext": whole[:-TAG_BYTES], "tag": whole[-TAG_BYTES:]}
    words = form.layout.split("+")
    columns = [prefix + b"".join(pieces[word] for word in words)]
    columns += [pieces[word] for word in ("nonce", "tag") if word not in words]
    return [written(column, form.encoding) for column in columns]


def written(data: bytes, encoding: Encoding) -> object:
    """Bytes as a column holds them; base64 as PostgreSQL breaks it, base64url as JOSE leaves the = out."""
    return {
        Encoding.BYTEA: data,
        Encoding.HEX: "\\x" + data.hex(),
        Encoding.BASE64: base64.encodebytes(data).decode(),
        Encoding.BASE64URL: base64.urlsafe_b64encode(data).decode().rstrip("="),
    }[encoding]


forms = st.builds(
    CiphertextForm,
    layout=st.sampled_from(LAYOUTS),
    encoding=st.sampled_from(Encoding),
    nonce_bytes=st.integers(8, 24),
    prefix_bytes=st.integers(0, 4),
)
keys = st.binary(min_size=32, max_size=32)


@given(forms, keys, keys, st.binary(max_size=50), st.data())
def test_what_was_sealed_opens_with_its_key_and_no_other(
    form: CiphertextForm, key: bytes, other: bytes, plain: bytes, data: st.DataObject
) -> None:
    """Whatever the form; and with the associated data it was sealed with, the prefix among them."""
    prefix = data.draw(st.binary(min_size=form.prefix_bytes, max_size=form.prefix_bytes))
    associated = filled("{prefix}/{tenant}", {"prefix": prefix, "tenant": b"t"})
    columns = sealed_as(form, key, plain, associated, prefix)
    assert len(columns) == columns_of(form)
    apart = taken_apart(form, columns)
    assert apart is not None
    assert apart.prefix == prefix
    assert decrypted(key, apart, associated) == plain
    assert decrypted(key, apart, associated + b"x") is None
    assert key == other or decrypted(other, apart, associated) is None


@given(forms, keys, st.binary(min_size=1, max_size=50), st.data())
def test_no_changed_bit_is_taken_for_the_truth(
    form: CiphertextForm, key: bytes, plain: bytes, data: st.DataObject
) -> None:
    """In any column; only the prefix, which nobody authenticates unless {prefix} says so, may differ."""
    whole = CiphertextForm(layout=form.layout, nonce_bytes=form.nonce_bytes, prefix_bytes=form.prefix_bytes)
    columns = sealed_as(whole, key, plain, b"", b"v" * form.prefix_bytes)
    which = data.draw(st.integers(0, len(columns) - 1))
    column = columns[which]
    assert isinstance(column, bytes)
    changed = bytearray(column)
    at = data.draw(st.integers(whole.prefix_bytes if which == 0 else 0, len(changed) - 1))
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    columns[which] = bytes(changed)
    assert decrypted(key, taken_apart(whole, columns), b"") is None
    columns[which] = bytes(changed[:-1])
    assert decrypted(key, taken_apart(whole, columns), b"") is None


@given(forms, st.data())
def test_columns_of_any_content_are_opened_or_refused(form: CiphertextForm, data: st.DataObject) -> None:
    """What a database holds is not trusted to be anything: no crash, and nothing opens."""
    some = st.one_of(st.none(), st.binary(max_size=80), st.text(max_size=80), st.integers())
    columns = data.draw(st.lists(some, min_size=columns_of(form), max_size=columns_of(form)))
    try:
        apart = taken_apart(form, columns)
    except MisshapenError:
        return
    assert decrypted(bytes(32), apart, b"") is None


def test_the_default_is_nonce_ciphertext_tag() -> None:
    """As AES-GCM libraries write it, and as target.toml files without a layout mean it."""
    assert parts_of(CiphertextForm().layout) == (Part.NONCE, Part.CIPHERTEXT, Part.TAG)


@pytest.mark.parametrize("layout", ["", "nonce", "nonce+tag", "ciphertext+ciphertext", "iv+ciphertext", "+"])
def test_a_layout_that_means_nothing_is_refused(layout: str) -> None:
    """Before any ciphertext is looked at."""
    with pytest.raises(ValueError, match="must be ciphertext and"):
        parts_of(layout)


def test_associated_data_is_filled_in_once() -> None:
    """A tenant called `{name}` stays what it is called."""
    assert filled("{tenant}/{name}", {"tenant": b"{name}", "name": b"n"}) == b"{name}/n"
