"""What is wrong before or during a restore: one clear message, its exit code, the live database untouched."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import DrtuiError, ExitCode, FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, seal
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.restore import restore_database
from aihummer_drtui.recovery.reporting import Reporter
from tests.recovery.small_cluster import Cluster, Installation, install, running_cluster
from tests.recovery.small_disk import small_disk

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a sealed set of 2000 messages; ten are left in the live database."""
    made = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.messages WHERE id > 10")
    return made


def _refused(installation: Installation, backup: BackupSet) -> DrtuiError:
    """The error of a restore that must not succeed; the live database is untouched and open after it."""
    with pytest.raises(DrtuiError) as raised:
        restore_database(
            installation.target,
            backup,
            confirm=owner_of(installation.target).phrase,
            mode="",
            reporter=Reporter.silent(),
        )
    assert installation.databases() == [installation.name]
    assert installation.rows() == 10
    return raised.value


def _resealed(backup: BackupSet, **changes: object) -> BackupSet:
    manifest = msgspec.structs.replace(backup.manifest, **changes)
    (backup.path / "manifest.json").write_bytes(seal(manifest))
    return open_set(backup.path)


def test_d04_a_dump_newer_than_the_client(installation: Installation, backup: BackupSet) -> None:
    """Named with both versions before the server is asked anything."""
    error = _refused(installation, _resealed(backup, pg_dump_version="99.1"))
    assert error.exit_code is ExitCode.PRECONDITION
    assert "99 or newer is needed, found" in error.what


def test_d04_a_dump_of_a_newer_server(installation: Installation, backup: BackupSet) -> None:
    """The client may read it; the server could not take it."""
    database = msgspec.structs.replace(backup.manifest.database, server_version_num=990_001)
    error = _refused(installation, _resealed(backup, database=database, pg_dump_version="1.0"))
    assert error.exit_code is ExitCode.PRECONDITION


def test_d16_no_right_to_create_databases(installation: Installation, backup: BackupSet) -> None:
    """With the statement that gives it."""
    with installation.cluster.admin() as admin:
        admin.execute(f"ALTER ROLE {installation.name} NOCREATEDB".encode())
    error = _refused(installation, backup)
    assert error.exit_code is ExitCode.PRECONDITION
    assert "may not create databases (ALTER ROLE … CREATEDB)" in error.what


def test_d10_connections_that_hold_the_live_database(installation: Installation, backup: BackupSet) -> None:
    """Who holds it is named by pid; their session lives on."""
    with installation.cluster.admin(installation.name) as holder:
        error = _refused(installation, backup)
        assert f"pid {holder.info.backend_pid}" in error.what
        holder.execute("SELECT 1")
    assert error.exit_code is ExitCode.FAILED


@pytest.mark.parametrize("part", ["database.dump", "manifest.json"])
def test_a_missing_part_and_a_missing_seal(installation: Installation, backup: BackupSet, part: str) -> None:
    """A set without its dump is refused by the restore, one without a seal is not even a set."""
    (backup.path / part).unlink()
    if part == "manifest.json":
        with pytest.raises(PreconditionError, match="not a backup: it has no manifest"):
            open_set(backup.path)
        return
    error = _refused(installation, backup)
    assert error.exit_code is ExitCode.PRECONDITION
    assert "database.dump is missing" in error.what


def test_d01_a_dump_that_was_changed(installation: Installation, backup: BackupSet) -> None:
    """The empty database that was made while it was hashed is gone again."""
    dump = backup.path / "database.dump"
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    error = _refused(installation, backup)
    assert error.exit_code is ExitCode.FAILED
    assert "not what was sealed" in error.what


def test_a_locale_that_the_server_lacks(installation: Installation, backup: BackupSet) -> None:
    """The database beside cannot be made: that is told, although it is made behind the hashing."""
    database = msgspec.structs.replace(backup.manifest.database, collate="nowhere", ctype="nowhere")
    error = _refused(installation, _resealed(backup, database=database))
    assert error.exit_code is ExitCode.FAILED
    assert "a database beside the live one could not be made: " in error.what


@pytest.fixture(scope="module")
def tight() -> Iterator[Cluster]:
    """Give a server whose databases lie on a small disk; its log does not."""
    with running_cluster() as cluster:
        base = cluster.folder / "data" / "base"
        cluster.control("stop", "-m", "fast")
        moved = base.rename(base.with_name("base.moved"))
        with small_disk(base, "size=100m"):
            shutil.copytree(moved, base, dirs_exist_ok=True)
            for path in (base, *base.rglob("*")):
                shutil.chown(path, cluster.account.name, cluster.account.name)
            base.chmod(0o700)
            cluster.control("start")
            yield cluster
            cluster.control("stop", "-m", "immediate")
        shutil.rmtree(base)
        moved.rename(base)
        cluster.control("start")


def test_d11_a_full_disk_in_the_data_directory(tight: Cluster, tmp_path: Path) -> None:
    """Where the size was sealed it is refused before; where not, it fails in the middle, told as it is."""
    made = install(tight, tmp_path)
    with made.connect() as connection:
        connection.execute(
            "CREATE TABLE hum.large AS SELECT repeat(md5(n::text), 20) t FROM generate_series(1, 40000) n"
        )
    backup = create_backup(made.target, tmp_path / "backups", Reporter.silent())
    with made.connect() as connection:
        connection.execute("DELETE FROM hum.messages WHERE id > 10")
        connection.execute(
            "CREATE TABLE hum.filler AS SELECT repeat(md5(n::text), 20) t FROM generate_series(1, 40000) n"
        )
    before = os.statvfs(tight.folder / "data" / "base").f_bavail
    error = _refused(made, backup)
    assert error.exit_code is ExitCode.PRECONDITION
    assert "not enough room" in error.what
    assert str(tight.folder) in error.what
    error = _refused(made, _resealed(backup, unproven=(Fact.SIZE,)))
    assert isinstance(error, FailedError)
    assert "the server's disk is full" in error.what
    assert "No space left on device" in error.what
    assert abs(os.statvfs(tight.folder / "data" / "base").f_bavail - before) < 1000
