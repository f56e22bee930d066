"""Base backups: taken from real servers, sealed last, verified, signed, and read as a stranger's."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.growing import PARTIAL
from aihummer_drtui.recovery.backup.prune import Keep, judge
from aihummer_drtui.recovery.point_in_time.base import Base, bases_in, open_base, seal_text
from aihummer_drtui.recovery.point_in_time.base_create import make_base
from aihummer_drtui.recovery.point_in_time.base_verify import (
    base_verified,
    read_manifest,
    record_base_verified,
    verify_base,
)
from aihummer_drtui.recovery.point_in_time.segments import lsn_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Postgres, Target
from aihummer_drtui.run.recovery_set import Signed
from tests.conftest import short_folder
from tests.recovery.point_in_time.archiving import target_of
from tests.recovery.small_cluster import MASTER_KEY, Cluster

pytestmark = pytest.mark.postgres
SILENT = Reporter.silent()


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder that the server's account can pass through."""
    with short_folder() as folder:
        yield folder / "base"


def keys(folder: Path) -> tuple[Path, Path]:
    """Make an Ed25519 pair."""
    private, public = folder / "key.pem", folder / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    private.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return private, public


def test_a_base_backup_is_sealed_with_what_a_recovery_needs(
    cluster: Cluster, place: Path, tmp_path: Path
) -> None:
    """Cluster, versions, positions, times, the hash of its list; the key by its fingerprint only."""
    env = tmp_path / "gateway.env"
    env.write_text(f"AIHUMMER_MASTER_KEY={MASTER_KEY}\n")
    target = msgspec.structs.replace(target_of(cluster), gateway_env=env)
    before = datetime.now(UTC)
    base = make_base(target, place, SILENT)
    seal = base.seal
    assert open_base(base.path) == base
    assert before < datetime.fromisoformat(seal.started) < datetime.fromisoformat(seal.ended)
    assert lsn_of(seal.start_lsn) < lsn_of(seal.end_lsn)
    assert seal.server_version.startswith(f"{base.server_major}.")
    assert MASTER_KEY not in (base.path / "base.json").read_text()
    assert len(seal.key_fingerprint) == 16
    assert base.data.stat().st_mode & 0o777 == 0o700
    assert base_verified(base) is not None
    assert not list(place.glob(f"{PARTIAL}*"))
    assert verify_base(target, base, SILENT) is Signed.NONE


def test_a_second_one_of_the_same_second_has_another_name(cluster: Cluster, place: Path) -> None:
    """Names are what keepers tell base backups apart by."""
    made = [make_base(target_of(cluster), place, SILENT) for _ in range(2)]
    found, bad = bases_in(place)
    assert {base.path for base in found} == {base.path for base in made}
    assert found[0].seal.ended > found[1].seal.ended
    assert bad == []
    assert len({base.as_backup(None).label for base in found}) == 2


def test_what_breaks_leaves_nothing_behind(cluster: Cluster, place: Path) -> None:
    """A role that may not copy the server: told in pg_basebackup's words, and the place is empty."""
    with cluster.admin() as connection:
        connection.execute("DROP ROLE IF EXISTS weak")
        connection.execute("CREATE ROLE weak LOGIN; GRANT pg_monitor TO weak")
        connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO weak")
    hba = cluster.folder / "data" / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text(f"local all,replication weak trust\n{before}")
    cluster.control("reload")
    weak = msgspec.structs.replace(
        target_of(cluster),
        postgres=Postgres(admin=f"host={cluster.folder} user=weak", data_directory=cluster.folder / "data"),
    )
    with pytest.raises(FailedError, match="pg_basebackup ended with exit code 1") as told:
        make_base(weak, place, SILENT)
    hba.write_text(before)
    cluster.control("reload")
    assert "permission denied" in told.value.what
    assert "REPLICATION" in told.value.hint
    assert list(place.iterdir()) == []


def test_a_place_that_the_account_cannot_enter_is_told(cluster: Cluster) -> None:
    """pg_basebackup runs as the server's account; root's private folder is closed to it."""
    if os.geteuid() != 0 or cluster.account.uid is None:
        pytest.skip("only root runs it as another account")
    with short_folder() as folder:
        folder.chmod(0o700)
        with pytest.raises(PreconditionError, match="cannot enter this folder") as told:
            make_base(target_of(cluster), folder / "base", SILENT)
        assert "chmod o+x" in told.value.hint
        assert list((folder / "base").iterdir()) == []


def test_signed_and_trusted_or_refused(cluster: Cluster, place: Path, tmp_path: Path) -> None:
    """As backup sets are: with trusted keys, an unsigned or altered seal is no base backup to use."""
    private, public = keys(tmp_path)
    signing = msgspec.structs.replace(target_of(cluster), signing_key=private)
    trusting = msgspec.structs.replace(target_of(cluster), trusted_keys=(public,))
    signed = make_base(signing, place, SILENT)
    unsigned = make_base(target_of(cluster), place, SILENT)
    assert verify_base(trusting, signed, SILENT) is Signed.TRUSTED
    assert verify_base(target_of(cluster), signed, SILENT) is Signed.UNKNOWN_KEY
    with pytest.raises(FailedError, match="not signed"):
        verify_base(trusting, unsigned, SILENT)
    assert base_verified(unsigned) is not None, "whom to trust tells nothing of the copy"
    forged = msgspec.structs.replace(signed.seal, timeline=signed.seal.timeline + 1)
    (signed.path / "base.json").write_bytes(seal_text(forged))
    for target in (trusting, target_of(cluster)):
        with pytest.raises(FailedError, match="signature does not hold"):
            verify_base(target, open_base(signed.path), SILENT)


@pytest.fixture(scope="module")
def sound(cluster: Cluster) -> Iterator[Base]:
    """Give a base backup that tests copy before they damage it."""
    with short_folder() as folder:
        yield make_base(target_of(cluster), folder / "base", SILENT)


@pytest.fixture
def damaged(sound: Base) -> Iterator[Path]:
    """Give a copy of it."""
    with short_folder() as folder:
        subprocess.run(["cp", "-a", sound.path, folder / "copy"], check=True)
        yield folder / "copy"


def test_a_copy_is_not_verified_until_it_is(cluster: Cluster, damaged: Path) -> None:
    """The record is of the very files that were read."""
    base = open_base(damaged)
    assert base_verified(base) is None
    verify_base(target_of(cluster), base, SILENT)
    assert base_verified(base) is not None
    (damaged / "verified.json").write_text("{}")
    assert base_verified(base) is None


def test_a_copy_whose_list_is_cut_is_no_longer_called_verified(cluster: Cluster, damaged: Path) -> None:
    """The record that an earlier verification left goes."""
    base = open_base(damaged)
    verify_base(target_of(cluster), base, SILENT)
    assert (damaged / "verified.json").exists()
    manifest = base.data / "backup_manifest"
    manifest.write_bytes(manifest.read_bytes()[:100])
    with pytest.raises(PreconditionError, match="the list of its files is none"):
        verify_base(target_of(cluster), base, SILENT)
    assert not (damaged / "verified.json").exists()


def test_a_damaged_file_and_a_changed_list_are_found(cluster: Cluster, damaged: Path) -> None:
    """Even where the list was changed to match: the seal holds its hash."""
    base = open_base(damaged)
    record_base_verified(base, datetime.now(UTC))
    (base.data / "PG_VERSION").write_text("99\n")
    with pytest.raises(FailedError, match="not sound: pg_verifybackup"):
        verify_base(target_of(cluster), base, SILENT)
    assert base_verified(base) is None
    manifest = json.loads((base.data / "backup_manifest").read_text())
    manifest["Files"] = manifest["Files"][1:]
    (base.data / "backup_manifest").write_text(json.dumps(manifest))
    with pytest.raises(FailedError, match="backup_manifest is not the one"):
        verify_base(target_of(cluster), base, SILENT)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("../../etc/passwd", "is not sound"),
        ("/etc/passwd", "is not sound"),
        ("base/../../x", "is not sound"),
        ("", "is not sound"),
        ("a//b", "is not sound"),
        (".", "is not sound"),
    ],
)
def test_a_list_with_names_that_lead_elsewhere_is_refused(tmp_path: Path, path: str, told: str) -> None:
    """Nothing is copied by a stranger's list."""
    files = [{"Path": path, "Size": 1, "Checksum-Algorithm": "SHA256", "Checksum": "00"}]
    ranges = [{"Timeline": 1, "Start-LSN": "0/1", "End-LSN": "0/2"}]
    (tmp_path / "backup_manifest").write_text(json.dumps({"Files": files, "WAL-Ranges": ranges}))
    with pytest.raises(PreconditionError, match=told):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[]", "\xff", '{"Files": [], "WAL-Ranges": []}'])
def test_a_list_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    """Cut off, of another format, or empty."""
    with pytest.raises(PreconditionError, match="cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "backup_manifest").write_text(content, encoding="latin-1")
    with pytest.raises(PreconditionError, match=r"is none|names no WAL"):
        read_manifest(tmp_path)
    (tmp_path / "backup_manifest").rename(tmp_path / "other")
    (tmp_path / "backup_manifest").symlink_to("other")
    with pytest.raises(PreconditionError, match="link"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace('"timeline": 1', '"timeline": 2'), "changed or damaged"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "has format 9"),
        (lambda text: text[:-20], "cannot be read"),
        (lambda _: "", "cannot be read"),
        (lambda _: "[1]", "cannot be read"),
    ],
)
def test_a_seal_that_was_changed_is_none(damaged: Path, change: "object", told: str) -> None:
    """Without a sound seal a folder is no base backup, and is listed with the reason."""
    assert callable(change)
    seal = damaged / "base.json"
    seal.write_text(change(seal.read_text()))
    with pytest.raises(PreconditionError, match=told):
        open_base(damaged)
    found, bad = bases_in(damaged.parent)
    assert found == []
    assert [one.path for one in bad] == [damaged]
    assert told in bad[0].problem


def test_what_is_no_base_backup_is_told_apart(damaged: Path) -> None:
    """Unfinished, without a seal, a link, something else."""
    place = damaged.parent
    (place / f"{PARTIAL}x").mkdir()
    (place / "link").symlink_to(damaged)
    (place / "file").touch()
    (place / "other").mkdir()
    (damaged / "base.json").unlink()
    found, bad = bases_in(place)
    assert found == []
    assert {one.path.name: one.problem for one in bad} == {
        f"{PARTIAL}x": "it is being made or removed, or that was cut off",
        "copy": "no base backup: it has no base.json",
    }
    with pytest.raises(PreconditionError, match="link is not followed"):
        open_base(place / "link")
    (damaged / "base.json").mkdir()
    with pytest.raises(PreconditionError, match="seal cannot be read"):
        open_base(damaged)


def test_prune_leaves_base_backups_alone(damaged: Path) -> None:
    """`backup prune` on the very place sees no set there, so nothing that it could remove."""
    assert judge(damaged.parent, Keep(daily=1)) == []
    assert open_base(damaged)


def test_no_programs_of_that_version_is_told(damaged: Path, tmp_path: Path) -> None:
    """A base backup of a major version that is not installed here cannot be verified here."""
    seal = open_base(damaged).seal
    (damaged / "base.json").write_bytes(seal_text(msgspec.structs.replace(seal, server_version="99.1")))
    with pytest.raises(PreconditionError, match="programs of PostgreSQL 99"):
        verify_base(Target(gateway_env=tmp_path / "none"), open_base(damaged), SILENT)
