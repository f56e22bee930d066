"""The stand-in's vault: a data key per tenant, wrapped by the master key, and values sealed with it.

AiHummer's own layout is not public. The stand-in's is the default that docs/sandbox.md tells:
AES-256-GCM for both, each as nonce (12 bytes), ciphertext, tag; the wrapped key bound to the
tenant's text, the value to `tenant/name`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.sandbox.seeded import derived

NAMES: Final = (
    "crm/api-token",
    "mail/smtp-password",
    "model/api-key",
    "search/api-key",
    "storage/access-key",
    "webhook/signing-secret",
)
_NONCE: Final = 12


@dataclass(frozen=True, kw_only=True)
class SealedValue:
    """A row of vault_values."""

    tenant: str
    name: str
    sealed: bytes


@dataclass(frozen=True, kw_only=True)
class TenantVault:
    """A tenant's wrapped data key and its values."""

    tenant: str
    wrapped_key: bytes
    values: tuple[SealedValue, ...]


def make_vault(master_key: bytes, *, seed: int, tenants: tuple[str, ...]) -> Iterator[TenantVault]:
    """A vault per tenant. Nonces follow from the seed: fit for a sandbox, never for real secrets."""
    for tenant in tenants:
        data_key = derived(seed, f"data key {tenant}", 32)
        yield TenantVault(
            tenant=tenant,
            wrapped_key=_sealed(
                master_key, data_key, bound_to=tenant, nonce=derived(seed, f"nonce {tenant}", _NONCE)
            ),
            values=tuple(
                SealedValue(
                    tenant=tenant,
                    name=name,
                    sealed=_sealed(
                        data_key,
                        derived(seed, f"secret {tenant}/{name}", 24).hex().encode(),
                        bound_to=f"{tenant}/{name}",
                        nonce=derived(seed, f"nonce {tenant}/{name}", _NONCE),
                    ),
                )
                for name in NAMES
            ),
        )


def _sealed(key: bytes, plaintext: bytes, *, bound_to: str, nonce: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to.encode())
