"""The master key: proven before it is written, never replaced unasked, never shown."""

import base64
import io
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.key.check import look_at_escrow, look_at_master_key, probe_key
from aihummer_drtui.recovery.key.escrow import parse_escrow, read_escrow
from aihummer_drtui.recovery.key.fingerprints import (
    key_fingerprint,
    media_token_fingerprint,
    parse_master_key,
)
from aihummer_drtui.recovery.key.restore import KeyRestored, restore_key
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET

OTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()


class Desk:
    """An escrow, a sealed set and a gateway.env to be written."""

    def __init__(self, folder: Path) -> None:
        self.env = folder / "etc" / "gateway.env"
        self.escrow = folder / "escrow"
        self.set = sealed_set(folder / "set")
        self.target = Target(gateway_env=self.env)
        self.env.parent.mkdir()
        self.put_escrow(f"AIHUMMER_MASTER_KEY={MASTER_KEY}\nAIHUMMER_MEDIA_TOKEN_SECRET={MEDIA_SECRET}\n")

    def put_escrow(self, text: str) -> None:
        """Write another escrow."""
        self.escrow.write_text(text)
        self.escrow.chmod(0o600)

    @property
    def scene(self) -> Scene:
        """What checks and the probe see."""
        return Scene(target=self.target, values={"BACKUP_SET": str(self.set), "KEY_FILE": str(self.escrow)})

    def restore(self, *, replace: bool = False) -> KeyRestored:
        """Restore from the escrow."""
        sealed = open_set(self.set).manifest
        return restore_key(self.target, read_escrow(str(self.escrow)), sealed=sealed, replace=replace)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give a desk on which nothing was done yet."""
    return Desk(tmp_path)


@given(st.binary(min_size=32, max_size=32))
def test_every_key_is_read_from_its_base64(key: bytes) -> None:
    """Strict reading refuses no real key, and the fingerprint is 16 hexadecimal digits."""
    assert parse_master_key(base64.b64encode(key).decode(), where="") == key
    assert len(key_fingerprint(key)) == 16


@given(st.text(max_size=100))
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    """Whatever it is: a message, no crash, and no secret in the message."""
    with pytest.raises(PreconditionError) as refused:
        parse_master_key(text, where="there")
    assert len(text) < 12 or text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (base64.b64encode(b"k" * 31).decode(), "31 bytes instead of 32"),
        (base64.b64encode(b"k" * 33).decode(), "33 bytes"),
        ("6b" * 32, "hexadecimal"),
        (MASTER_KEY.rstrip("="), "no base64"),
        (MASTER_KEY + "\n" + MASTER_KEY, "no base64"),
        (MASTER_KEY[:-2] + "Z=", "last letter"),
        (MASTER_KEY[:20] + "-_" + MASTER_KEY[22:], "no base64"),
    ],
)
def test_the_usual_slips_are_named(text: str, what: str) -> None:
    """A key of 31 bytes, in hexadecimal, without padding, URL-safe, mistyped."""
    with pytest.raises(PreconditionError, match=what):
        parse_master_key(text, where="there")


def test_fingerprints_are_those_of_the_format() -> None:
    """Sets sealed today must compare equal in years: the labels and the length never change."""
    assert key_fingerprint(b"0123456789abcdef0123456789abcdef") == "5a3485b4e6104acd"
    assert media_token_fingerprint("secret") == "0326ec598b867ee8"


def test_a_new_file_gets_key_secret_and_the_rest_of_the_escrow(desk: Desk) -> None:
    """Mode 0600, read back, and the probe agrees before and after."""
    desk.put_escrow(desk.escrow.read_text() + "AIHUMMER_INBOUND_SECRET='in bound'\n")
    assert probe_key(desk.scene).result is ProbeResult.NOT_DONE
    done = desk.restore()
    assert stat.S_IMODE(desk.env.stat().st_mode) == 0o600
    assert desk.env.read_text().splitlines() == [
        f"AIHUMMER_MASTER_KEY={MASTER_KEY}",
        f"AIHUMMER_MEDIA_TOKEN_SECRET={MEDIA_SECRET}",
        "AIHUMMER_INBOUND_SECRET='in bound'",
    ]
    assert (done.kept_beside, done.warnings) == (None, ())
    assert probe_key(desk.scene).result is ProbeResult.DONE
    assert look_at_master_key(desk.scene).verdict is Verdict.PASSED


def test_a_second_restore_writes_nothing(desk: Desk) -> None:
    """Running it again after a doubtful outcome is safe."""
    desk.restore()
    before = desk.env.stat()
    assert desk.restore().written == ()
    assert desk.env.stat() == before


def test_what_is_there_is_kept(desk: Desk) -> None:
    """Comments, order and variables that differ from the escrow's, the new host's own database among them."""
    desk.put_escrow(desk.escrow.read_text() + "AIHUMMER_DATABASE_URL=postgres://old/old\n")
    desk.env.write_text("# ours\nAIHUMMER_DATABASE_URL=postgres://new/new\nAIHUMMER_MASTER_KEY=\n")
    assert desk.restore().written == ("AIHUMMER_MASTER_KEY", "AIHUMMER_MEDIA_TOKEN_SECRET")
    assert desk.env.read_text().startswith(
        f"# ours\nAIHUMMER_DATABASE_URL=postgres://new/new\nAIHUMMER_MASTER_KEY={MASTER_KEY}\n"
    )


def test_k01_the_wrong_key_is_refused_before_anything_is_written(desk: Desk) -> None:
    """K01: right length, wrong key; even with --replace."""
    desk.put_escrow(OTHER_KEY)
    with pytest.raises(PreconditionError, match="wrong key") as refused:
        desk.restore(replace=True)
    assert not desk.env.exists()
    assert OTHER_KEY not in str(refused.value)
    seen = look_at_escrow(desk.scene)
    assert (seen.verdict, "wrong key" in seen.observed) == (Verdict.FAILED, True)


@pytest.mark.parametrize("there", [OTHER_KEY, MASTER_KEY[:30]])
def test_k01_another_key_is_replaced_only_when_said(desk: Desk, there: str) -> None:
    """And then the former file is kept beside, private."""
    desk.env.write_text(f"AIHUMMER_MASTER_KEY={there}\n")
    with pytest.raises(PreconditionError, match="another AIHUMMER_MASTER_KEY"):
        desk.restore()
    assert desk.env.read_text() == f"AIHUMMER_MASTER_KEY={there}\n"
    assert look_at_master_key(desk.scene).verdict is Verdict.FAILED
    assert probe_key(desk.scene).result is ProbeResult.NOT_DONE
    done = desk.restore(replace=True)
    assert done.kept_beside is not None
    assert done.kept_beside.read_text() == f"AIHUMMER_MASTER_KEY={there}\n"
    assert stat.S_IMODE(done.kept_beside.stat().st_mode) == 0o600
    assert look_at_master_key(desk.scene).verdict is Verdict.PASSED


def test_a_damaged_line_that_gives_way_is_kept_beside(desk: Desk) -> None:
    """Cut off, it reads as absent; what was there may be all that is left of a key."""
    damaged = f'AIHUMMER_MASTER_KEY="{OTHER_KEY[:30]}\n'
    desk.env.write_text(damaged)
    done = desk.restore()
    assert done.kept_beside is not None
    assert done.kept_beside.read_text() == damaged


def test_no_copy_with_secrets_is_made_for_a_link(desk: Desk, tmp_path: Path) -> None:
    """The link is refused first; ten tries leave no ten copies."""
    elsewhere = tmp_path / "elsewhere.env"
    elsewhere.write_text(f"AIHUMMER_MASTER_KEY={OTHER_KEY}\n")
    desk.env.symlink_to(elsewhere)
    with pytest.raises(PreconditionError, match="regular file"):
        desk.restore(replace=True)
    assert list(desk.env.parent.iterdir()) == [desk.env]


def test_k10_a_missing_media_secret_is_told_with_its_effect(desk: Desk) -> None:
    """K10: whatever the set knows, when the key is written and when the escrow is looked at."""
    desk.put_escrow(MASTER_KEY)
    effect = "no AIHUMMER_MEDIA_TOKEN_SECRET: media URLs signed before the loss will not open"
    assert effect in look_at_escrow(desk.scene).warnings[0]
    assert effect in desk.restore().warnings[-1]
    desk.env.unlink()
    assert effect in restore_key(desk.target, read_escrow(str(desk.escrow)), sealed=None).warnings[-1]
    desk.env.write_text(f"AIHUMMER_MEDIA_TOKEN_SECRET={MEDIA_SECRET}\n")
    assert desk.restore().warnings == ()


def test_k10_an_outdated_media_secret_does_not_replace_the_sealed_one(desk: Desk) -> None:
    """The one that is there is proven; the escrow's is only newer or older."""
    desk.put_escrow(f"AIHUMMER_MASTER_KEY={MASTER_KEY}\nAIHUMMER_MEDIA_TOKEN_SECRET=outdated\n")
    desk.env.write_text(f"AIHUMMER_MEDIA_TOKEN_SECRET={MEDIA_SECRET}\n")
    done = desk.restore()
    assert done.written == ("AIHUMMER_MASTER_KEY",)
    assert "not the one sealed" in done.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AIHUMMER_MASTER_KEY=\n",
        "A=1\n",
        "AIHUMMER_MASTER_KEY='half",
        MASTER_KEY[:40],
        "AIHUMMER_MASTER_KEY=short\n",
    ],
)
def test_half_an_escrow_is_refused(desk: Desk, text: str) -> None:
    """Nothing is written from a file that was cut off."""
    desk.put_escrow(text)
    with pytest.raises(PreconditionError):
        desk.restore()
    assert not desk.env.exists()
    assert look_at_escrow(desk.scene).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    "text", [MASTER_KEY, f"  {MASTER_KEY}\n\n", f"export AIHUMMER_MASTER_KEY='{MASTER_KEY}'"]
)
def test_a_bare_key_is_an_escrow_too(text: str) -> None:
    """As `openssl rand -base64 32 > file` leaves it."""
    assert parse_escrow(text.encode(), where="").key_text == MASTER_KEY


def test_an_escrow_comes_through_a_pipe(desk: Desk, tmp_path: Path) -> None:
    """`--from <(gpg -d …)` works; a check that looks often refuses to wait on it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(MASTER_KEY))
    writer.start()
    assert read_escrow(str(pipe)).key_text == MASTER_KEY
    writer.join()
    with pytest.raises(PreconditionError, match="regular file"):
        read_escrow(str(pipe), only_files=True)


def test_an_escrow_comes_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--from -`, so that it need not touch a disk."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MASTER_KEY.encode())))
    assert read_escrow("-").key_text == MASTER_KEY


def test_an_escrow_that_others_can_read_is_warned_about(desk: Desk) -> None:
    """It is used all the same: in an outage the key matters more."""
    desk.escrow.chmod(0o644)
    assert "chmod 600" in desk.restore().warnings[0]


def test_no_secret_is_in_a_repr(desk: Desk) -> None:
    """An escrow and the result of a restore can be logged."""
    desk.put_escrow(desk.escrow.read_text() + "AIHUMMER_INBOUND_SECRET=canary-1\n")
    text = repr(read_escrow(str(desk.escrow))) + repr(desk.restore())
    assert not [secret for secret in (MASTER_KEY, MEDIA_SECRET, "canary-1") if secret in text]


def test_without_a_set_nothing_is_proven(desk: Desk) -> None:
    """Well formed is not the same as right."""
    desk.restore()
    bare = Scene(target=desk.target, values={"KEY_FILE": str(desk.escrow)})
    assert look_at_master_key(bare).verdict is Verdict.UNPROVEN
    assert look_at_escrow(bare).verdict is Verdict.UNPROVEN
    assert look_at_escrow(Scene(target=desk.target, values={})).verdict is Verdict.UNPROVEN
    assert probe_key(bare).result is ProbeResult.DONE
    assert probe_key(Scene(target=desk.target, values={})).result is ProbeResult.UNKNOWN


def test_a_placeholder_key_is_warned_about(desk: Desk) -> None:
    """32 times the same byte is nobody's random key."""
    desk.env.write_text(f"AIHUMMER_MASTER_KEY={base64.b64encode(bytes(32)).decode()}\n")
    assert "placeholder" in look_at_master_key(desk.scene).warnings[0]
