"""Blobs come from wherever they are kept, proven by what is known, or the live folder is as it was."""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, seal
from aihummer_drtui.recovery.blobs.place import BlobPlace
from aihummer_drtui.recovery.blobs.referred import Grade
from aihummer_drtui.recovery.blobs.restore import Restored, restore_blobs
from aihummer_drtui.recovery.blobs.source import parse_source, source_mark
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import BlobSettings, MediaLayout, Target
from tests.recovery.small_cluster import Installation
from tests.recovery.small_disk import small_disk

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a set whose own blobs are gone: they are kept in `kept`; the live folder has changed."""
    made = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    made.blobs.rename(installation.root / "kept")
    (installation.blobs / "later").write_bytes(b"written after the backup")
    return made


def _restore(
    target: Target,
    backup: BackupSet | None,
    source: str,
    *,
    again: bool = False,
    accept_missing: bool = False,
) -> Restored:
    return restore_blobs(
        target,
        backup,
        confirm=owner_of(target).phrase,
        mode="",
        reporter=Reporter.silent(),
        source=parse_source(source),
        again=again,
        accept_missing=accept_missing,
    )


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here")
    return found


def _folder(kept: Path) -> str:
    return str(kept)


def _tar(kept: Path) -> str:
    path = kept.with_name("blobs.tar.gz")
    subprocess.run(["tar", "-C", str(kept.parent), "-czf", str(path), kept.name], check=True)
    return f"{path}#{kept.name}"


def _tar_zst(kept: Path) -> str:
    path = kept.with_name("blobs.tar")
    subprocess.run(["tar", "-C", str(kept), "-cf", str(path), "."], check=True)
    subprocess.run([_program("zstd"), "-q", "-f", "--rm", str(path)], check=True)
    return f"{path}.zst"


def _rsync(kept: Path) -> str:
    _program("rsync")
    return f"rsync:{kept}"


def _rclone(kept: Path) -> str:
    _program("rclone")
    return f"rclone:kept:{kept}"


def _restic(kept: Path) -> str:
    repository = kept.with_name("repository")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(kept.parent),
        "RESTIC_PASSWORD_FILE": str(_password(kept.parent)),
        "RESTIC_REPOSITORY": str(repository),
    }
    commands = [] if repository.exists() else [["init"]]
    for command in [*commands, ["backup", str(kept)]]:
        subprocess.run([_program("restic"), "-q", *command], check=True, env=environment, capture_output=True)
    return f"restic:{repository}"


def _password(folder: Path) -> Path:
    path = folder / "restic-password"
    path.write_text("secret of the tests\n")
    return path


_SOURCES = [_folder, _tar, _tar_zst, _rsync, _rclone, _restic]
_Source = Callable[[Path], str]


@pytest.fixture
def target(installation: Installation) -> Target:
    """Give a target that knows how rclone and restic are told their secrets."""
    config = installation.root / "rclone.conf"
    config.write_text("[kept]\ntype = local\n")
    blobs = BlobSettings(rclone_config=config, restic_password_file=_password(installation.root))
    return msgspec.structs.replace(installation.target, blobs=blobs)


@pytest.mark.parametrize("source", _SOURCES)
def test_every_source_brings_what_was_sealed(
    installation: Installation, backup: BackupSet, target: Target, source: _Source
) -> None:
    """Whatever else it holds is left out; modes are put right; the old folder is kept."""
    kept = installation.root / "kept"
    sealed = _content(kept)
    (kept / "newer").write_bytes(b"not of the set")
    (kept / "0/blob-3.bin").chmod(0o777)
    installation.blobs.chmod(0o710)
    done = _restore(target, backup, source(kept))
    assert _content(installation.blobs) == sealed
    assert done.proof.grade is Grade.SEALED
    assert done.blobs == len(sealed)
    assert done.kept_as is not None
    assert (done.kept_as / "later").exists()
    modes = {path.stat().st_mode & 0o777 for path in installation.blobs.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (installation.blobs, installation.blobs / "0")} == {0o710}
    assert not list(installation.root.glob("blobs.restoring*"))


@pytest.mark.parametrize("source", _SOURCES)
def test_b01_a_changed_blob_of_any_source_is_never_put_in_place(
    installation: Installation, backup: BackupSet, target: Target, source: _Source
) -> None:
    """Same size, other bytes: refused; when the source is mended the same command goes on and ends well."""
    kept = installation.root / "kept"
    live, sealed = _content(installation.blobs), _content(kept)
    right = (kept / "1/blob-4.bin").read_bytes()
    state = (kept / "1/blob-4.bin").stat()
    (kept / "1/blob-4.bin").write_bytes(b"!" * len(right))
    with pytest.raises(FailedError, match="blob-4"):
        _restore(target, backup, source(kept))
    assert _content(installation.blobs) == live
    (kept / "1/blob-4.bin").write_bytes(right)
    os.utime(kept / "1/blob-4.bin", ns=(state.st_atime_ns, state.st_mtime_ns))
    done = _restore(target, backup, source(kept))
    assert _content(installation.blobs) == sealed
    if source in {_folder, _tar, _tar_zst}:
        assert done.already_there > 0


@pytest.mark.parametrize("source", [_folder, _tar, _rsync, _rclone, _restic])
def test_without_a_set_the_database_says_what_must_be_there(
    installation: Installation, backup: BackupSet, target: Target, source: _Source
) -> None:
    """All that rows refer to: told as that; one missing: refused, or accepted and then unproven."""
    kept = installation.root / "kept"
    done = _restore(target, None, source(kept))
    assert done.proof.grade is Grade.REFERENCED
    assert _content(installation.blobs) == _content(kept)
    live = _content(installation.blobs)
    (kept / "1/blob-4.bin").unlink()
    with pytest.raises(FailedError, match="1 are missing"):
        _restore(target, None, source(kept), again=True)
    assert _content(installation.blobs) == live
    done = _restore(target, None, source(kept), again=True, accept_missing=True)
    assert done.proof.grade is Grade.UNPROVEN
    assert not (installation.blobs / "1/blob-4.bin").exists()


def test_nobody_knowing_is_told_as_unproven(
    installation: Installation, backup: BackupSet, target: Target
) -> None:
    """No layout, no database, no row: restored, and said to be unproven with the reason."""
    kept = installation.root / "kept"
    unknown = msgspec.structs.replace(target, media=MediaLayout())
    assert "[media]" in _restore(unknown, None, str(kept)).proof.note
    narrow = MediaLayout(references="SELECT path, size FROM hum.media")
    proof = _restore(msgspec.structs.replace(target, media=narrow), None, str(kept), again=True).proof
    assert (proof.grade, "2 columns instead of 3" in proof.note) == (Grade.UNPROVEN, True)
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.media")
    assert "refers to none" in _restore(target, None, str(kept), again=True).proof.note
    with installation.connect() as connection:
        connection.execute("DROP TABLE hum.media")
    proof = _restore(target, None, str(kept), again=True).proof
    assert (proof.grade, "could not be read" in proof.note) == (Grade.UNPROVEN, True)


def test_a_set_around_a_foreign_dump_takes_its_blobs_from_elsewhere(
    installation: Installation, backup: BackupSet, target: Target
) -> None:
    """It lists none: alone it is refused with the way out; with a source the database is asked."""
    manifest = msgspec.structs.replace(backup.manifest, unproven=(Fact.BLOBS,))
    (backup.path / "manifest.json").write_bytes(seal(manifest))
    foreign = open_set(backup.path)
    with pytest.raises(PreconditionError, match="holds no blobs") as raised:
        restore_blobs(target, foreign, confirm=owner_of(target).phrase, mode="", reporter=Reporter.silent())
    assert "--from" in raised.value.hint
    done = _restore(target, foreign, str(installation.root / "kept"))
    assert done.proof.grade is Grade.REFERENCED


@pytest.mark.parametrize("source", [_folder, _rsync])
def test_b02_links_in_a_source_refuse_it(
    installation: Installation, backup: BackupSet, target: Target, source: _Source
) -> None:
    """Without a set nobody says that the link does not belong: the whole is refused."""
    kept = installation.root / "kept"
    (kept / "link").symlink_to("/etc/passwd")
    live = _content(installation.blobs)
    with pytest.raises((FailedError, PreconditionError), match="no plain file"):
        _restore(target, None, source(kept))
    assert _content(installation.blobs) == live


def _evil(path: Path, *members: tarfile.TarInfo) -> str:
    with tarfile.open(path, "w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return str(path)


def _member(name: str, size: int = 1, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = size, kind, "/etc" if kind == tarfile.SYMTYPE else ""
    return member


@pytest.mark.parametrize(
    "members",
    [
        [_member("a"), _member("link", 0, tarfile.SYMTYPE)],
        [_member("a"), _member("../outside")],
        [_member("a"), _member("a")],
        [_member("a"), _member("a/b")],
        [_member("a/b"), _member("a")],
        [_member("a"), _member("bad\nname")],
        [_member("a"), _member("pipe", 0, tarfile.FIFOTYPE)],
    ],
)
def test_b02_a_hostile_archive_is_refused_whole(
    installation: Installation, target: Target, members: list[tarfile.TarInfo]
) -> None:
    """One bad member among good ones: nothing of it stays, the live folder is untouched."""
    live = _content(installation.blobs)
    archive = _evil(installation.root / "evil.tar", *members)
    with pytest.raises(FailedError, match="refused as a whole"):
        _restore(target, None, archive, accept_missing=True)
    assert _content(installation.blobs) == live
    assert not list(installation.root.glob("*restoring*"))
    assert not (installation.root / "outside").exists()


def test_b02_an_archive_larger_than_what_was_sealed_is_refused(
    installation: Installation, backup: BackupSet, target: Target
) -> None:
    """A listed name with a thousand times its size: refused before that is written."""
    archive = _evil(installation.root / "bomb.tar", _member("0/blob-3.bin", 50_000_000))
    with pytest.raises(FailedError, match="larger than it may"):
        _restore(target, backup, archive)
    assert not list(installation.root.glob("*restoring*"))


def test_a_resumed_archive_needs_room_only_for_what_is_not_there_yet(
    installation: Installation, target: Target
) -> None:
    """What an earlier try brought is no reason to refuse the archive, and is never removed for it."""
    with small_disk(installation.root / "disk", "size=10m") as disk:
        archive = _evil(installation.root / "large.tar", *(_member(f"b{n}", 2_000_000) for n in range(4)))
        installation.write_env(AIHUMMER_BLOB_DIR=str(disk / "blobs"))
        beside = BlobPlace(live=disk / "blobs", set_id=source_mark(parse_source(archive))).beside
        beside.mkdir()
        for number in range(3):
            (beside / f"b{number}").write_bytes(b"x" * 2_000_000)
        done = _restore(target, None, archive, accept_missing=True)
        assert (done.blobs, done.already_there) == (4, 3)


def test_an_archive_without_blobs_is_no_restore(installation: Installation, target: Target) -> None:
    """A wrong folder inside must not become an empty blob folder."""
    archive = _evil(installation.root / "x.tar", _member("srv/a"))
    with pytest.raises(FailedError, match="no blob below elsewhere"):
        _restore(target, None, f"{archive}#elsewhere", accept_missing=True)
    with pytest.raises(FailedError, match="is a file, no folder"):
        _restore(target, None, f"{archive}#srv/a", accept_missing=True)


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("/no/such/folder", "No such file"),
        ("/no/such.tar", "No such file"),
        ("rsync:/no/such", r"rsync ended with exit code 23: rsync: .*change_dir"),
        ("rclone:none:/x", r"rclone ended with exit code 1: .*didn't find section"),
        ("restic:/no/such", r"restic ended: exit code 1\d?: Fatal: "),
    ],
)
def test_a_source_that_is_not_there_leaves_all_as_it_was(
    installation: Installation, target: Target, source: str, cause: str
) -> None:
    """Told in one message, with the program's own words: those that name the cause."""
    _program(source.partition(":")[0] if ":" in source else "true")
    live = _content(installation.blobs)
    with pytest.raises((FailedError, PreconditionError), match=cause) as raised:
        _restore(target, None, source)
    assert "secret of the tests" not in str(raised.value)
    assert _content(installation.blobs) == live


def test_a_missing_program_is_named(
    installation: Installation, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made, with what installs it."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PreconditionError, match="rclone is not on the PATH"):
        _restore(target, None, "rclone:kept:/x")
    assert not list(installation.root.glob("*restoring*"))
