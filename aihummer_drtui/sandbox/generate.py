"""Filling the stand-in: the rows made inside the server, blobs and vault here, all from the seed."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, LiteralString

from aihummer_drtui.run.progress import Progress
from aihummer_drtui.sandbox.blobs import make_blobs
from aihummer_drtui.sandbox.large_tables import LargeTables, fill_large_tables
from aihummer_drtui.sandbox.marker import Size
from aihummer_drtui.sandbox.seeded import derived_uuid
from aihummer_drtui.sandbox.vault import make_vault

if TYPE_CHECKING:
    import psycopg

Tell = Callable[[Progress], None]

_WORDS: Final = (
    "the agent a customer order invoice answer question contract delivery calendar meeting report "
    "please send check confirm open close review update tomorrow today after before without with "
    "about under over between region team budget forecast ticket status priority deadline summary "
    "draft version release price offer account address phone reply forward attach image table list "
    "number total average error warning result next previous"
)
"""Sixty-four, so that a byte of the draw picks one evenly."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much a size holds."""

    tenants: int
    agents: int
    conversations: int
    tables: LargeTables
    blob_bytes: int


AMOUNTS: Final = {
    Size.SMALL: Amounts(
        tenants=3,
        agents=12,
        conversations=150,
        tables=LargeTables(messages=1_000, turns=500, tool_calls=600, memory_entries=200, audit_events=1_000),
        blob_bytes=2_500_000,
    ),
    Size.MEDIUM: Amounts(
        tenants=10,
        agents=80,
        conversations=6_000,
        tables=LargeTables(
            messages=36_000, turns=30_000, tool_calls=42_000, memory_entries=20_000, audit_events=90_000
        ),
        blob_bytes=100_000_000,
    ),
    Size.LARGE: Amounts(
        tenants=20,
        agents=400,
        conversations=60_000,
        tables=LargeTables(
            messages=360_000, turns=300_000, tool_calls=420_000, memory_entries=200_000, audit_events=900_000
        ),
        blob_bytes=1_000_000_000,
    ),
}


def schema_sql() -> LiteralString:
    """The stand-in's schema, as its gateway's migrations would make it."""
    return _shipped("schema.sql")


def fill(
    connection: "psycopg.Connection", *, seed: int, size: Size, master_key: bytes, blobs: Path, tell: Tell
) -> None:
    """Fill an empty schema and an empty blob folder. Raises psycopg.Error or OSError.

    `connection` is the owner's, each statement its own transaction.
    """
    amounts = AMOUNTS[size]
    tenants = tuple(derived_uuid(seed, f"tenant {number}") for number in range(amounts.tenants))
    started = time.monotonic()

    def say(phase: str, unit: str) -> Callable[[int, int], None]:
        return lambda done, total: tell(
            Progress(phase=phase, done=done, total=total, unit=unit, elapsed=time.monotonic() - started)
        )

    _fill_rows(connection, seed, amounts, tenants, say)
    _fill_vault(connection, seed, tenants, master_key)
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY media (tenant_id, path, size, sha256, created_at) FROM STDIN") as copy,
    ):
        made = make_blobs(
            blobs, seed=seed, tenants=tenants, total=amounts.blob_bytes, tell=say("blobs", "bytes")
        )
        for blob in made:
            copy.write_row((blob.tenant, blob.path, blob.size, blob.sha256, "2026-02-01 08:00+00"))
    statements = _statements()
    connection.execute(statements["finish"])
    connection.execute(statements["stamp"])
    connection.execute("ANALYZE")


def _fill_rows(
    connection: "psycopg.Connection",
    seed: int,
    amounts: Amounts,
    tenants: tuple[str, ...],
    say: Callable[[str, str], Callable[[int, int], None]],
) -> None:
    statements = _statements()
    values: dict[str, object] = {
        "seed": str(seed),
        "words": _WORDS,
        "tenants": list(tenants),
        "agents": amounts.agents,
        "conversations": amounts.conversations,
        **asdict(amounts.tables),
    }
    for name in ("tenants", "settings", "pool", "agents", "conversations"):
        connection.execute(statements[name], values)
    for table in ("pool", "agents", "conversations"):
        connection.execute(f"ANALYZE {table}".encode())
    fill_large_tables(connection, amounts.tables, statements, values, say)
    connection.execute("DROP TABLE pool")


def _fill_vault(
    connection: "psycopg.Connection", seed: int, tenants: tuple[str, ...], master_key: bytes
) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        for vault in make_vault(master_key, seed=seed, tenants=tenants):
            cursor.execute(
                "INSERT INTO vault_data_keys (tenant_id, wrapped_key) VALUES (%s, %s)",
                (vault.tenant, vault.wrapped_key),
            )
            cursor.executemany(
                "INSERT INTO vault_values (tenant_id, name, sealed_value) VALUES (%s, %s, %s)",
                [(value.tenant, value.name, value.sealed) for value in vault.values],
            )


def _statements() -> dict[str, LiteralString]:
    """The statements of fill.sql by name."""
    parts = _shipped("fill.sql").split("\n-- name: ")[1:]
    return {name: body for name, _, body in (part.partition("\n") for part in parts)}


def _shipped(name: str) -> LiteralString:
    """A file of this package, as fixed as its code."""
    return files("aihummer_drtui.sandbox").joinpath(name).read_text("utf-8")
