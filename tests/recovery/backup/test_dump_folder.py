"""A dump in directory format: every file sealed, none more, read through one descriptor of its folder."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.dump_folder import dump_state, newest_file, refuse_changed
from aihummer_drtui.recovery.backup.manifest import SealedFile
from aihummer_drtui.recovery.backup.points import recovery_points
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, seal
from aihummer_drtui.recovery.backup.verified import read_verified
from aihummer_drtui.recovery.backup.verify import look_at_dump, look_at_set, open_dump, verify_backup
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.restore import Restored, restore_database
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import Verdict
from tests.recovery.backup.test_points import NOW
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a set whose dump is a folder; ten messages are left in the live database."""
    made = create_backup(installation.target, installation.root / "backups", Reporter.silent(), jobs=2)
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.messages WHERE id > 10")
    return made


def _restore(installation: Installation, backup: BackupSet) -> Restored:
    return restore_database(
        installation.target,
        backup,
        confirm=owner_of(installation.target).phrase,
        mode="",
        reporter=Reporter.silent(),
    )


def test_it_is_sealed_verified_listed_and_restored(installation: Installation, backup: BackupSet) -> None:
    """As a dump of one file is, with the same rows of the same snapshot."""
    names = [file.name for file in backup.manifest.dump_files]
    assert "database.dir/toc.dat" in names
    assert len(names) == len(list((backup.path / "database.dir").iterdir())) > 3
    assert b'"format": 3' in (backup.path / "manifest.json").read_bytes()
    found = verify_backup(installation.target, backup, Reporter.silent())
    assert found.dump == sum(file.size for file in backup.manifest.dump_files)
    assert read_verified(backup) is not None
    scene = Scene(target=installation.target, values={"BACKUP_SET": str(backup.path)})
    assert look_at_set(scene).verdict is Verdict.PASSED
    assert look_at_dump(scene).verdict is Verdict.PASSED
    (point,) = recovery_points(backup.path.parent, fingerprint="", now=NOW)
    assert point.manifest == backup.manifest
    assert _restore(installation, backup).rows == 2009
    assert installation.rows() == 2000


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _link(file: Path) -> None:
    file.rename(file.parent.parent / "elsewhere")
    file.symlink_to(file.parent.parent / "elsewhere")


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _more(file: Path) -> None:
    (file.parent / "9999.dat").write_bytes(b"rows of somebody else")


def _link_to_folder(file: Path) -> None:
    file.parent.rename(file.parent.parent / "elsewhere")
    file.parent.symlink_to("elsewhere")


@pytest.mark.parametrize("harm", [_flip, _cut, _link, _pipe, Path.unlink, _more, _link_to_folder])
def test_d01_a_changed_folder_is_refused_untouched(
    installation: Installation, backup: BackupSet, harm: Callable[[Path], None]
) -> None:
    """A bit, a cut, a link, a pipe, a file that is missing or too many: before pg_restore sees any of it."""
    harm(sorted((backup.path / "database.dir").glob("*.dat.gz"))[0])
    with pytest.raises(DrtuiError):
        _restore(installation, backup)
    with pytest.raises(DrtuiError):
        verify_backup(installation.target, backup, Reporter.silent())
    assert read_verified(backup) is None
    assert installation.databases() == [installation.name]
    assert installation.rows() == 10


def test_a_file_too_many_fails_the_quick_check(installation: Installation, backup: BackupSet) -> None:
    """It costs a look into the folder only."""
    (backup.path / "database.dir" / "9999.dat").touch()
    seen = look_at_set(Scene(target=installation.target, values={"BACKUP_SET": str(backup.path)}))
    assert seen.verdict is Verdict.FAILED
    assert "9999.dat was not sealed" in seen.observed


@pytest.mark.parametrize(
    "names",
    [
        ("database.dir/../x",),
        ("database.dir/a/b",),
        ("other.dir/toc.dat",),
        ("database.dir/",),
        ("database.dir/.hidden",),
        ("database.dir/1.dat",),
        ("database.dir/toc.dat", "database.dump"),
    ],
)
def test_names_that_lead_out_or_contradict_are_refused(backup: BackupSet, names: tuple[str, ...]) -> None:
    """No folder but the dump's, no folder in it, its table of contents there, and one dump only."""
    files = tuple(SealedFile(name=name, size=1, sha256="a" * 64) for name in names)
    document = seal(msgspec.structs.replace(backup.manifest, files=files))
    (backup.path / "manifest.json").write_bytes(document)
    with pytest.raises(PreconditionError, match="no backup has"):
        open_set(backup.path)


def test_files_that_change_while_they_are_read_are_not_trusted(backup: BackupSet) -> None:
    """What was hashed is what was restored, or the restore does not count."""
    descriptor = open_dump(backup, Reporter.silent())
    try:
        before = dump_state(descriptor)
        refuse_changed(backup, descriptor, before)
        name = backup.path / backup.manifest.dump_files[0].name
        name.write_bytes(name.read_bytes())
        with pytest.raises(FailedError, match="changed while it was read"):
            refuse_changed(backup, descriptor, before)
    finally:
        os.close(descriptor)


def test_the_newest_file_stands_for_the_dump(backup: BackupSet, tmp_path: Path) -> None:
    """A file of the folder that is written again makes the set unverified; an empty folder has none."""
    file = sorted((backup.path / "database.dir").iterdir())[0]
    before = newest_file(backup.path).st_mtime_ns
    file.write_bytes(file.read_bytes())
    assert newest_file(backup.path).st_mtime_ns > before
    (tmp_path / "database.dir").mkdir()
    with pytest.raises(FileNotFoundError):
        newest_file(tmp_path)


def test_settings_of_the_database_are_sealed_without_what_may_be_secret(
    installation: Installation,
) -> None:
    """A dump leaves them out; after a restore each is named, so that a person can set it again."""
    with installation.cluster.admin() as admin:
        for setting in ("work_mem = '8MB'", "app.jwt_secret = 'hush-hush'"):
            admin.execute(f'ALTER DATABASE "{installation.name}" SET {setting}'.encode())
    made = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    told = {each.name: (each.role, each.value) for each in made.manifest.database.settings}
    assert told == {"work_mem": ("", "8MB"), "app.jwt_secret": ("", None)}
    assert b"hush-hush" not in (made.path / "manifest.json").read_bytes()
    assert made.manifest.database.lsn_ended >= made.manifest.database.lsn > ""
    warnings = "\n".join(_restore(installation, made).warnings)
    assert "setting work_mem of the database is in no dump, it was 8MB" in warnings
    assert "setting app.jwt_secret of the database" in warnings
