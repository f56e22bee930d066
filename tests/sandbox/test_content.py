"""What a sandbox holds: the same from the same seed, and as the stand-in's tables say."""

import base64
import hashlib
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aihummer_drtui.sandbox import lifecycle
from aihummer_drtui.sandbox.generate import schema_sql
from aihummer_drtui.sandbox.large_tables import LargeTables, fill_large_tables
from tests.conftest import SmallSandbox, make_sandbox

pytestmark = pytest.mark.postgres

TABLES: tuple[LiteralString, ...] = (
    "tenants",
    "settings",
    "agents",
    "conversations",
    "messages",
    "turns",
    "tool_calls",
    "memory_entries",
    "audit_events",
    "media",
    "vault_data_keys",
    "vault_values",
    "schema_migrations",
)


def rows_hash(sandbox: SmallSandbox) -> dict[str, str]:
    """A hash of each table's rows."""
    with psycopg.connect(sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
        connection.execute("SET timezone = 'UTC'")
        hashes = {}
        for table in TABLES:
            query = f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t"
            row = connection.execute(query).fetchone()
            assert row is not None
            hashes[str(table)] = row[0]
        return hashes


def blob_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file by its path in the folder."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_same_seed_gives_the_same_rows_blobs_and_key(small_sandbox: SmallSandbox, folder: Path) -> None:
    """Two sandboxes of one seed differ in passwords and ports only; another seed differs in all rows."""
    twin = make_sandbox(folder / "twin", seed=1)
    other = make_sandbox(folder / "other", seed=2)
    try:
        rows, others = rows_hash(small_sandbox), rows_hash(other)
        assert rows_hash(twin) == rows
        assert {table for table in TABLES if rows[table] == others[table]} == {"schema_migrations"}
        assert blob_hashes(twin.layout.blobs) == blob_hashes(small_sandbox.layout.blobs)
        here, there = small_sandbox.variables(), twin.variables()
        same = {name for name in here if here[name] == there[name]}
        assert {"AIHUMMER_MASTER_KEY", "AIHUMMER_MEDIA_TOKEN_SECRET"} <= same
        assert "AIHUMMER_DATABASE_URL" not in same
    finally:
        lifecycle.down(twin.root)
        lifecycle.down(other.root)


def test_the_indexes_are_those_of_the_schema(small_sandbox: SmallSandbox) -> None:
    """Filling builds them anew, and leaves none out and nothing of its own behind."""
    seen: LiteralString = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " UNION ALL SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind = 'r' ORDER BY 1"
    )
    with psycopg.connect(small_sandbox.variables()["AIHUMMER_DATABASE_URL"], autocommit=True) as filled:
        there = filled.execute(seen).fetchall()
        filled.execute("CREATE DATABASE unfilled TEMPLATE template0")
        try:
            with psycopg.connect(filled.info.dsn, dbname="unfilled", password=filled.info.password) as empty:
                empty.execute(schema_sql())
                wanted = empty.execute(seen).fetchall()
        finally:
            filled.execute("DROP DATABASE unfilled WITH (FORCE)")
    assert there == wanted


def test_a_statement_that_breaks_ends_the_filling(small_sandbox: SmallSandbox) -> None:
    """The error comes out as it is, and no other connection is left at work."""
    rows = LargeTables(messages=1, turns=0, tool_calls=0, memory_entries=0, audit_events=9)
    statements: dict[str, LiteralString] = {"audit_events": "SELECT 1 / 0"}
    with psycopg.connect(small_sandbox.variables()["AIHUMMER_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE DATABASE unfilled TEMPLATE template0")
        try:
            with psycopg.connect(
                connection.info.dsn, dbname="unfilled", password=connection.info.password, autocommit=True
            ) as empty:
                empty.execute(schema_sql())
                statements |= dict.fromkeys(
                    ("messages", "turns", "tool_calls", "memory_entries"), "SELECT pg_sleep(60)"
                )
                with pytest.raises(psycopg.errors.DivisionByZero):
                    fill_large_tables(empty, rows, statements, {}, lambda _phase, _unit: lambda *_: None)
            left = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = 'unfilled' AND state = 'active'"
            )
            assert left.fetchone() == (0,)
        finally:
            connection.execute("DROP DATABASE unfilled WITH (FORCE)")


def test_every_media_row_has_its_blob(small_sandbox: SmallSandbox) -> None:
    """Path, size and SHA-256 are the file's; one more file, a plugin bundle, is nobody's."""
    hashes = blob_hashes(small_sandbox.layout.blobs)
    with psycopg.connect(small_sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT path, size, sha256 FROM media").fetchall()
    assert {path: sha256 for path, _, sha256 in rows}.items() <= hashes.items()
    assert all((small_sandbox.layout.blobs / path).stat().st_size == size for path, size, _ in rows)
    assert hashes.keys() - {path for path, _, _ in rows} == {"plugins/private-crm-1.4.0.tar"}


def test_vault_opens_with_the_escrowed_key_and_is_bound_to_its_rows(small_sandbox: SmallSandbox) -> None:
    """The layout that the documentation tells opens each data key and value."""
    key = base64.b64decode(small_sandbox.variables()["AIHUMMER_MASTER_KEY"], validate=True)
    with psycopg.connect(small_sandbox.variables()["AIHUMMER_DATABASE_URL"]) as connection:
        keys = connection.execute("SELECT tenant_id::text, wrapped_key FROM vault_data_keys").fetchall()
        values = connection.execute("SELECT tenant_id::text, name, sealed_value FROM vault_values").fetchall()
    opened = {tenant: AESGCM(key).decrypt(box[:12], box[12:], tenant.encode()) for tenant, box in keys}
    assert {len(data_key) for data_key in opened.values()} == {32}
    for tenant, name, box in values:
        assert AESGCM(opened[tenant]).decrypt(box[:12], box[12:], f"{tenant}/{name}".encode())


def test_restricted_role_sees_its_tenant_only(small_sandbox: SmallSandbox) -> None:
    """Row-level security holds for aihummer_app: nothing without a tenant, its own rows with one."""
    with psycopg.connect(small_sandbox.variables()["AIHUMMER_DB_APP_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)
        tenant = connection.execute("SELECT id::text FROM tenants ORDER BY id LIMIT 1").fetchone()
        assert tenant is not None
        connection.execute("SELECT set_config('app.tenant', %s, false)", tenant)
        seen = connection.execute("SELECT DISTINCT tenant_id::text FROM messages").fetchall()
        assert seen == [tenant]


def test_escrow_holds_all_of_gateway_env_and_is_private(small_sandbox: SmallSandbox) -> None:
    """A host can be set up from the escrow alone, and nobody else reads it."""
    escrow = small_sandbox.layout.escrow
    assert escrow.stat().st_mode & 0o777 == 0o600
    for name, value in small_sandbox.variables().items():
        assert f"{name}={value}" in escrow.read_text()
