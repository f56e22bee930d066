"""A vault on a small installation, in the documented layout, for the tests of what opens it."""

import base64
import os

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.target import VaultLayout
from tests.recovery.small_cluster import MASTER_KEY, Installation

KEY = base64.b64decode(MASTER_KEY)
LAYOUT = VaultLayout(
    data_keys="SELECT tenant, wrapped FROM keys;", values="SELECT tenant, name, sealed FROM vals"
)


def make_vault(installation: Installation, database: str = "") -> Installation:
    """Make two empty tables for a vault, in the installation's own database unless another is named."""
    with installation.connect(database) as connection:
        connection.execute("CREATE TABLE keys (tenant text PRIMARY KEY, wrapped bytea)")
        connection.execute("CREATE TABLE vals (tenant text, name text, sealed bytea)")
    return installation


def seal_value(key: bytes, plain: bytes, associated: str) -> bytes:
    """As the documented layout has it: nonce, ciphertext, tag."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, associated.encode())


def fill(installation: Installation, *, tenants: int = 3, values: int = 5, key: bytes = KEY) -> None:
    """Put tenants and their values into the vault."""
    with installation.connect() as connection:
        for number in range(tenants):
            tenant, data_key = f"tenant {{name}} {number}", os.urandom(32)
            connection.execute(
                "INSERT INTO keys VALUES (%s, %s)", (tenant, seal_value(key, data_key, tenant))
            )
            rows = [
                (tenant, f"n{n}", seal_value(data_key, b"plain", f"{tenant}/n{n}")) for n in range(values)
            ]
            if rows:
                connection.cursor().executemany("INSERT INTO vals VALUES (%s, %s, %s)", rows)


def scene(installation: Installation, layout: VaultLayout | None = LAYOUT) -> Scene:
    """See the installation with its vault's layout known."""
    return Scene(target=msgspec.structs.replace(installation.target, vault=layout), values={})
