"""Who sealed a set: an Ed25519 signature (RFC 8032) beside the manifest, against keys that are trusted.

The seal shows damage; only a signature shows forgery. It covers the hash of the whole manifest, which
covers everything else. It is written before the manifest, so that the manifest stays what makes a
folder a backup: a signature alone is nothing.
"""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.backup.set import MANIFEST, BackupSet, document_sha256, seal
from aihummer_drtui.recovery.regular_file import read_regular
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.recovery.trusted_file import read_trusted
from aihummer_drtui.run.recovery_set import Signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE: Final = f"{MANIFEST}.sig"
_LABEL: Final = b"aihummer-drtui backup set manifest v1\n"
_LIMIT: Final = 10_000
_MAKING: Final = "openssl genpkey -algorithm ed25519 -out KEY; openssl pkey -in KEY -pubout -out PUBLIC"


class _Signature(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    """The public key, 64 hexadecimal digits."""
    signature: str
    """128 hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Seals manifests, and signs them where the target has a key for it."""

    key: "Ed25519PrivateKey | None"

    def write(self, folder: Path, manifest: Manifest) -> None:
        """Put signature and then manifest into a set's folder, durably. Raises OSError."""
        self.write_document(folder / MANIFEST, seal(manifest), label=_LABEL)

    def write_document(self, path: Path, document: bytes, *, label: bytes) -> None:
        """Put a signature beside and then the sealing document to `path`, durably. Raises OSError.

        `label` says what kind of document it is, so that no signature serves for another kind.
        """
        if self.key is not None:
            signature = _Signature(
                key=self.key.public_key().public_bytes_raw().hex(),
                signature=self.key.sign(label + document_sha256(document).encode()).hex(),
            )
            write_durably(path.with_name(f"{path.name}.sig"), msgspec.json.encode(signature) + b"\n")
        write_durably(path, document)


def signer_of(target: Target) -> Signer:
    """The target's signer; one without a key seals only.

    Raises PreconditionError when `signing-key` cannot be read, is no Ed25519 key without passphrase, or
    can be read by other accounts.
    """
    if target.signing_key is None:
        return Signer(key=None)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = target.signing_key
    data = read_trusted(path, what="signing key")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PreconditionError(
            "other accounts can use the signing key", where=str(path), hint=f"chmod 600 '{path}'"
        )
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise PreconditionError("is no Ed25519 key without passphrase in PEM", where=str(path), hint=_MAKING)
    return Signer(key=key)


def trusted_keys(target: Target) -> frozenset[str]:
    """The public keys of `trusted-keys`, in hexadecimal.

    Raises PreconditionError when one cannot be read, is no Ed25519 public key, or others can write it.
    """
    return frozenset(_public_key(path) for path in target.trusted_keys)


def _public_key(path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = read_trusted(path, what="trusted key")
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise PreconditionError("is no Ed25519 public key in PEM", where=str(path), hint=_MAKING)
    return key.public_bytes_raw().hex()


def signed_by(backup: BackupSet, trusted: frozenset[str]) -> Signed:
    """Hold the set's signature against its manifest and the trusted keys. Raises nothing."""
    return document_signed_by(backup.path / MANIFEST, backup.sha256, trusted, label=_LABEL)


def document_signed_by(path: Path, sha256: str, trusted: frozenset[str], *, label: bytes) -> Signed:
    """Hold the signature beside a document, whose SHA-256 is given, against the keys. Raises nothing."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        data, _ = read_regular(path.with_name(f"{path.name}.sig"), limit=_LIMIT)
    except FileNotFoundError:
        return Signed.NONE
    except OSError:
        return Signed.WRONG
    try:
        found = msgspec.json.decode(data, type=_Signature)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.key))
        key.verify(bytes.fromhex(found.signature), label + sha256.encode())
    except (ValueError, InvalidSignature):  # MsgspecError is a ValueError
        return Signed.WRONG
    return Signed.TRUSTED if found.key in trusted else Signed.UNKNOWN_KEY


def refuse_untrusted(target: Target, backup: BackupSet) -> Signed:
    """Let pass a set that a trusted key signed, and any set where the target names no trusted keys.

    A missing signature is as bad as a wrong one there: whoever forges a set can leave it out. A wrong
    one is refused everywhere. Raises FailedError.
    """
    trusted = trusted_keys(target)
    found = signed_by(backup, trusted)
    refuse_doubtful(found, trusted, where=backup.path, signature=SIGNATURE)
    return found


def refuse_doubtful(found: Signed, trusted: frozenset[str], *, where: Path, signature: str) -> None:
    """Let pass what `refuse_untrusted` lets pass; `signature` is the name of its file. Raises FailedError."""
    if found is Signed.TRUSTED or (not trusted and found is not Signed.WRONG):
        return
    what = {
        Signed.NONE: "the set is not signed, and target.toml names `trusted-keys`",
        Signed.UNKNOWN_KEY: "the set is signed by a key that target.toml does not trust",
    }.get(found, "the set's signature does not hold: its manifest is not what was signed")
    raise FailedError(
        what,
        where=str(where),
        hint="use a set that you know the origin of; who trusts this one all the same takes `trusted-keys` "
        f"out of target.toml, and {signature} out of the set if it is wrong",
    )
