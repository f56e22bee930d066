"""The check `space`: all parts of a recovery, before anything is touched."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, seal
from aihummer_drtui.recovery.blobs.place import BlobPlace
from aihummer_drtui.recovery.blobs.restore import restore_blobs
from aihummer_drtui.recovery.blobs.room import blob_part
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database import storage
from aihummer_drtui.recovery.database.connection import Owner, connect, owner_of
from aihummer_drtui.recovery.database.dsn import Place
from aihummer_drtui.recovery.database.restore import restore_database
from aihummer_drtui.recovery.database.storage import database_parts
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.space import measured
from aihummer_drtui.recovery.space_check import look_at_space
from aihummer_drtui.run.verdict import Observation, Verdict
from tests.recovery.small_cluster import Installation
from tests.recovery.small_disk import small_disk

pytestmark = pytest.mark.postgres

HUGE = 10**18


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a sealed set of the installation."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def _look(installation: Installation, backup: BackupSet | None) -> Observation:
    values = {"BACKUP_SET": str(backup.path)} if backup else {}
    return look_at_space(Scene(target=installation.target, values=values))


def _resealed(backup: BackupSet, **changes: object) -> BackupSet:
    manifest = msgspec.structs.replace(backup.manifest, **changes)
    (backup.path / "manifest.json").write_bytes(seal(manifest))
    return open_set(backup.path)


def _larger(backup: BackupSet, size: int = HUGE) -> BackupSet:
    return _resealed(backup, database=msgspec.structs.replace(backup.manifest.database, size=size))


def test_every_part_is_named_where_it_fits(installation: Installation, backup: BackupSet) -> None:
    """Database, log, sorting, blobs and gateway.env; as root all of them are known."""
    seen = _look(installation, backup)
    assert seen.verdict is Verdict.PASSED, seen
    for part in ("restored database", "write-ahead log", "sorting", "blobs", "gateway.env"):
        assert part in seen.observed


def test_what_cannot_be_read_is_told_with_its_place(installation: Installation, backup: BackupSet) -> None:
    """As every check tells it."""
    (installation.target.gateway_env).unlink()
    installation.target.gateway_env.mkdir()
    seen = Catalogue(installation.target).look("space", {"BACKUP_SET": str(backup.path)})
    assert (seen.verdict, str(installation.target.gateway_env) in seen.observed) == (Verdict.UNKNOWN, True)


def test_without_a_set_nothing_is_proven(installation: Installation) -> None:
    """Then nobody knows how much."""
    assert _look(installation, None).verdict is Verdict.UNPROVEN


def test_d11_a_database_that_does_not_fit_is_refused_before_anything_is_made(
    installation: Installation, backup: BackupSet
) -> None:
    """By the check, and by the restore itself."""
    large = _larger(backup)
    seen = _look(installation, large)
    assert seen.verdict is Verdict.FAILED
    assert "restored database 1000 PB" in seen.observed
    with pytest.raises(PreconditionError, match="not enough room"):
        restore_database(
            installation.target,
            large,
            confirm=owner_of(installation.target).phrase,
            mode="",
            reporter=Reporter.silent(),
        )
    assert installation.databases() == [installation.name]


@pytest.mark.parametrize("options", [("size=16k",), ("size=10m", "nr_inodes=5")])
def test_b05_blobs_that_do_not_fit_are_refused_before_anything_is_made(
    installation: Installation, backup: BackupSet, options: tuple[str, ...]
) -> None:
    """Bytes or inodes; the live folder and what stands beside it are as they were."""
    with small_disk(installation.root / "disk", *options) as disk:
        (disk / "blobs").mkdir()
        (disk / "blobs" / "live").touch()
        installation.write_env(AIHUMMER_BLOB_DIR=str(disk / "blobs"))
        assert _look(installation, backup).verdict is Verdict.FAILED
        with pytest.raises(PreconditionError, match="not enough room"):
            restore_blobs(
                installation.target,
                backup,
                confirm=owner_of(installation.target).phrase,
                mode="",
                reporter=Reporter.silent(),
            )
        assert [path.name for path in disk.rglob("*")] == ["blobs", "live"]


def test_what_an_earlier_try_brought_is_not_asked_for_again(
    installation: Installation, backup: BackupSet
) -> None:
    """Whoever made a little room may go on."""
    place = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)
    before = blob_part(place, backup.manifest)
    place.beside.mkdir()
    (place.beside / "blob").write_bytes(b"x" * 5000)
    after = blob_part(place, backup.manifest)
    assert (before.size - after.size, before.inodes - after.inodes) == (7048, 1)


@pytest.mark.parametrize("fact", [Fact.SIZE, Fact.BLOBS])
def test_a_size_that_was_not_sealed_is_unproven(
    installation: Installation, backup: BackupSet, fact: Fact
) -> None:
    """A set around a dump that was there already."""
    seen = _look(installation, _resealed(backup, unproven=(fact,)))
    assert seen.verdict is Verdict.UNPROVEN
    assert any("sealed" in warning for warning in seen.warnings)


def test_a_server_that_is_away_leaves_its_part_unproven(
    installation: Installation, backup: BackupSet
) -> None:
    """The blobs are measured all the same."""
    installation.write_env(AIHUMMER_DATABASE_URL=f"postgres://x@%2Fnonexistent/{installation.name}")
    seen = _look(installation, backup)
    assert seen.verdict is Verdict.UNPROVEN
    assert "blobs" in seen.observed


def test_a_lost_setting_leaves_the_blobs_unproven(installation: Installation, backup: BackupSet) -> None:
    """Nobody knows where they would go."""
    installation.write_env(AIHUMMER_BLOB_DIR="")
    assert _look(installation, backup).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("host", ["db.example", "localhost"])
def test_a_server_elsewhere_is_not_taken_for_this_host(
    installation: Installation, backup: BackupSet, host: str
) -> None:
    """A port of this host may lead into a container: only the very same server counts."""
    owner = owner_of(installation.target)
    elsewhere = Owner(
        parameters=owner.parameters,
        password=owner.password,
        place=Place(host=host, port=1, database=owner.database, user=owner.user),
    )
    with connect(owner) as connection:
        parts = database_parts(connection, elsewhere, backup.manifest)
    assert all(part.place is None and "another host" in part.unknown for part in parts)
    (doubt,) = measured(parts).doubts
    assert doubt.startswith("space for restored database, write-ahead log, sorting is unproven: ")


def test_a_server_behind_a_port_of_this_host_is_known_by_its_start(
    installation: Installation, backup: BackupSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock file beside its socket tells the same start and where its files are."""
    monkeypatch.setattr(storage, "_SOCKETS", (installation.root, installation.cluster.folder))
    owner = owner_of(installation.target)
    place = Place(host="localhost", port=5432, database=owner.database, user=owner.user)
    loopback = Owner(parameters=owner.parameters, password=owner.password, place=place)
    with connect(owner) as connection:
        parts = database_parts(connection, loopback, backup.manifest)
    data = installation.cluster.folder / "data"
    assert [part.place for part in parts] == [data / "base", data / "pg_wal", data / "base"]


def test_the_log_is_bounded_unless_something_holds_it_back(
    installation: Installation, backup: BackupSet
) -> None:
    """max_wal_size where checkpoints recycle it; all of it where a slot waits for somebody."""
    owner = owner_of(installation.target)
    manifest = _larger(backup, 10**13).manifest
    with connect(owner, autocommit=True) as connection, installation.cluster.admin() as admin:
        log = database_parts(connection, owner, manifest)[1]
        assert 0 < log.size < 2 * 10**9
        admin.execute("SELECT pg_create_physical_replication_slot('holds', true)")
        try:
            assert database_parts(connection, owner, manifest)[1].size == 10**13
        finally:
            admin.execute("SELECT pg_drop_replication_slot('holds')")


def test_sorts_go_where_they_are_told_to(
    installation: Installation, backup: BackupSet, tmp_path: Path
) -> None:
    """temp_tablespaces may lie on a small disk of their own."""
    place = installation.cluster.folder / f"temp_{installation.name}"
    place.mkdir()
    installation.cluster.account.own(place)
    space = f"temp_{installation.name}"
    with installation.cluster.admin() as admin:
        admin.execute(f"CREATE TABLESPACE {space} LOCATION '{place}'".encode())
        admin.execute(f"GRANT CREATE ON TABLESPACE {space} TO {installation.name}".encode())
        admin.execute(f"ALTER ROLE {installation.name} SET temp_tablespaces = '{space}'".encode())
    try:
        owner = owner_of(installation.target)
        with connect(owner) as connection:
            (sorting,) = database_parts(connection, owner, backup.manifest)[2:]
        assert sorting.place == place
    finally:
        with installation.cluster.admin() as admin:
            admin.execute(f"ALTER ROLE {installation.name} RESET temp_tablespaces".encode())
            admin.execute(f"DROP TABLESPACE {space}".encode())


def test_to_a_point_in_time_the_room_for_a_second_server_is_asked(
    installation: Installation, backup: BackupSet
) -> None:
    """Nothing of a dump is written then; where no WAL is kept, the room is not known, and never passed."""
    values = {"BACKUP_SET": str(backup.path), "RECOVERY_POINT": "latest"}
    seen = look_at_space(Scene(target=installation.target, values=values))
    assert seen.verdict is Verdict.UNPROVEN
    assert "recovered server" in "".join(seen.warnings)
    assert "restored database" not in seen.observed
