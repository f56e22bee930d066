"""Backup sets are whole or not there, and hold no secret."""

import hashlib
import os
import stat
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BlobLine, open_set
from aihummer_drtui.recovery.key.fingerprints import (
    key_fingerprint,
    media_token_fingerprint,
    parse_master_key,
)
from aihummer_drtui.recovery.reporting import Reporter
from tests.recovery.small_cluster import MASTER_KEY, MEDIA_SECRET, PASSWORD, Installation

pytestmark = pytest.mark.postgres


def _backup(installation: Installation) -> Path:
    return create_backup(installation.target, installation.root / "backups", Reporter.silent()).path


def test_a_set_tells_what_the_snapshot_held(installation: Installation) -> None:
    """Row counts, extensions and needed roles are sealed, so that a restore can be compared with them."""
    manifest = open_set(_backup(installation)).manifest
    assert manifest.database.tables == {
        "hum.messages": 2000,
        'hum."Odd name"': 2,
        "hum.media": 7,
    }
    assert set(manifest.database.extensions) == {"plpgsql", "pgcrypto"}
    assert manifest.database.roles == (installation.name, f"{installation.name}_app")
    assert manifest.key_fingerprint == key_fingerprint(parse_master_key(MASTER_KEY, where="test"))
    assert manifest.media_token_fingerprint == media_token_fingerprint(MEDIA_SECRET)
    assert "AIHUMMER_MASTER_KEY" in manifest.gateway_env_names
    assert (manifest.blobs.count, manifest.blobs.referenced, manifest.blobs.referenced_missing) == (7, 7, 0)
    assert manifest.aihummer_version == ""
    assert "could not be learned" in manifest.doubts[0]


def test_blobs_are_listed_with_the_hash_of_what_was_copied(installation: Installation) -> None:
    """Each line of blobs.jsonl is true of the copy beside it."""
    made = open_set(_backup(installation))
    lines = [
        msgspec.json.decode(line, type=BlobLine)
        for line in (made.path / "blobs.jsonl").read_bytes().splitlines()
    ]
    assert len(lines) == 7
    for line in lines:
        content = (made.blobs / line.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (line.size, line.sha256)


def test_no_secret_is_in_a_set(installation: Installation) -> None:
    """The key, the media secret and the password appear in no file of the set."""
    for path in _backup(installation).rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        if path.is_file():
            content = path.read_bytes()
            for secret in (MASTER_KEY, MEDIA_SECRET, PASSWORD):
                assert secret.encode() not in content, path


def test_links_and_odd_names_are_left_out_and_said(installation: Installation) -> None:
    """No link is followed, no name with a control character is copied; both are told."""
    secret = installation.root / "outside"
    secret.write_text("not yours")
    (installation.blobs / "link").symlink_to(secret)
    (installation.blobs / "folder").symlink_to(installation.root)
    (installation.blobs / "bad\x1bname").write_text("x")
    os.mkfifo(installation.blobs / "pipe")
    made = open_set(_backup(installation))
    assert made.manifest.blobs.count == 7
    assert made.manifest.blobs.left_out_count == 4
    assert "\x1b" not in "".join(made.manifest.blobs.left_out)


def test_a_failure_leaves_nothing_behind(installation: Installation) -> None:
    """A dump that breaks off is removed whole, with a message in pg_dump's words."""
    with installation.cluster.admin(installation.name) as connection:
        connection.execute("CREATE TABLE hum.foreign_owner (id int)")
    with pytest.raises(FailedError, match="permission denied"):
        _backup(installation)
    assert list((installation.root / "backups").iterdir()) == []


def test_a_set_left_by_a_killed_backup_is_removed_by_the_next(installation: Installation) -> None:
    """A partial folder without a living owner does not fill the disk for ever."""
    left = installation.root / "backups" / ".partial-20200101T000000Z-00000000"
    left.mkdir(parents=True)
    (left / "database.dump").write_text("half")
    made = _backup(installation)
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_without_a_blob_folder_there_is_nothing_to_copy(installation: Installation) -> None:
    """An unset AIHUMMER_BLOB_DIR is an inactive media service, not a failure."""
    installation.write_env(AIHUMMER_BLOB_DIR="", AIHUMMER_MASTER_KEY="")
    manifest = open_set(_backup(installation)).manifest
    assert not manifest.blobs.active
    assert manifest.key_fingerprint == ""


def test_an_unreachable_database_is_told_without_its_password(installation: Installation) -> None:
    """Wrong connection: the operator learns where and why, the password stays out of the message."""
    installation.write_env(
        AIHUMMER_DATABASE_URL=f"postgres://nobody:s3cretpw@%2Fnonexistent/{installation.name}"
    )
    with pytest.raises(PreconditionError, match="cannot be reached") as raised:
        _backup(installation)
    assert "s3cretpw" not in str(raised.value)
    assert not list((installation.root / "backups").glob("*"))


def test_the_next_set_links_to_the_newest_sealed_one_only(installation: Installation) -> None:
    """A folder without a seal is no backup, and nothing is built upon it."""
    first = _backup(installation)
    second = open_set(_backup(installation)).manifest
    assert (second.blobs.linked, second.blobs.linked_to) == (7, open_set(first).manifest.set_id)
    for manifest in (installation.root / "backups").glob("*/manifest.json"):
        manifest.unlink()
    assert open_set(_backup(installation)).manifest.blobs.linked == 0


def test_roles_and_their_settings_are_written_out_without_passwords(installation: Installation) -> None:
    """A dump of one database brings none of them; the file is for the person who makes them again."""
    with installation.cluster.admin() as connection:
        connection.execute(f"ALTER ROLE {installation.name}_app SET statement_timeout = '7s'".encode())
    made = open_set(_backup(installation))
    text = (made.path / "roles.sql").read_text()
    assert made.manifest.file("roles.sql") is not None
    assert f"CREATE ROLE {installation.name}_app" in text
    assert "statement_timeout" in text
    assert "PASSWORD" not in text
