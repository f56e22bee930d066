"""Opening a vault with a key: every tenant's data key and a sample of values, by authenticated decryption.

KNOWN: the master key wraps a data key per tenant; values are AES-256-GCM. UNKNOWN: tables, columns,
nonce layout; `[vault]` of target.toml tells them. AES-GCM's tag makes a wrong key certain: it opens
nothing, where a cipher without authentication would "open" a part by chance.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aihummer_drtui.errors import FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.key.ciphertext import (
    MisshapenError,
    columns_of,
    decrypted,
    filled,
    taken_apart,
)
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint
from aihummer_drtui.recovery.target import CiphertextForm, VaultLayout
from aihummer_drtui.run.verdict import Observation, Verdict

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow

EXPECTED: Final = "every tenant's data key, and a sample of values, open with the master key"
MOST_TENANTS: Final = 100_000
SAMPLE: Final = 200
"""Values opened, spread over all of them by chance."""
_MOST_VALUES: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What a key opened of a vault, in numbers; no secret among them."""

    fingerprint: str
    """Of the key."""
    tenants: int
    opened_keys: int
    values: int
    """Values that were tried, of those stored."""
    opened_values: int
    orphans: int
    """Among them: of a tenant that has no data key."""
    first_closed: str
    """Where the first ciphertext stands that did not open; empty = there is none."""

    @property
    def wrong_key(self) -> bool:
        """Whether anything did not authenticate."""
        return bool(self.first_closed)


@dataclass(kw_only=True)
class _Tally:
    """What was opened so far. Data keys live here only, and only while the vault is open."""

    keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    tenants: int = 0
    opened_keys: int = 0
    values: int = 0
    opened_values: int = 0
    orphans: int = 0
    first_closed: str = ""


def open_vault(connection: "psycopg.Connection[TupleRow]", layout: VaultLayout, key: bytes) -> Opened:
    """Open every tenant's data key and a sample of values.

    Raises FailedError when the rows are not what the layout says, and psycopg's errors.
    """
    tally = _Tally()
    try:
        _open_keys(connection, layout, key, tally)
        _open_values(connection, layout, tally)
    except MisshapenError as error:
        raise FailedError(
            f"the vault is not laid out as [vault] of target.toml says: {error}",
            hint="correct data-keys, values, layout and encoding there (docs/target.md), or take [vault] out",
        ) from None
    return Opened(
        fingerprint=key_fingerprint(key),
        tenants=tally.tenants,
        opened_keys=tally.opened_keys,
        values=tally.values,
        opened_values=tally.opened_values,
        orphans=tally.orphans,
        first_closed=tally.first_closed,
    )


def unknown_layout(by_hand: str) -> Observation:
    """What is said where target.toml does not tell where the vault is; `by_hand` = how a person proves it."""
    return Observation(
        verdict=Verdict.UNPROVEN,
        expected=EXPECTED,
        observed="where the vault is kept is not known (no [vault] in target.toml)",
        hint=f"{by_hand}; or describe the vault in [vault] of target.toml",
    )


def _open_keys(
    connection: "psycopg.Connection[TupleRow]", layout: VaultLayout, key: bytes, tally: _Tally
) -> None:
    form = layout.wrapping_form
    for (tenant,), sealed in _rows(connection, layout.data_keys, form, texts=1, limit=MOST_TENANTS):
        tally.tenants += 1
        data_key = _opened(key, form, sealed, layout.data_key_aad, tenant=tenant)
        if data_key is None:
            tally.first_closed = tally.first_closed or f"the data key of tenant {cleaned_line(tenant, 60)}"
        elif len(data_key) not in {16, 24, 32}:
            raise MisshapenError(f"a data key of {len(data_key)} bytes")
        else:
            tally.opened_keys += 1
            tally.keys[tenant] = data_key


def _open_values(connection: "psycopg.Connection[TupleRow]", layout: VaultLayout, tally: _Tally) -> None:
    for (tenant, name), sealed in _sample(connection, layout):
        data_key = tally.keys.get(tenant)
        if data_key is None:
            if tally.tenants < MOST_TENANTS:
                tally.values += 1
                tally.orphans += 1
            continue
        tally.values += 1
        if _opened(data_key, layout, sealed, layout.value_aad, tenant=tenant, name=name) is None:
            where = cleaned_line(f"{tenant}/{name}", 80)
            tally.first_closed = tally.first_closed or f"the value {where}"
        else:
            tally.opened_values += 1


def _opened(
    key: bytes, form: CiphertextForm, columns: Sequence[object], template: str, **names: str
) -> bytes | None:
    sealed = taken_apart(form, columns)
    known = {name: text.encode() for name, text in names.items()}
    return decrypted(key, sealed, filled(template, {**known, "prefix": sealed.prefix if sealed else b""}))


def _rows(
    connection: "psycopg.Connection[TupleRow]",
    statement: str,
    form: CiphertextForm,
    *,
    texts: int,
    limit: int,
) -> Iterator[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Each row's texts, and the columns of its ciphertext."""
    width = texts + columns_of(form)
    with connection.cursor(name="drtui_vault") as cursor:
        cursor.itersize = 500
        cursor.execute(statement_bytes(statement))
        for number, row in enumerate(cursor):
            if number >= limit:
                return
            if len(row) != width:
                raise MisshapenError(f"{len(row)} columns instead of {width}")
            yield tuple(str(text) for text in row[:texts]), row[texts:]


def statement_bytes(statement: str) -> bytes:
    """A configured statement as it is sent: as part of another one, so without a semicolon at its end."""
    return statement.strip().rstrip(";").encode()


def _sample(
    connection: "psycopg.Connection[TupleRow]", layout: VaultLayout
) -> list[tuple[tuple[str, ...], tuple[Any, ...]]]:
    """Some rows of all, each with the same chance, in memory for as many as are taken (reservoir)."""
    chance = random.SystemRandom()
    taken: list[tuple[tuple[str, ...], tuple[Any, ...]]] = []
    for number, row in enumerate(_rows(connection, layout.values, layout, texts=2, limit=_MOST_VALUES)):
        if number < SAMPLE:
            taken.append(row)
        elif (place := chance.randrange(number + 1)) < SAMPLE:
            taken[place] = row
    return taken


def judged(opened: Opened, *, empty_hint: str) -> Observation:
    """What that tells of the key: any failure to authenticate is a wrong one.

    `empty_hint` is for a vault in which nothing is stored.
    """
    told = told_of(opened)
    if opened.wrong_key:
        return Observation(
            verdict=Verdict.FAILED,
            expected=EXPECTED,
            observed=told,
            hint="do not let AiHummer run with this key: look for the escrow of the time of the backup; "
            "a wrong [vault] in target.toml looks the same, so try it where the key is known to be right",
        )
    if opened.tenants == 0 and opened.values == 0:
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=EXPECTED,
            observed="the vault is empty: there is nothing that a wrong key could fail to open",
            hint=empty_hint,
        )
    if opened.orphans:
        return Observation(
            verdict=Verdict.FAILED,
            expected=EXPECTED,
            observed=f"{told}; {opened.orphans} belong to a tenant without a data key",
            hint="the vault is not whole: was the database restored, or dumped, to its end?",
        )
    return Observation(
        verdict=Verdict.PASSED, expected=EXPECTED, observed=told, warnings=tuple(_doubts(opened))
    )


def told_of(opened: Opened) -> str:
    """`opens n of m tenants' data keys, k sampled values`; a wrong key is called so first."""
    values = f"{opened.opened_values} of {opened.values}"
    if opened.opened_values == opened.values:
        values = str(opened.values)
    told = f"opens {opened.opened_keys} of {opened.tenants} tenants' data keys, {values} sampled values"
    if not opened.wrong_key:
        return told
    return (
        f"wrong key (fingerprint {opened.fingerprint}): {told}; the first that does not open: "
        f"{opened.first_closed}"
    )


def _doubts(opened: Opened) -> Iterator[str]:
    if not opened.values:
        yield "no values are stored: only the data keys were opened"
    if opened.tenants >= MOST_TENANTS:
        yield f"there may be more tenants: the first {MOST_TENANTS} were looked at"
