"""What was restored is held against the seal: everything the catalogue can tell, and every row."""

from collections.abc import Callable, Mapping

import msgspec
import psycopg
import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.database.compare import Compared, compare
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.reporting import Reporter
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


@pytest.fixture
def manifest(installation: Installation) -> Manifest:
    """Give the seal of the installation; the live database stands for the restored one."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent()).manifest


def _compare(installation: Installation, manifest: Manifest) -> Compared:
    owner = owner_of(installation.target)
    return compare(owner, installation.name, manifest, jobs=2, reporter=Reporter.silent())


def _resealed(manifest: Manifest, **changes: object) -> Manifest:
    return msgspec.structs.replace(manifest, database=msgspec.structs.replace(manifest.database, **changes))


def _superuser(installation: Installation, statement: str) -> None:
    with installation.cluster.admin(installation.name) as admin:
        admin.execute(statement.encode())


def test_the_sealed_database_passes_with_statistics(installation: Installation, manifest: Manifest) -> None:
    """Every row counted, no warning, and the planner knows the tables."""
    found = _compare(installation, manifest)
    assert found.rows == manifest.database.tables
    assert found.warnings == ()
    with installation.connect() as connection:
        row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'hum.messages'::regclass")
        assert row.fetchone() == (2000,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tables: {**tables, "hum.gone": 3}, r"1 tables differ, first hum\.gone: missing"),
        (lambda _: {"hum.messages": 2000}, r"2 tables differ, first hum\.\"Odd name\": there, and not"),
        (lambda tables: {**tables, "hum.messages": 1999}, r"first hum\.messages: 2000, sealed 1999"),
    ],
)
def test_other_tables_or_rows_are_refused(
    installation: Installation,
    manifest: Manifest,
    change: Callable[[Mapping[str, int]], Mapping[str, int]],
    words: str,
) -> None:
    """Exactly the sealed ones, no more and no fewer."""
    changed = _resealed(manifest, tables=change(manifest.database.tables))
    with pytest.raises(FailedError, match=words):
        _compare(installation, changed)


def test_a_missing_extension_is_refused_and_another_version_is_told(
    installation: Installation, manifest: Manifest
) -> None:
    """A version may differ where the server's packages do; what is not there at all cannot work."""
    sealed = manifest.database.extensions
    told = _compare(installation, _resealed(manifest, extensions={**sealed, "pgcrypto": "0.9"})).warnings
    assert told == (f"extension pgcrypto has version {sealed['pgcrypto']}, sealed 0.9",)
    with pytest.raises(FailedError, match="extension vector is missing"):
        _compare(installation, _resealed(manifest, extensions={**sealed, "vector": "1"}))


def test_a_broken_index_is_refused_and_one_of_partitions_told(
    installation: Installation, manifest: Manifest
) -> None:
    """An index on ONLY the parent is invalid from the beginning, and so in every dump of it."""
    with installation.connect() as connection:
        connection.execute("CREATE TABLE hum.parted (id int) PARTITION BY RANGE (id)")
        connection.execute("CREATE TABLE hum.part PARTITION OF hum.parted FOR VALUES FROM (1) TO (9)")
        connection.execute("CREATE INDEX half ON ONLY hum.parted (id)")
    tables = {**manifest.database.tables, "hum.part": 0}
    manifest = _resealed(manifest, tables=tables)
    assert any("hum.half" in text for text in _compare(installation, manifest).warnings)
    _superuser(
        installation,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'hum.messages_pkey'::regclass",
    )
    with pytest.raises(FailedError, match=r"index hum\.messages_pkey is invalid"):
        _compare(installation, manifest)


def test_unchecked_constraints_and_lost_roles_are_told(
    installation: Installation, manifest: Manifest
) -> None:
    """Neither makes the data wrong; both are for a person to know."""
    with installation.connect() as connection:
        connection.execute("ALTER TABLE hum.messages ADD CONSTRAINT small CHECK (id < 10) NOT VALID")
        connection.execute(f"REVOKE ALL ON hum.messages FROM {installation.name}_app".encode())
        connection.execute(f"REVOKE ALL ON SCHEMA hum FROM {installation.name}_app".encode())
    first, second = _compare(installation, manifest).warnings
    assert "constraint small of hum.messages is NOT VALID" in first
    assert f"role {installation.name}_app owned or was granted" in second


def test_rows_that_this_role_may_not_see_are_an_error(installation: Installation, manifest: Manifest) -> None:
    """Row-level security makes a count smaller without a word; here it raises."""
    with installation.connect() as connection:
        connection.execute("ALTER TABLE hum.messages ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE hum.messages FORCE ROW LEVEL SECURITY")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _compare(installation, manifest)
