"""A signature tells who sealed a set; where it is asked for, nothing else will do."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BackupSet, open_set
from aihummer_drtui.recovery.backup.signature import (
    SIGNATURE,
    refuse_untrusted,
    signed_by,
    signer_of,
    trusted_keys,
)
from aihummer_drtui.recovery.backup.verify import look_at_set, verify_backup
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.restore import restore_database
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.recovery_set import Signed
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.sealing import MANIFEST_OF_TESTS, sealed_set
from tests.recovery.small_cluster import Installation


@dataclass(frozen=True, kw_only=True)
class Keys:
    """A pair of key files."""

    private: Path
    public: Path


def make_keys(folder: Path, name: str = "signing") -> Keys:
    """As `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()))
    private.chmod(0o600)
    public.write_bytes(key.public_key().public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo))
    return Keys(private=private, public=public)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Give the keys of a backup host."""
    return make_keys(tmp_path)


@pytest.fixture
def signed(tmp_path: Path, keys: Keys) -> BackupSet:
    """Give a set signed with them."""
    folder = tmp_path / "set"
    folder.mkdir()
    signer_of(Target(signing_key=keys.private)).write(folder, MANIFEST_OF_TESTS)
    return open_set(folder)


def test_a_signature_of_a_trusted_key_is_told_from_another(
    signed: BackupSet, keys: Keys, tmp_path: Path
) -> None:
    """A good signature of nobody known proves nothing."""
    ours = Target(trusted_keys=(keys.public,))
    others = Target(trusted_keys=(make_keys(tmp_path, "other").public,))
    assert refuse_untrusted(ours, signed) is Signed.TRUSTED
    assert refuse_untrusted(Target(), signed) is Signed.UNKNOWN_KEY
    with pytest.raises(FailedError, match="does not trust"):
        refuse_untrusted(others, signed)


def test_a_set_sealed_anew_does_not_keep_its_signature(signed: BackupSet, keys: Keys) -> None:
    """The forger can make a sound seal, not a signature; it is refused even where no key is trusted."""
    sealed_set(signed.path, key_fingerprint="0" * 16)
    forged = open_set(signed.path)
    assert signed_by(forged, trusted_keys(Target(trusted_keys=(keys.public,)))) is Signed.WRONG
    with pytest.raises(FailedError, match="does not hold"):
        refuse_untrusted(Target(), forged)


def test_a_signature_that_was_left_out_is_refused_where_keys_are_trusted(
    signed: BackupSet, keys: Keys
) -> None:
    """Else the forger would leave it out."""
    (signed.path / SIGNATURE).unlink()
    assert refuse_untrusted(Target(), signed) is Signed.NONE
    with pytest.raises(FailedError, match="not signed"):
        refuse_untrusted(Target(trusted_keys=(keys.public,)), signed)
    scene = Scene(target=Target(trusted_keys=(keys.public,)), values={"BACKUP_SET": str(signed.path)})
    assert look_at_set(scene).verdict is Verdict.FAILED


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"key":"00","signature":"zz"}', b"x" * 20_000])
def test_a_signature_that_cannot_be_read_is_wrong(signed: BackupSet, content: bytes) -> None:
    """Never taken for unsigned."""
    (signed.path / SIGNATURE).write_bytes(content)
    assert signed_by(signed, frozenset()) is Signed.WRONG
    (signed.path / SIGNATURE).unlink()
    os.mkfifo(signed.path / SIGNATURE)
    assert signed_by(signed, frozenset()) is Signed.WRONG


def test_a_signing_key_that_others_can_read_is_refused(keys: Keys) -> None:
    """Who can read it can sign."""
    keys.private.chmod(0o640)
    with pytest.raises(PreconditionError, match="other accounts"):
        signer_of(Target(signing_key=keys.private))


def test_keys_of_another_kind_are_refused(keys: Keys, tmp_path: Path) -> None:
    """With the commands that make the right ones."""
    wrong = tmp_path / "ec.pem"
    wrong.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()
        )
    )
    wrong.chmod(0o600)
    for path in (wrong, keys.public):
        path.chmod(0o600)
        with pytest.raises(PreconditionError) as raised:
            signer_of(Target(signing_key=path))
        assert "ed25519" in raised.value.hint
    with pytest.raises(PreconditionError, match="no Ed25519 public key"):
        trusted_keys(Target(trusted_keys=(keys.private,)))


@pytest.mark.postgres
def test_a_forged_set_is_neither_verified_nor_restored(installation: Installation, keys: Keys) -> None:
    """The live database is as it was."""
    target = msgspec.structs.replace(
        installation.target, signing_key=keys.private, trusted_keys=(keys.public,)
    )
    backup = create_backup(target, installation.root / "backups", Reporter.silent())
    assert verify_backup(target, backup, Reporter.silent()).signed is Signed.TRUSTED
    (backup.path / SIGNATURE).unlink()
    with pytest.raises(FailedError, match="not signed"):
        verify_backup(target, backup, Reporter.silent())
    with pytest.raises(FailedError, match="not signed"):
        restore_database(target, backup, confirm=owner_of(target).phrase, mode="", reporter=Reporter.silent())
    assert installation.databases() == [installation.name]
