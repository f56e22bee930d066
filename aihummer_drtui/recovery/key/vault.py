"""Whether the vault opens: the restored ciphertexts with the restored key, by authenticated decryption.

KNOWN: the master key wraps a data key per tenant; values are AES-256-GCM. UNKNOWN: tables, columns,
nonce layout; `[vault]` of target.toml tells them. AES-GCM's tag makes a wrong key certain: it opens
nothing, where a cipher without authentication would "open" a part by chance.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.target import VaultLayout
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

MOST_TENANTS: Final = 10_000
SAMPLE: Final = 200
"""Values opened, spread over all of them by chance."""
STATEMENT_SECONDS: Final = 15.0
_TAG_BYTES: Final = 16
_BY_HAND: Final = (
    "prove it by hand: use one stored secret in AiHummer (a connector, a model's API key); "
    "or describe the vault in [vault] of target.toml"
)


@dataclass(kw_only=True)
class _Tally:
    """What was opened so far. Data keys live here only, and only while the check looks."""

    keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    tenants: int = 0
    values: int = 0
    opened_values: int = 0
    orphans: int = 0
    first_closed: str = ""
    """Where the first ciphertext stands that did not open."""


class _LayoutError(Exception):
    """What the configured SQL gives is not what a vault of that layout holds."""


def look_at_vault(scene: Scene) -> Observation:
    """Open every tenant's data key and a sample of values with the key in gateway.env.

    Raises PreconditionError without a usable gateway.env, FailedError when the database refuses.
    """
    expected = "every tenant's data key, and a sample of values, open with the master key"
    layout = scene.target.vault
    if layout is None:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed="where the vault is kept is not known (no [vault] in target.toml)",
            hint=_BY_HAND,
        )
    env = read_gateway_env(scene.target.gateway_env)
    key = parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    owner = owner_of(scene.target)
    try:
        with (
            connect(owner, statement_seconds=STATEMENT_SECONDS) as connection,
            failures_named("the vault could not be read", owner),
        ):
            connection.read_only = True
            tally = _open_all(connection, layout, key)
    except _LayoutError as error:
        raise FailedError(
            f"the vault is not laid out as [vault] of target.toml says: {error}",
            hint="correct data-keys, values and nonce-bytes there (docs/target.md)",
        ) from None
    return _judged(tally, expected, key_fingerprint(key))


def _open_all(connection: "psycopg.Connection[TupleRow]", layout: VaultLayout, key: bytes) -> _Tally:
    tally = _Tally()
    for tenant, wrapped in _rows(connection, layout.data_keys, columns=2, limit=MOST_TENANTS):
        tally.tenants += 1
        associated = filled(layout.data_key_aad, {"tenant": tenant})
        data_key = open_sealed(key, _bytes(wrapped), associated, layout.nonce_bytes)
        if data_key is None:
            tally.first_closed = tally.first_closed or f"the data key of tenant {cleaned_line(tenant, 60)}"
        elif len(data_key) not in {16, 24, 32}:
            raise _LayoutError(f"a data key of {len(data_key)} bytes")
        else:
            tally.keys[tenant] = data_key
    for tenant, name, sealed in _sample(connection, layout.values):
        tally.values += 1
        associated = filled(layout.value_aad, {"tenant": tenant, "name": name})
        data_key = tally.keys.get(tenant)
        if data_key is None:
            tally.orphans += 1
        elif open_sealed(data_key, _bytes(sealed), associated, layout.nonce_bytes) is None:
            where = cleaned_line(f"{tenant}/{name}", 80)
            tally.first_closed = tally.first_closed or f"the value {where}"
        else:
            tally.opened_values += 1
    return tally


def open_sealed(key: bytes, sealed: bytes, associated: bytes, nonce_bytes: int) -> bytes | None:
    """The plaintext of nonce, ciphertext and tag; None when it does not authenticate."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) < nonce_bytes + _TAG_BYTES:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:nonce_bytes], sealed[nonce_bytes:], associated)
    except InvalidTag:
        return None


def filled(template: str, names: Mapping[str, str]) -> bytes:
    """A template of associated data with its names filled in, all at once: a value is never filled again."""
    return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], found[0]), template).encode()


def _rows(
    connection: "psycopg.Connection[TupleRow]", statement: str, *, columns: int, limit: int
) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name="drtui_vault") as cursor:
        cursor.itersize = 500
        cursor.execute(statement.strip().rstrip(";").encode())
        for number, row in enumerate(cursor):
            if number >= limit:
                return
            if len(row) != columns:
                raise _LayoutError(f"{len(row)} columns instead of {columns}")
            yield (*(str(text) for text in row[: columns - 1]), row[-1])


def _sample(connection: "psycopg.Connection[TupleRow]", statement: str) -> list[tuple[Any, ...]]:
    """Some rows of all, each with the same chance, in memory for as many as are taken (reservoir)."""
    chance = random.SystemRandom()
    taken: list[tuple[Any, ...]] = []
    for number, row in enumerate(_rows(connection, statement, columns=3, limit=1_000_000)):
        if number < SAMPLE:
            taken.append(row)
        elif (place := chance.randrange(number + 1)) < SAMPLE:
            taken[place] = row
    return taken


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise _LayoutError(f"a ciphertext of type {type(value).__name__}, not bytea")
    return bytes(value)


def _judged(tally: _Tally, expected: str, fingerprint: str) -> Observation:
    opened = (
        f"{len(tally.keys)} of {tally.tenants} data keys and {tally.opened_values} of {tally.values} "
        "sampled values open"
    )
    if tally.first_closed:
        return Observation(
            verdict=Verdict.FAILED,
            expected=expected,
            observed=f"wrong key (fingerprint {fingerprint}): {opened}; the first that does not: "
            f"{tally.first_closed}",
            hint="stop AiHummer before it writes with this key; look for the escrow of the backup's time",
        )
    if tally.tenants == 0:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed="the vault is empty: there is nothing that a wrong key could fail to open",
            hint="was the database restored? if AiHummer had no secrets stored, say so by overriding this",
        )
    if tally.orphans:
        return Observation(
            verdict=Verdict.FAILED,
            expected=expected,
            observed=f"{opened}; {tally.orphans} belong to a tenant without a data key",
            hint="the vault is not whole: was the database restored to its end?",
        )
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=opened,
        warnings=() if tally.values else ("no values are stored: only the data keys were opened",),
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="vault-opens",
            title="Vault opens with this key",
            proves="the restored key opens the restored data keys and values (authenticated decryption)",
            interval=0.0,
            time_out=60.0,
        ),
        look=look_at_vault,
    ),
)
