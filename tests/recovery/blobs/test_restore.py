"""Blobs come back whole and compared, or the live folder is as it was."""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import DrtuiError, FailedError, LockedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.manifest import SealedFile
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, seal
from aihummer_drtui.recovery.blobs import exchange
from aihummer_drtui.recovery.blobs import restore as blob_restore
from aihummer_drtui.recovery.blobs.check import look_at_folder, look_at_references
from aihummer_drtui.recovery.blobs.drop import old_folders
from aihummer_drtui.recovery.blobs.place import BlobPlace, Stage
from aihummer_drtui.recovery.blobs.probe import probe_blobs
from aihummer_drtui.recovery.blobs.restore import Restored, restore_blobs
from aihummer_drtui.recovery.blobs.undo import undo_blobs
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.gateway.media import look_at_media_token
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from tests.recovery.small_cluster import Installation
from tests.recovery.small_disk import small_disk

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a sealed set of the installation."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def restore(installation: Installation, backup: BackupSet, *, again: bool = False) -> Restored:
    """Restore with everything confirmed."""
    return restore_blobs(
        installation.target,
        backup,
        confirm=owner_of(installation.target).phrase,
        mode="",
        reporter=Reporter.silent(),
        again=again,
    )


def _scene(installation: Installation, backup: BackupSet | None = None) -> Scene:
    return Scene(target=installation.target, values={"BACKUP_SET": str(backup.path)} if backup else {})


def _probed(installation: Installation, backup: BackupSet) -> ProbeResult:
    return probe_blobs(_scene(installation, backup)).result


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _place(installation: Installation, backup: BackupSet) -> BlobPlace:
    return BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)


def test_the_old_folder_is_kept_and_the_new_one_is_as_sealed(
    installation: Installation, backup: BackupSet
) -> None:
    """After the exchange both are there; the new one has the old one's mode and exactly the sealed files."""
    installation.blobs.chmod(0o710)
    before = _content(installation.blobs)
    (installation.blobs / "0" / "blob-3.bin").write_bytes(b"changed")
    (installation.blobs / "new").write_bytes(b"written after the backup")
    assert _probed(installation, backup) is ProbeResult.NOT_DONE
    done = restore(installation, backup)
    assert _content(installation.blobs) == before
    assert installation.blobs.stat().st_mode & 0o777 == 0o710
    assert done.kept_as is not None
    assert _content(done.kept_as)["0/blob-3.bin"] == b"changed"
    assert _probed(installation, backup) is ProbeResult.DONE
    assert look_at_references(_scene(installation)).verdict is Verdict.PASSED


def test_a_lost_folder_is_brought_back(installation: Installation, backup: BackupSet) -> None:
    """Nothing there: the filled folder takes the name, and a second restore wants to be asked for."""
    before = _content(installation.blobs)
    installation.blobs.rename(installation.root / "lost")
    assert _probed(installation, backup) is ProbeResult.NOT_DONE
    assert restore(installation, backup).kept_as is None
    assert _content(installation.blobs) == before
    with pytest.raises(PreconditionError, match="already restored"):
        restore(installation, backup)
    assert restore(installation, backup, again=True).kept_as is not None


def test_a_second_try_goes_on_where_the_first_was(installation: Installation, backup: BackupSet) -> None:
    """A blob missing in the set stops the first try; when it is back, the rest is not copied again."""
    live = _content(installation.blobs)
    gone = backup.blobs / "2" / "blob-5.bin"
    gone.rename(installation.root / "gone")
    with pytest.raises(FailedError, match="blob-5"):
        restore(installation, backup)
    assert _content(installation.blobs) == live
    assert _probed(installation, backup) is ProbeResult.PARTIAL
    (installation.root / "gone").rename(gone)
    assert restore(installation, backup).already_there >= 1
    assert _content(installation.blobs) == live
    assert not list(installation.root.glob("*restoring*"))


def _changed(blob: Path) -> None:
    blob.write_bytes(b"x" * blob.stat().st_size)


def _linked(blob: Path) -> None:
    blob.unlink()
    blob.symlink_to("/etc/passwd")


def _pipe(blob: Path) -> None:
    blob.unlink()
    os.mkfifo(blob)


@pytest.mark.parametrize("harm", [_changed, _linked, _pipe])
def test_b01_a_changed_blob_of_the_set_is_never_put_in_place(
    installation: Installation, backup: BackupSet, harm: Callable[[Path], None]
) -> None:
    """Other bytes of the same size, a link out of the set, a pipe: refused, live folder untouched."""
    live = _content(installation.blobs)
    harm(backup.blobs / "1" / "blob-4.bin")
    with pytest.raises(FailedError, match="blob-4"):
        restore(installation, backup)
    assert _content(installation.blobs) == live


def _sealed_with(backup: BackupSet, paths: list[str]) -> BackupSet:
    """Seal the set anew around a hostile list: one more empty blob for each path."""
    empty = hashlib.sha256(b"").hexdigest()
    text = (backup.path / "blobs.jsonl").read_bytes() + b"".join(
        json.dumps({"path": path, "size": 0, "sha256": empty}).encode() + b"\n" for path in paths
    )
    (backup.path / "blobs.jsonl").write_bytes(text)
    digest = hashlib.sha256(text).hexdigest()
    blobs = msgspec.structs.replace(
        backup.manifest.blobs, count=backup.manifest.blobs.count + len(paths), list_sha256=digest
    )
    files = (*backup.manifest.files[:1], SealedFile(name="blobs.jsonl", size=len(text), sha256=digest))
    manifest = msgspec.structs.replace(backup.manifest, blobs=blobs, files=files)
    (backup.path / "manifest.json").write_bytes(seal(manifest))
    return open_set(backup.path)


@pytest.mark.parametrize(
    "paths",
    [
        ["../outside"],
        ["/etc/cron.d/evil"],
        ["a/../../outside"],
        ["a//b"],
        ["."],
        [""],
        ["bad\x1b[2Jname"],
        ["new\nline"],
        ["nul\x00"],
        ["twice", "twice"],
        ["file", "file/below"],
        ["folder/below", "folder"],
        ["x" * 300],
    ],
)
def test_b02_a_hostile_list_is_refused_whole(
    installation: Installation, backup: BackupSet, paths: list[str]
) -> None:
    """One bad name among good ones: nothing of the set is copied, and the message shows no control."""
    hostile = _sealed_with(backup, paths)
    live = _content(installation.blobs)
    with pytest.raises(FailedError) as raised:
        restore(installation, hostile)
    assert "\x1b" not in str(raised.value)
    assert _content(installation.blobs) == live
    assert not [path for path in installation.root.glob("*restoring*") if any(path.iterdir())]


def test_a_list_that_was_changed_after_the_seal_is_refused(
    installation: Installation, backup: BackupSet
) -> None:
    """The list itself is covered by the seal."""
    listing = backup.path / "blobs.jsonl"
    listing.write_bytes(listing.read_bytes().replace(b"blob-1", b"blob-9"))
    with pytest.raises(FailedError, match="not what was sealed"):
        restore(installation, backup)


def _as_link(installation: Installation) -> Path:
    installation.blobs.rename(installation.root / "real")
    installation.blobs.symlink_to(installation.root / "real")
    return installation.blobs


def _as_file(installation: Installation) -> Path:
    path = installation.root / "a-file"
    path.write_text("x")
    return path


@pytest.mark.parametrize(
    "place", [_as_link, _as_file, lambda _: Path("/"), lambda _: Path("/proc"), lambda _: Path("relative")]
)
def test_b07_a_place_that_cannot_be_exchanged_is_refused(
    installation: Installation, backup: BackupSet, place: Callable[[Installation], Path]
) -> None:
    """A link, a file, the root folder, a mount point, a relative path: refused before anything is made."""
    installation.write_env(AIHUMMER_BLOB_DIR=str(place(installation)))
    with pytest.raises(PreconditionError):
        restore(installation, backup)
    assert not list(installation.root.glob("*restoring*"))


def test_a_kill_between_exchange_and_mark_keeps_the_old_folder(
    installation: Installation, backup: BackupSet
) -> None:
    """What stands beside then is the old folder: the next try gives it its name and does not fill it."""
    (installation.blobs / "new").write_bytes(b"written after the backup")
    old = _content(installation.blobs)
    place = _place(installation, backup)
    place.beside.mkdir()
    for path, content in _content(backup.blobs).items():
        (place.beside / path).parent.mkdir(exist_ok=True)
        (place.beside / path).write_bytes(content)
    place.write_mark(Stage.EXCHANGING, place.beside)
    exchange.exchange(place.beside, place.live)
    assert _probed(installation, backup) is ProbeResult.PARTIAL
    done = restore(installation, backup)
    assert done.kept_as is not None
    assert _content(done.kept_as) == old
    assert _probed(installation, backup) is ProbeResult.DONE


class _Killed(BaseException):
    """Stands for a kill: nothing of ours catches it."""


def test_a_kill_between_the_new_name_and_the_mark_does_not_lose_the_old_folder(
    installation: Installation, backup: BackupSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old folder has its name already: the next try names it, and an undo brings it back."""
    (installation.blobs / "new").write_bytes(b"written after the backup")

    def killed(source: Path, destination: Path) -> None:
        exchange.move_without_replacing(source, destination)
        raise _Killed

    with monkeypatch.context() as patched:
        patched.setattr(blob_restore, "move_without_replacing", killed)
        with pytest.raises(_Killed):
            restore(installation, backup)
    assert _probed(installation, backup) is ProbeResult.PARTIAL
    kept = restore(installation, backup).kept_as
    assert kept is not None
    assert [one.path for one in old_folders(installation.target)] == [kept]
    undo_blobs(installation.target, confirm=owner_of(installation.target).phrase, mode="")
    assert (installation.blobs / "new").exists()


CHILD = """
import os, signal, sys
from pathlib import Path
from aihummer_drtui.recovery.blobs import crew, restore as blob_restore
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target_file import load_target
crew._AT_ONCE = 1
class Killing(Reporter):
    def reached(self, done):
        if self._phase == "restoring blobs":
            os.kill(os.getpid(), int(sys.argv[3]))
target = load_target(Path(sys.argv[1]))
blob_restore.restore_blobs(target, open_set(Path(sys.argv[2])), confirm=owner_of(target).phrase, mode="",
                           reporter=Killing(None))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_restore_goes_on_at_the_next_try(
    installation: Installation, backup: BackupSet, number: signal.Signals
) -> None:
    """Ended in the middle of a copy: live folder untouched, probe partial, the next try completes."""
    live = _content(installation.blobs)
    target = installation.write_target()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(target), str(backup.path), str(int(number))],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert _content(installation.blobs) == live
    assert _probed(installation, backup) is ProbeResult.PARTIAL
    restore(installation, backup)
    assert _content(installation.blobs) == live
    assert _probed(installation, backup) is ProbeResult.DONE


def test_inactive_media_has_nothing_to_restore(installation: Installation) -> None:
    """An AIHUMMER_BLOB_DIR that never was set: a passed check, a finished probe, a command without work."""
    installation.write_env(AIHUMMER_BLOB_DIR="")
    backup = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    assert restore(installation, backup).folder is None
    assert _probed(installation, backup) is ProbeResult.DONE
    for look in (look_at_folder, look_at_references):
        seen = look(_scene(installation, backup))
        assert (seen.verdict, "inactive" in seen.observed) == (Verdict.PASSED, True)


def test_a_blob_folder_that_was_lost_from_gateway_env_is_no_inactive_media(
    installation: Installation, backup: BackupSet
) -> None:
    """The set holds blobs: to bring none of them back must not look done, passed or proven."""
    installation.write_env(AIHUMMER_BLOB_DIR="")
    with pytest.raises(PreconditionError, match="holds 7 blobs"):
        restore(installation, backup)
    assert _probed(installation, backup) is ProbeResult.UNKNOWN
    for look in (look_at_folder, look_at_references, look_at_media_token):
        seen = look(_scene(installation, backup))
        assert (seen.verdict, "holds 7 blobs" in seen.observed) == (Verdict.FAILED, True)


def test_references_that_give_no_row_prove_nothing(installation: Installation) -> None:
    """The wrong statement, or an empty database, refers to nothing; nothing is missing then, and all is."""
    backup = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.media")
    assert look_at_references(_scene(installation)).verdict is Verdict.UNPROVEN
    assert look_at_references(_scene(installation, backup)).verdict is Verdict.FAILED


def test_two_restores_at_once_are_kept_apart(installation: Installation, backup: BackupSet) -> None:
    """One at a time, of whichever set: the second is told, and has made nothing."""
    above = os.open(installation.blobs.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(above, fcntl.LOCK_EX)
        with pytest.raises(LockedError):
            restore(installation, backup)
    finally:
        os.close(above)
    assert not list(installation.root.glob("*restoring*"))


def test_the_folder_check_really_writes(installation: Installation, backup: BackupSet) -> None:
    """A folder that cannot be written fails; one that is not there yet is tried at its parent."""
    seen = look_at_folder(_scene(installation, backup))
    assert seen.verdict is Verdict.PASSED
    # The restore makes its own folder above; AiHummer writes into the folder itself.
    assert f"removed in {installation.root} and {installation.blobs};" in seen.observed
    installation.write_env(AIHUMMER_BLOB_DIR=str(installation.root / "not" / "yet"))
    assert "does not exist yet" in look_at_folder(_scene(installation)).observed
    installation.write_env(AIHUMMER_BLOB_DIR="/proc/blobs")
    assert look_at_folder(_scene(installation)).verdict is Verdict.FAILED
    installation.target.gateway_env.unlink()
    assert look_at_folder(_scene(installation)).verdict is Verdict.FAILED


def test_b07_the_folder_check_fails_where_the_restore_would_refuse(installation: Installation) -> None:
    """A link and a relative path: known minutes into the recovery, not after hours."""
    (installation.root / "link").symlink_to(installation.blobs)
    installation.write_env(AIHUMMER_BLOB_DIR=str(installation.root / "link"))
    seen = look_at_folder(_scene(installation))
    assert seen.verdict is Verdict.FAILED
    assert f"{installation.root}/link: the blob folder is a link" in seen.observed
    installation.write_env(AIHUMMER_BLOB_DIR="blobs")
    assert "no folder that may be replaced" in look_at_folder(_scene(installation)).observed


def test_b05_a_set_that_does_not_fit_fails_the_folder_check(
    installation: Installation, backup: BackupSet
) -> None:
    """Room is compared with the sealed size before anything is copied."""
    blobs = msgspec.structs.replace(backup.manifest.blobs, size=1 << 60)
    (backup.path / "manifest.json").write_bytes(seal(msgspec.structs.replace(backup.manifest, blobs=blobs)))
    seen = look_at_folder(_scene(installation, backup))
    assert seen.verdict is Verdict.FAILED
    assert "needed" in seen.observed


def test_what_an_earlier_try_brought_counts_for_the_folder_check(
    installation: Installation, backup: BackupSet
) -> None:
    """As for the restore itself: its rest would fit, so the check does not hold it up."""
    blobs = msgspec.structs.replace(backup.manifest.blobs, size=8_000_000)
    (backup.path / "manifest.json").write_bytes(seal(msgspec.structs.replace(backup.manifest, blobs=blobs)))
    with small_disk(installation.root / "disk", "size=10m") as disk:
        installation.write_env(AIHUMMER_BLOB_DIR=str(disk / "blobs"))
        place = BlobPlace(live=disk / "blobs", set_id=backup.manifest.set_id)
        place.beside.mkdir()
        (place.beside / "large").write_bytes(b"x" * 5_000_000)
        seen = look_at_folder(_scene(installation, backup))
        assert seen.verdict is Verdict.PASSED, seen.observed


@pytest.mark.parametrize("harm", [_changed, _linked, Path.unlink])
def test_b01_a_blob_the_database_refers_to_is_missed(
    installation: Installation, harm: Callable[[Path], None]
) -> None:
    """Missing, changed or linked: counted, and the first one named."""
    harm(installation.blobs / "1" / "blob-4.bin")
    seen = look_at_references(_scene(installation))
    assert seen.verdict is Verdict.FAILED
    assert "blob-4" in seen.observed


def test_an_unknown_layout_is_unproven(installation: Installation) -> None:
    """Without SQL for the references nobody can know, and nothing is green."""
    media = msgspec.structs.replace(installation.target.media, references="")
    target = msgspec.structs.replace(installation.target, media=media)
    assert look_at_references(Scene(target=target, values={})).verdict is Verdict.UNPROVEN


def test_a_wrong_identity_changes_nothing(installation: Installation, backup: BackupSet) -> None:
    """The gate is the same as for the database."""
    with pytest.raises(DrtuiError):
        restore_blobs(installation.target, backup, confirm="x/y", mode="", reporter=Reporter.silent())
    assert not list(installation.root.glob("*restoring*"))
