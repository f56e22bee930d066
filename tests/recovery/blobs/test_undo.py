"""A restore is taken back while the old folder is kept; the old one goes only when it is due, and whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.blobs.drop import Dropped, drop_old_blobs, old_folders
from aihummer_drtui.recovery.blobs.exchange import exchange
from aihummer_drtui.recovery.blobs.place import BlobPlace, Stage
from aihummer_drtui.recovery.blobs.probe import probe_blobs, probe_drop, probe_undo
from aihummer_drtui.recovery.blobs.restore import restore_blobs
from aihummer_drtui.recovery.blobs.undo import Undone, undo_blobs
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import BlobSettings, Target
from aihummer_drtui.run.verdict import ProbeResult
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a set; the live folder has one blob more by now."""
    made = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    (installation.blobs / "later").write_bytes(b"written after the backup")
    return made


def _restore(target: Target, backup: BackupSet, *, again: bool = False) -> Path | None:
    phrase = owner_of(target).phrase
    return restore_blobs(
        target, backup, confirm=phrase, mode="", reporter=Reporter.silent(), again=again
    ).kept_as


def _undo(target: Target) -> Undone:
    return undo_blobs(target, confirm=owner_of(target).phrase, mode="")


def _drop(target: Target, *, early: bool = False) -> Dropped:
    phrase = owner_of(target).phrase
    return drop_old_blobs(target, confirm=phrase, mode="", early=early, reporter=Reporter.silent())


def _probed(target: Target, backup: BackupSet | None = None) -> tuple[ProbeResult, ProbeResult]:
    values = {"BACKUP_SET": str(backup.path)} if backup else {}
    scene = Scene(target=target, values=values)
    return (probe_blobs if backup else probe_drop)(scene).result, probe_undo(scene).result


def test_the_old_folder_is_back_and_the_restored_one_kept(
    installation: Installation, backup: BackupSet
) -> None:
    """What was written since the backup is there again; the probes tell it; a restore may follow."""
    target = installation.target
    inode = installation.blobs.stat().st_ino
    _restore(target, backup)
    assert _probed(target, backup) == (ProbeResult.DONE, ProbeResult.NOT_DONE)
    done = _undo(target)
    assert installation.blobs.stat().st_ino == inode
    assert (installation.blobs / "later").exists()
    assert done.kept_as is not None
    assert not (done.kept_as / "later").exists()
    assert ".undone-" in done.kept_as.name
    assert _probed(target, backup) == (ProbeResult.NOT_DONE, ProbeResult.DONE)
    with pytest.raises(PreconditionError, match="no restore"):
        _undo(target)
    _restore(target, backup)
    assert not (installation.blobs / "later").exists()
    assert len(old_folders(target)) == 2


def test_nothing_is_undone_where_nothing_was_restored_or_kept(
    installation: Installation, backup: BackupSet
) -> None:
    """Never restored; restored where nothing was; the old folder moved away by hand."""
    target = installation.target
    with pytest.raises(PreconditionError, match="no restore"):
        _undo(target)
    kept = _restore(target, backup)
    assert kept is not None
    kept.rename(installation.root / "elsewhere")
    with pytest.raises(PreconditionError, match="not kept"):
        _undo(target)
    # Another folder of that name is not the one that was put aside.
    kept.mkdir()
    with pytest.raises(PreconditionError, match="not kept"):
        _undo(target)
    assert old_folders(target) == ()


@pytest.mark.parametrize("renamed", [False, True])
def test_an_undo_that_was_killed_is_finished(
    installation: Installation, backup: BackupSet, renamed: bool
) -> None:
    """After the exchange, with or without the new name: the next try completes, nothing is exchanged back."""
    target = installation.target
    kept = _restore(target, backup)
    assert kept is not None
    place = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)
    place.write_mark(Stage.UNDOING, place.live, place.kept())
    exchange(kept, place.live)
    if renamed:
        kept.rename(place.live.with_name("blobs.undone-20260101T000000Z"))
    assert _probed(target)[1] is ProbeResult.PARTIAL
    with pytest.raises(PreconditionError, match="undo was begun"):
        _restore(target, backup)
    done = _undo(target)
    assert (installation.blobs / "later").exists()
    assert done.kept_as is not None
    assert not (done.kept_as / "later").exists()
    assert _probed(target)[1] is ProbeResult.DONE


def _cut_off(installation: Installation, backup: BackupSet, kept: Path) -> Path:
    """Leave what an undo leaves that was killed between renaming and marking; return the restored folder."""
    place = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)
    place.write_mark(Stage.UNDOING, place.live, place.kept())
    exchange(kept, place.live)
    return kept.rename(place.live.with_name(f"{place.live.name}.undone-20260101T000000Z"))


def test_an_undo_whose_restored_folder_is_gone_is_finished_all_the_same(
    installation: Installation, backup: BackupSet
) -> None:
    """Somebody removed it meanwhile: no dead end; that it is gone is said, and a restore may follow."""
    kept = _restore(installation.target, backup)
    assert kept is not None
    shutil.rmtree(_cut_off(installation, backup, kept))
    assert _undo(installation.target) == Undone(folder=installation.blobs, kept_as=None)
    assert (installation.blobs / "later").exists()
    assert _probed(installation.target)[1] is ProbeResult.DONE
    _restore(installation.target, backup)


def test_an_undo_is_not_called_finished_over_a_foreign_folder(
    installation: Installation, backup: BackupSet
) -> None:
    """Neither the restored nor the old folder in place: what is there was put there by hand."""
    kept = _restore(installation.target, backup)
    assert kept is not None
    # Made before the other is removed: else it may get its inode.
    foreign = installation.root / "foreign"
    foreign.mkdir()
    shutil.rmtree(_cut_off(installation, backup, kept))
    installation.blobs.rename(installation.root / "elsewhere")
    foreign.rename(installation.blobs)
    with pytest.raises(PreconditionError, match="neither") as raised:
        _undo(installation.target)
    assert "restored.json" in raised.value.hint


def test_a_cut_off_undo_is_finished_whatever_the_folder_is_called(
    installation: Installation, backup: BackupSet
) -> None:
    """A name that a shell would take for a pattern."""
    folder = installation.blobs.rename(installation.root / "blobs[1]*")
    installation.write_env(AIHUMMER_BLOB_DIR=str(folder))
    kept = _restore(installation.target, backup)
    assert kept is not None
    place = BlobPlace(live=folder, set_id=backup.manifest.set_id)
    place.write_mark(Stage.UNDOING, place.live, place.kept())
    exchange(kept, place.live)
    renamed = kept.rename(folder.with_name("blobs[1]*.undone-20260101T000000Z"))
    assert _undo(installation.target).kept_as == renamed


@pytest.mark.parametrize("harm", [lambda mark: mark.write_text("{"), lambda mark: mark.mkdir()])
def test_a_mark_that_cannot_be_read_is_not_taken_for_none(
    installation: Installation, backup: BackupSet, harm: Callable[[Path], object]
) -> None:
    """What is kept is not known then: nothing is done, nothing forgotten, and no probe says done."""
    target = installation.target
    _restore(target, backup)
    mark = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id).mark
    mark.unlink()
    harm(mark)
    for act in (lambda: _restore(target, backup, again=True), lambda: _undo(target), lambda: _drop(target)):
        with pytest.raises(PreconditionError, match="the mark of the last restore"):
            act()
    assert _probed(target) == (ProbeResult.UNKNOWN, ProbeResult.UNKNOWN)
    assert _probed(target, backup)[0] is ProbeResult.UNKNOWN


def test_old_folders_go_when_they_are_due(installation: Installation, backup: BackupSet) -> None:
    """Not before keep-old is over, unless somebody says so; the live folder and strangers stay."""
    target = installation.target
    assert _drop(target) == Dropped(removed=(), kept=())
    kept = _restore(target, backup)
    assert kept is not None
    stranger = installation.root / "blobs.replaced-20200101T000000Z"
    stranger.mkdir()
    with pytest.raises(PreconditionError, match="kept until"):
        _drop(target)
    assert _probed(target)[0] is ProbeResult.UNKNOWN
    due = msgspec.structs.replace(target, keep_old="0s")
    assert _probed(due)[0] is ProbeResult.NOT_DONE
    (kept / "link").symlink_to(installation.blobs)
    assert _drop(due).removed == (kept,)
    assert not kept.exists()
    assert stranger.exists()
    assert (installation.blobs / "0/blob-3.bin").exists()
    assert _probed(target)[0] is ProbeResult.DONE
    with pytest.raises(PreconditionError, match="not kept"):
        _undo(target)


def test_early_takes_all_of_them(installation: Installation, backup: BackupSet) -> None:
    """Two restores, two old folders."""
    kept = [_restore(installation.target, backup), _restore(installation.target, backup, again=True)]
    assert [one.comes_back for one in old_folders(installation.target)] == [False, True]
    assert list(_drop(installation.target, early=True).removed) == kept


def test_only_what_an_undo_takes_is_offered_for_one(installation: Installation, backup: BackupSet) -> None:
    """Not the restored folder that an undo put aside, and not what is being removed."""
    target = installation.target
    _restore(target, backup)
    place = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)
    whole = place.last_mark()
    assert whole is not None
    half = tuple(msgspec.structs.replace(one, dropping=True) for one in whole.kept)
    place.rewrite_mark(msgspec.structs.replace(whole, kept=half))
    assert [one.comes_back for one in old_folders(target)] == [False]
    place.rewrite_mark(whole)
    _undo(target)
    assert [one.comes_back for one in old_folders(target)] == [False]


def test_what_is_half_removed_is_never_taken_for_whole(installation: Installation, backup: BackupSet) -> None:
    """Killed while removing: no undo uses the rest; the next drop goes on, whatever its time."""
    target = installation.target
    _restore(target, backup)
    place = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)
    mark = place.last_mark()
    assert mark is not None
    half = tuple(msgspec.structs.replace(one, dropping=True) for one in mark.kept)
    place.rewrite_mark(msgspec.structs.replace(mark, kept=half))
    assert _probed(target)[0] is ProbeResult.PARTIAL
    with pytest.raises(PreconditionError, match="not kept"):
        _undo(target)
    assert len(_drop(target).removed) == 1


def test_a_mark_that_names_what_it_must_not_is_not_followed(
    installation: Installation, backup: BackupSet
) -> None:
    """A mark that somebody changed leads neither out of the folder above nor through a link."""
    target = installation.target
    kept = _restore(target, backup)
    assert kept is not None
    place = BlobPlace(live=installation.blobs, set_id=backup.manifest.set_id)
    mark = place.last_mark()
    assert mark is not None
    outside = installation.root / "backups"
    for name in ("backups/../backups", f"../{installation.root.name}/backups", "blobs", "..", ""):
        inode = (installation.root / name).stat().st_ino if name else 0
        bad = msgspec.structs.replace(mark.kept[0], name=name, inode=inode)
        place.rewrite_mark(msgspec.structs.replace(mark, kept=(bad,)))
        assert old_folders(target) == ()
    assert outside.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_b08_owner_and_modes_are_as_configured(installation: Installation, backup: BackupSet) -> None:
    """By number or by name; an account that is not here stops it before anything is made."""
    wanted = BlobSettings(owner="12345", group="daemon", file_mode="0604", folder_mode="0705")
    target = msgspec.structs.replace(installation.target, blobs=wanted)
    _restore(target, backup)
    for path in (installation.blobs, *installation.blobs.rglob("*")):
        found = path.stat()
        assert (found.st_uid, found.st_gid) == (12345, 1)
        assert found.st_mode & 0o777 == (0o705 if path.is_dir() else 0o604)
    for wrong in (BlobSettings(owner="nobody-of-that-name"), BlobSettings(group="no-such-group")):
        with pytest.raises(PreconditionError, match="does not know"):
            _restore(msgspec.structs.replace(target, blobs=wrong), backup, again=True)
    assert not list(installation.root.glob("*restoring*"))
