"""A set is read as if a stranger had made it."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.manifest import Manifest, SealedBlobs, SealedDatabase, SealedFile
from aihummer_drtui.recovery.backup.set import open_set, seal
from aihummer_drtui.recovery.backup.verify import look_at_dump, look_at_set
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import Verdict

MANIFEST = Manifest(
    set_id="20260101T000000Z-00000000",
    started="2026-01-01T00:00:00+00:00",
    recovery_point="2026-01-01T00:00:01+00:00",
    ended="2026-01-01T00:01:00+00:00",
    program="aihummer-drtui 0",
    aihummer_version="1.2.3",
    aihummer_version_source="running gateway",
    pg_dump_version="17.10",
    database=SealedDatabase(
        name="aihummer",
        size=1,
        encoding="UTF8",
        collate="C",
        ctype="C",
        locale_provider="c",
        locale="",
        tables={"public.t": 1},
        extensions={"pgcrypto": "1.3"},
        roles=("aihummer",),
        lsn="0/1",
        server_version_num=170010,
    ),
    key_fingerprint="0123456789abcdef",
    media_token_fingerprint="",
    gateway_env_names=(),
    files=(SealedFile(name="database.dump", size=4, sha256="a" * 64),),
    blobs=SealedBlobs(active=True, count=0, size=0, list_sha256="b" * 64, copied_at=""),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a set with a sound manifest and a dump of the right size."""
    (tmp_path / "manifest.json").write_bytes(seal(MANIFEST))
    (tmp_path / "database.dump").write_bytes(b"dump")
    return tmp_path


def test_what_was_sealed_is_read_back(folder: Path) -> None:
    """The manifest survives its own writing, and stays readable for people."""
    assert open_set(folder).manifest == MANIFEST
    assert '"set_id": "20260101T000000Z-00000000"' in (folder / "manifest.json").read_text()


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    """An unfinished copy is not taken for a backup."""
    with pytest.raises(PreconditionError, match="not a backup"):
        open_set(tmp_path)


@given(position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_single_flipped_bit_passes_unseen(position: int, bit: int) -> None:
    """Whatever bit of the manifest flips: refused, or it says what it said before."""
    import tempfile

    content = bytearray(seal(MANIFEST))
    content[position % len(content)] ^= 1 << bit
    with tempfile.TemporaryDirectory() as name:
        Path(name, "manifest.json").write_bytes(content)
        try:
            read = open_set(Path(name)).manifest
        except PreconditionError:
            return
        assert read == MANIFEST


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_a_truncated_manifest_is_refused(folder: Path, size: int) -> None:
    """Cut anywhere, even by the last brace."""
    content = (folder / "manifest.json").read_bytes().rstrip()
    (folder / "manifest.json").write_bytes(content[:size])
    with pytest.raises(PreconditionError):
        open_set(folder)


def _as_link(folder: Path) -> None:
    (folder / "manifest.json").rename(folder / "real.json")
    (folder / "manifest.json").symlink_to("real.json")


def _as_pipe(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def _as_folder(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").mkdir()


def _later_format(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"format": 9, "new": true}')


def _huge(folder: Path) -> None:
    os.truncate(folder / "manifest.json", 1 << 30)


@pytest.mark.parametrize("harm", [_as_link, _as_pipe, _as_folder, _later_format, _huge])
def test_x06_a_strange_manifest_is_refused(folder: Path, harm: Callable[[Path], None]) -> None:
    """A link, a pipe, a folder, a format of the future, a gigabyte: one clear message, and no waiting."""
    harm(folder)
    with pytest.raises(PreconditionError):
        open_set(folder)


def test_x06_a_link_to_a_set_is_refused(folder: Path) -> None:
    """Where `latest` points to may change between check and restore."""
    link = folder.with_name("latest")
    link.symlink_to(folder)
    with pytest.raises(PreconditionError, match="no link is followed"):
        open_set(link)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", ".hidden", "", "a\x1b[2J", "x" * 200])
def test_x06_a_name_that_leads_out_is_refused(folder: Path, name: str) -> None:
    """The manifest may be sealed by anybody: its names are still plain ones."""
    files = (*MANIFEST.files, SealedFile(name=name, size=0, sha256="a" * 64))
    (folder / "manifest.json").write_bytes(seal(msgspec.structs.replace(MANIFEST, files=files)))
    with pytest.raises(PreconditionError) as raised:
        open_set(folder)
    assert "\x1b" not in str(raised.value)


def _look(place: Path | None) -> Scene:
    return Scene(target=Target(), values={"BACKUP_SET": str(place)} if place else {})


def test_the_check_tells_age_and_content(folder: Path) -> None:
    """What the operator needs to choose a set: when, how old, what is in it."""
    seen = look_at_set(_look(folder))
    assert seen.verdict is Verdict.PASSED
    assert "2026-01-01T00:00:01" in seen.observed


def test_a_missing_or_cut_part_fails_the_check(folder: Path) -> None:
    """Sizes are compared each time, content only when asked."""
    (folder / "database.dump").write_bytes(b"dum")
    assert look_at_set(_look(folder)).verdict is Verdict.FAILED
    (folder / "database.dump").unlink()
    assert look_at_set(_look(folder)).verdict is Verdict.FAILED


def test_a_changed_dump_fails_its_check(folder: Path) -> None:
    """The right size with other bytes is not the dump."""
    seen = look_at_dump(_look(folder))
    assert seen.verdict is Verdict.FAILED
    assert "not what was sealed" in seen.observed


def test_without_a_set_nothing_is_proven() -> None:
    """No BACKUP_SET: unproven with a hint, never green."""
    for look in (look_at_set, look_at_dump):
        seen = look(_look(None))
        assert seen.verdict is Verdict.UNPROVEN
        assert seen.hint
