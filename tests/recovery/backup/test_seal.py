"""A dump of others becomes a set that restores, and that claims nothing nobody knows."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.seal import seal_dump
from aihummer_drtui.recovery.backup.set import BackupSet, open_set
from aihummer_drtui.recovery.backup.verify import look_at_dump, look_at_set, verify_backup
from aihummer_drtui.recovery.blobs.check import look_at_folder, look_at_references
from aihummer_drtui.recovery.blobs.restore import restore_blobs
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.check import look_at_restored, probe_database
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.ready import look_at_readiness
from aihummer_drtui.recovery.database.restore import restore_database
from aihummer_drtui.recovery.gateway.environment_check import look_at_gateway_env
from aihummer_drtui.recovery.key.check import look_at_master_key
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


@pytest.fixture
def dump(installation: Installation) -> Path:
    """Give a nightly dump as the documentation's cron line makes it."""
    path = installation.root / "aihummer-2026-01-31.dump"
    _dump(installation, "--format=custom", f"--file={path}")
    return path


def _dump(installation: Installation, *options: str) -> None:
    subprocess.run(
        [installation.cluster.bin / "pg_dump", *options, "--username=postgres", installation.name],
        env={**os.environ, "PGHOST": str(installation.cluster.folder)},
        check=True,
    )


def _seal(installation: Installation, dump: Path) -> BackupSet:
    return seal_dump(installation.target, dump, installation.root / "backups", Reporter.silent())


def _scene(installation: Installation, backup: BackupSet) -> Scene:
    return Scene(target=installation.target, values={"BACKUP_SET": str(backup.path)})


def test_the_header_tells_time_versions_and_locale(installation: Installation, dump: Path) -> None:
    """What the dump does tell is sealed as known."""
    manifest = _seal(installation, dump).manifest
    age = datetime.now(UTC) - datetime.fromisoformat(manifest.recovery_point)
    assert 0 <= age.total_seconds() < 120
    assert manifest.database.name == installation.name
    assert (manifest.database.encoding, manifest.database.collate, manifest.database.ctype) == (
        "UTF8",
        "C",
        "C",
    )
    assert set(manifest.database.extensions) == {"pgcrypto"}
    assert manifest.server_major >= 15
    assert manifest.knows(Fact.LOCALE)
    assert not manifest.knows(Fact.ROWS)
    assert dump.exists()


def test_the_extensions_of_a_long_listing_are_all_sealed(installation: Installation, dump: Path) -> None:
    """The listing of a large database is longer than what is kept of a program's words."""
    wide = ", ".join(["timestamp with time zone"] * 100)
    with installation.cluster.admin(installation.name) as connection:
        connection.execute(
            "DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format("
            f"'CREATE FUNCTION wide_%s({wide}) RETURNS int LANGUAGE sql AS $f$ SELECT 1 $f$', i);"
            " END LOOP; END $$"
        )
    _dump(installation, "--format=custom", f"--file={dump}")
    assert set(_seal(installation, dump).manifest.database.extensions) == {"pgcrypto"}


def test_a_sealed_dump_restores_and_its_rows_stay_unproven(installation: Installation, dump: Path) -> None:
    """The database comes back; that it is complete nobody could know, so nothing says it."""
    backup = _seal(installation, dump)
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.messages")
    done = restore_database(
        installation.target,
        backup,
        confirm=owner_of(installation.target).phrase,
        mode="",
        reporter=Reporter.silent(),
    )
    assert (done.rows, done.tables, done.compared) == (2009, 3, False)
    assert installation.rows() == 2000
    assert look_at_restored(_scene(installation, backup)).verdict is Verdict.UNPROVEN
    assert probe_database(_scene(installation, backup)).result is ProbeResult.DONE


def test_no_check_passes_on_what_is_not_known(installation: Installation, dump: Path) -> None:
    """Rows, roles, room, key, settings and blobs: unproven with a hint, never green."""
    scene = _scene(installation, _seal(installation, dump))
    for look in (
        look_at_set,
        look_at_readiness,
        look_at_master_key,
        look_at_gateway_env,
        look_at_folder,
    ):
        seen = look(scene)
        assert seen.verdict is Verdict.UNPROVEN, seen
    assert look_at_dump(scene).verdict is Verdict.PASSED


def test_without_a_blob_setting_media_are_not_said_to_be_inactive(
    installation: Installation, dump: Path
) -> None:
    """The line may be missing because gateway.env was rebuilt without it."""
    backup = _seal(installation, dump)
    installation.write_env(AIHUMMER_BLOB_DIR="")
    for look in (look_at_folder, look_at_references):
        assert look(_scene(installation, backup)).verdict is Verdict.UNPROVEN
    with pytest.raises(PreconditionError, match="holds no blobs"):
        restore_blobs(
            installation.target,
            backup,
            confirm=owner_of(installation.target).phrase,
            mode="",
            reporter=Reporter.silent(),
        )


def test_an_older_program_does_not_read_it(installation: Installation, dump: Path) -> None:
    """To it, no row counts would be row counts of nothing: the format's number is another."""
    document = msgspec.json.decode((_seal(installation, dump).path / "manifest.json").read_bytes())
    assert document["format"] == 2


def test_a_sealed_dump_is_verified_to_its_end(installation: Installation, dump: Path) -> None:
    """Sealing takes a dump that was cut before; verifying does not."""
    verify_backup(installation.target, _seal(installation, dump), Reporter.silent())
    cut = dump.with_name("cut.dump")
    cut.write_bytes(dump.read_bytes()[:-3000])
    with pytest.raises(FailedError, match="cannot be decoded"):
        verify_backup(installation.target, _seal(installation, cut), Reporter.silent())


def test_the_original_may_be_overwritten(installation: Installation, dump: Path) -> None:
    """pg_dump writes into the file that is there: the set must not share it."""
    backup = _seal(installation, dump)
    dump.write_bytes(b"another")
    verify_backup(installation.target, open_set(backup.path), Reporter.silent())


def test_the_same_dump_is_not_sealed_twice(installation: Installation, dump: Path) -> None:
    """So that a nightly job may be run again; nothing is left of the second try."""
    backup = _seal(installation, dump)
    with pytest.raises(PreconditionError, match="sealed already"):
        _seal(installation, dump)
    assert list(backup.path.parent.iterdir()) == [backup.path]


@pytest.mark.parametrize("form", ["plain", "tar", "directory"])
def test_d03_other_formats_are_refused_by_name(installation: Installation, form: str) -> None:
    """With what would be taken instead."""
    path = installation.root / "other"
    _dump(installation, f"--format={form}", f"--file={path}")
    with pytest.raises(PreconditionError) as raised:
        _seal(installation, path)
    assert "custom" in str(raised.value)
    assert not (installation.root / "backups").exists()


def test_a_link_to_a_dump_is_refused(installation: Installation, dump: Path) -> None:
    """What it leads to may change meanwhile."""
    link = dump.with_name("latest.dump")
    link.symlink_to(dump)
    with pytest.raises(PreconditionError, match="no link is followed"):
        _seal(installation, link)
