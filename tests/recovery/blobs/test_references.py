"""Database and blob folder are held against each other in both directions, with counts and bytes."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.blobs.check import Comparison, compare_with_database, look_at_references
from aihummer_drtui.recovery.blobs.references import Kind, Listed
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.run.verdict import Observation, Verdict
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def _compared(installation: Installation) -> tuple[Comparison, dict[str, Listed]]:
    listed: list[Listed] = []
    scene = Scene(target=installation.target, values={})
    found = compare_with_database(scene, listing=listed.append)
    assert len({one.path for one in listed}) == len(listed)
    return found, {one.path: one for one in listed}


def _sizes(installation: Installation) -> dict[str, int]:
    with installation.connect() as connection:
        return dict(connection.execute("SELECT path, size FROM hum.media").fetchall())


def test_all_there_is_told_with_its_bytes(installation: Installation) -> None:
    """Nothing is listed."""
    found, listed = _compared(installation)
    assert found.references is not None
    assert (found.observation.verdict, listed) == (Verdict.PASSED, {})
    assert found.references.size == sum(_sizes(installation).values())
    assert found.references.unreferenced == 0


def test_b01_both_directions_are_counted_and_listed(installation: Installation) -> None:
    """Missing, other content, other size, a link, nobody's blob, no plain file: each by its name."""
    sizes = _sizes(installation)
    gone, changed, cut, linked = sorted(sizes)[:4]
    (installation.blobs / gone).unlink()
    (installation.blobs / changed).write_bytes(b"!" * sizes[changed])
    (installation.blobs / cut).write_bytes(b"")
    (installation.blobs / linked).unlink()
    (installation.blobs / linked).symlink_to("/etc/passwd")
    (installation.blobs / "nobody's").write_bytes(b"12345")
    (installation.blobs / "bad\nname").write_bytes(b"1")
    found, listed = _compared(installation)
    assert found.references is not None
    assert found.observation.verdict is Verdict.FAILED
    assert (found.references.missing, found.references.missing_size) == (1, sizes[gone])
    assert found.references.differing == 3
    assert found.references.differing_size == sizes[changed] + sizes[cut] + sizes[linked]
    assert (found.references.unreferenced, found.references.unreferenced_size) == (1, 5)
    assert found.references.no_plain_files == 1
    assert listed["nobody's"].kind is Kind.UNREFERENCED
    assert listed[gone].kind is Kind.MISSING
    assert listed[cut].how == f"has 0 bytes instead of {sizes[cut]}"
    assert listed[changed].how == "has another content"


def test_nobodys_blobs_fail_nothing(installation: Installation) -> None:
    """They are harmless, and told."""
    (installation.blobs / "nobody's").write_bytes(b"12345")
    seen = look_at_references(Scene(target=installation.target, values={}))
    assert seen.verdict is Verdict.PASSED
    assert "that no row refers to: 1 (5 B)" in seen.observed


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a//b", "bad\x1b[2J"])
def test_a_row_that_leads_out_of_the_folder_differs(installation: Installation, path: str) -> None:
    """It is never opened, and its name harms no terminal."""
    with installation.connect() as connection:
        connection.execute("INSERT INTO hum.media VALUES (%s, 1, NULL)", [path])
    found, listed = _compared(installation)
    assert listed[path].how == "is no path below the blob folder"
    assert "\x1b" not in found.observation.observed


def test_rows_without_size_and_hash_are_looked_for_all_the_same(installation: Installation) -> None:
    """What a row does not say is not compared, and said to be so."""
    media = msgspec.structs.replace(
        installation.target.media, references="SELECT path, NULL::bigint, NULL::text FROM hum.media"
    )
    target = msgspec.structs.replace(installation.target, media=media)
    seen = look_at_references(Scene(target=target, values={}))
    assert seen.verdict is Verdict.PASSED
    assert "compared by size only" in seen.warnings[0]
    (installation.blobs / sorted(_sizes(installation))[0]).unlink()
    assert look_at_references(Scene(target=target, values={})).verdict is Verdict.FAILED


def test_a_folder_that_is_not_there_fails_in_words(installation: Installation) -> None:
    """One message, and what brings it back."""
    installation.blobs.rename(Path(f"{installation.blobs}.lost"))
    found, _ = _compared(installation)
    assert found.observation.verdict is Verdict.FAILED
    assert "restore blobs" in found.observation.hint


def test_a_statement_that_fails_is_told(installation: Installation) -> None:
    """In the server's words."""
    media = msgspec.structs.replace(installation.target.media, references="SELECT nothing FROM nowhere")
    target = msgspec.structs.replace(installation.target, media=media)
    seen = look_at_references(Scene(target=target, values={}))
    assert (seen.verdict, "nowhere" in seen.observed) == (Verdict.FAILED, True)


def _seen_by(installation: Installation, references: str) -> Observation:
    media = msgspec.structs.replace(installation.target.media, references=references)
    target = msgspec.structs.replace(installation.target, media=media)
    return look_at_references(Scene(target=target, values={}))


@pytest.mark.parametrize(
    ("statement", "how"),
    [
        ("SELECT path, size FROM hum.media", "2 columns instead of 3"),
        ("SELECT path, size, sha256, 1 FROM hum.media", "4 columns instead of 3"),
        ("SELECT NULL, size, sha256 FROM hum.media", "a path that is no text"),
        ("SELECT path::bytea, size, sha256 FROM hum.media", "a path that is no text"),
        ("SELECT path, sha256, path FROM hum.media", "a size that is no number"),
        ("SELECT path, size, size FROM hum.media", "a SHA-256 that is neither text nor bytes"),
    ],
)
def test_a_statement_of_another_shape_is_named(installation: Installation, statement: str, how: str) -> None:
    """With what to correct, and never as a fault of this program."""
    seen = _seen_by(installation, statement)
    assert (seen.verdict, how in seen.observed) == (Verdict.FAILED, True), seen.observed
    assert "`references` in [media]" in seen.hint


def test_a_hash_kept_as_bytes_is_compared(installation: Installation) -> None:
    """A column of type bytea holds the same SHA-256."""
    seen = _seen_by(installation, "SELECT path, size, decode(sha256, 'hex') FROM hum.media")
    hashed = _seen_by(installation, "SELECT path, size, sha256 FROM hum.media")
    assert (seen.verdict, seen.observed) == (Verdict.PASSED, hashed.observed)
