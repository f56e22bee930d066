"""The escrow under a passphrase: it opens with the one, and with nothing else, and harms nobody."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError, UsageError
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.key.check import look_at_escrow
from aihummer_drtui.recovery.key.escrow import EscrowSealedError, escrow_text, parse_escrow, read_escrow
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.key.sealed_escrow import (
    HIGHEST,
    Cost,
    is_sealed,
    open_escrow,
    read_header,
    seal_escrow,
)
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET

CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
PASSPHRASE = "nine blue herons over the canary weir"
FINGERPRINT = key_fingerprint(parse_master_key(MASTER_KEY, where="tests"))
CONTENT = escrow_text({"AIHUMMER_MASTER_KEY": MASTER_KEY, "AIHUMMER_MEDIA_TOKEN_SECRET": MEDIA_SECRET})


def sealed(content: bytes = CONTENT, fingerprint: str = FINGERPRINT) -> bytes:
    """A sealed escrow that is cheap to open."""
    return seal_escrow(content, PASSPHRASE, key_fingerprint=fingerprint, created="2026-01-01", cost=CHEAP)


def resealed(data: bytes, line: int, text: str) -> bytes:
    """The escrow with another line in it and a checksum that fits, as a stranger would make it."""
    import hashlib

    lines = data.decode().splitlines()
    lines[line] = text
    body = f"{lines[0]}\n{lines[1]}\n" + "".join(lines[2:-1])
    return "\n".join([*lines[:-1], f"sha256 {hashlib.sha256(body.encode()).hexdigest()}"]).encode()


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_what_was_sealed_comes_back(content: bytes) -> None:
    """Whatever its length, and also after a mail program gave it the line ends of another system."""
    data = sealed(content)
    assert open_escrow(data, PASSPHRASE, where="") == content
    assert open_escrow(data.replace(b"\n", b"\r\n") + b"\r\n", PASSPHRASE, where="") == content


def test_the_default_costs_what_it_says() -> None:
    """Argon2id with 256 MiB and three passes, as the header tells."""
    data = seal_escrow(CONTENT, PASSPHRASE, key_fingerprint=FINGERPRINT, created="2026-01-01")
    assert read_header(data, where="").cost == Cost(memory_kib=262_144, iterations=3, lanes=4)
    assert open_escrow(data, PASSPHRASE, where="") == CONTENT


def test_an_escrow_of_format_1_opens_in_years() -> None:
    """A file that was written by the first version; it must never stop opening."""
    kept = Path(__file__).with_name("escrow-format-1.txt").read_bytes()
    assert parse_escrow(open_escrow(kept, PASSPHRASE, where=""), where="").key_text == MASTER_KEY


def test_nothing_of_the_content_is_in_the_file() -> None:
    """Nor twice the same bytes for the same content."""
    data = sealed()
    assert MASTER_KEY.encode() not in data
    assert sealed().splitlines()[2] != data.splitlines()[2]


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE + " ", PASSPHRASE.upper()])
def test_k08_a_wrong_passphrase_opens_nothing_and_is_not_repeated(passphrase: str) -> None:
    """K08: said in those words."""
    with pytest.raises(PreconditionError, match="this passphrase") as refused:
        open_escrow(sealed(), passphrase, where="there")
    assert "herons" not in str(refused.value).lower()


@pytest.mark.parametrize(
    "cost",
    [
        {"memory-kib": 4_294_967_295, "iterations": 1, "lanes": 1},
        {"memory-kib": HIGHEST.memory_kib + 1, "iterations": 1, "lanes": 1},
        {"memory-kib": 64, "iterations": 4_294_967_295, "lanes": 1},
        {"memory-kib": 100_000, "iterations": 1, "lanes": 10_000},
        {"memory-kib": 0, "iterations": 0, "lanes": 0},
        {"memory-kib": -1, "iterations": 1, "lanes": 1},
        {"memory-kib": 10**40, "iterations": 1, "lanes": 1},
    ],
)
def test_k08_absurd_parameters_fail_at_once(cost: dict[str, int]) -> None:
    """K08: a hostile header costs neither memory nor time."""
    data = sealed()
    header = json.loads(data.splitlines()[1])
    started = time.monotonic()
    with pytest.raises(PreconditionError):
        open_escrow(resealed(data, 1, json.dumps(header | {"cost": cost})), PASSPHRASE, where="")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "change",
    [
        {"kdf": "scrypt"},
        {"cipher": "none"},
        {"salt": "AAAA"},
        {"nonce": ""},
        {"salt": 1},
        {"more": 1},
        {"created": "2020-01-01"},
        {"key-fingerprint": "0" * 16},
    ],
)
def test_k08_a_changed_header_is_refused(change: dict[str, object]) -> None:
    """All of it is authenticated, what is only told included."""
    data = sealed()
    header = json.dumps(json.loads(data.splitlines()[1]) | change)
    with pytest.raises(PreconditionError):
        open_escrow(resealed(data, 1, header), PASSPHRASE, where="")


def test_k08_damage_is_told_from_a_wrong_passphrase() -> None:
    """Every byte, flipped; every length, cut: refused without a computation, and told as damage."""
    data = sealed()
    for at in range(len(data) - 1):
        flipped = bytearray(data)
        flipped[at] ^= 0x01
        with pytest.raises(PreconditionError, match=r"damaged|format"):
            open_escrow(bytes(flipped), PASSPHRASE, where="")
        with pytest.raises(PreconditionError, match=r"damaged|format"):
            open_escrow(data[:at], PASSPHRASE, where="")


def test_a_format_of_the_future_is_named() -> None:
    """It is not taken for damage."""
    with pytest.raises(PreconditionError, match="does not know"):
        open_escrow(resealed(sealed(), 0, "aihummer-drtui key escrow 2"), PASSPHRASE, where="")


def test_a_passphrase_that_is_no_text_is_refused() -> None:
    """Bytes that a terminal of another encoding gave; the bytes are not repeated."""
    with pytest.raises(UsageError, match="UTF-8"):
        open_escrow(sealed(), os.fsdecode(b"\xff\xfe"), where="")


def test_reading_asks_for_the_passphrase_only_where_there_is_one(tmp_path: Path) -> None:
    """A plain escrow is read without asking; a sealed one with nobody to ask says what to do."""
    file = tmp_path / "escrow"
    file.write_bytes(sealed())
    file.chmod(0o600)
    assert read_escrow(str(file), passphrase=lambda: PASSPHRASE).key_text == MASTER_KEY
    with pytest.raises(EscrowSealedError, match="recover"):
        read_escrow(str(file))
    file.write_bytes(CONTENT)
    assert not is_sealed(CONTENT)
    assert read_escrow(str(file), passphrase=lambda: pytest.fail("asked")).key_text == MASTER_KEY


def test_a_check_takes_a_closed_escrow_at_its_word_only_against_it(tmp_path: Path) -> None:
    """Another key by its own word is a failure; the right one is unproven until it was opened."""
    file = tmp_path / "escrow"
    values = {"KEY_FILE": str(file), "BACKUP_SET": str(sealed_set(tmp_path / "set"))}
    scene = Scene(target=Target(), values=values)
    file.write_bytes(sealed())
    seen = look_at_escrow(scene)
    assert (seen.verdict, "recover" in seen.hint) == (Verdict.UNPROVEN, True)
    file.write_bytes(sealed(fingerprint="0" * 16))
    assert look_at_escrow(scene).verdict is Verdict.FAILED
    file.write_bytes(sealed()[:-9])
    assert look_at_escrow(scene).verdict is Verdict.FAILED
