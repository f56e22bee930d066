"""Checks of the blob folder: can it be written, and is all there that the database refers to?"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.blobs.place import BlobPlace, refuse_bad_place, refuse_lost_setting
from aihummer_drtui.recovery.blobs.references import Listed, References, count_references
from aihummer_drtui.recovery.blobs.room import blob_part_to_come
from aihummer_drtui.recovery.blobs.scan import FOLDER
from aihummer_drtui.recovery.check import Check, Scene, failed_by
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.space import FileSystem, measured
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

_INACTIVE: Final = "media service inactive (AIHUMMER_BLOB_DIR is not set): nothing to restore"


_NO_BLOBS_SEALED: Final = "the set was sealed around a dump: bring the blobs back from where they are kept"


def blob_folder_of(scene: Scene) -> Path | None:
    """The target's blob folder; None = the media service is inactive, and was when the set was sealed.

    Raises PreconditionError when gateway.env is missing or unreadable: then nobody knows. And when it
    lacks the folder though the sealed installation had one.
    """
    env = read_gateway_env(scene.target.gateway_env)
    if not env.exists:
        raise PreconditionError(
            "there is no such file, so the blob folder is not known",
            where=str(env.path),
            hint="restore gateway.env first: `aihummer-drtui restore key`",
        )
    folder = env.blob_folder
    if folder is None:
        refuse_lost_setting(env.path, sealed_manifest(scene))
    return folder


def look_at_folder(scene: Scene) -> Observation:
    """Look whether a file can be written, synced and removed where the blobs go, and whether they fit."""
    expected = "the blob folder can be written, with room for the set's blobs"
    try:
        folder = blob_folder_of(scene)
        if folder is None:
            return _inactive(scene, expected)
        refuse_bad_place(BlobPlace(live=folder, set_id=""))
        manifest = sealed_manifest(scene)
        places = _places_to_try(folder)
    except DrtuiError as error:
        return failed_by(expected, error)
    for place in places:
        try:
            _try_writing(place)
        except OSError as error:
            return _failed(expected, f"{place}: {error.strerror}", _unwritable(place, folder))
    short = _too_little_room(folder, manifest) if manifest else ()
    if short:
        return _failed(
            expected,
            f"{'; '.join(map(str, short))} (the old blobs are kept)",
            "make room, or mount a larger disk there",
        )
    free = os.statvfs(places[0])
    told = " and ".join(map(str, places))
    told += "" if folder in places else " (the folder itself does not exist yet)"
    unproven = manifest is not None and not manifest.knows(Fact.BLOBS)
    return Observation(
        verdict=Verdict.UNPROVEN if unproven else Verdict.PASSED,
        expected=expected,
        hint=_NO_BLOBS_SEALED if unproven else "",
        observed=cleaned_line(
            f"written, synced and removed in {told}; {bytes_text(free.f_bavail * free.f_frsize)} free",
            limit=300,
        ),
        warnings=() if manifest else ("without a backup set the room needed is not known",),
    )


def _inactive(scene: Scene, expected: str) -> Observation:
    manifest = sealed_manifest(scene)
    if manifest is not None and not manifest.knows(Fact.BLOBS):
        return Observation(
            verdict=Verdict.UNPROVEN,
            expected=expected,
            observed="AIHUMMER_BLOB_DIR is not set; whether it was at the time of the backup is not known",
            hint=_NO_BLOBS_SEALED,
        )
    return Observation(verdict=Verdict.PASSED, expected=expected, observed=_INACTIVE)


def _places_to_try(folder: Path) -> tuple[Path, ...]:
    """Where restored blobs are put first, the folder above or the nearest that exists; and the folder itself.

    Raises PreconditionError.
    """
    place = folder.parent
    while not place.exists():
        if place.is_symlink():
            raise PreconditionError("is a link that leads nowhere", where=str(place), hint="remove the link")
        place = place.parent
    if not place.is_dir():
        raise PreconditionError("is no folder", where=str(place), hint="move it away")
    return (place, folder) if folder.exists() else (place,)


def _unwritable(place: Path, folder: Path) -> str:
    if place == folder:
        return "AiHummer writes here: mend mount, mode or owner of this folder"
    return "a restore makes its own folder here, beside the live one: mend mount, mode or owner"


def _try_writing(place: Path) -> None:
    name = place / f".drtui-{secrets.token_hex(8)}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, b"aihummer-drtui looks whether this folder can be written\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        name.unlink()


def _too_little_room(folder: Path, manifest: Manifest) -> tuple[FileSystem, ...]:
    """As the restore itself will measure it: what an earlier try brought is there already."""
    return measured([blob_part_to_come(BlobPlace(live=folder, set_id=manifest.set_id), manifest)]).short


_REFERENCED: Final = "every blob the database refers to is there and intact"


def look_at_references(scene: Scene) -> Observation:
    """Look whether every blob the live database refers to is there, with its size and SHA-256."""
    return compare_with_database(scene).observation


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Blobs and database held against each other, and what that shows."""

    observation: Observation
    references: References | None
    """None = it came to no comparison; the observation says why."""


def compare_with_database(
    scene: Scene,
    *,
    listing: Callable[[Listed], None] = lambda _: None,
    reporter: Reporter | None = None,
) -> Comparison:
    """Hold the live database's references and the blob folder against each other, in both directions.

    What is amiss is handed to `listing`. Raises what that raises, and nothing else.
    """
    statement = scene.target.media.references
    reporter = reporter or Reporter.silent()
    try:
        folder = blob_folder_of(scene)
        if folder is None:
            return Comparison(observation=_inactive(scene, _REFERENCED), references=None)
        if not statement:
            return Comparison(observation=_layout_unknown(), references=None)
        manifest = sealed_manifest(scene)
        owner = owner_of(scene.target)
        reporter.phase("comparing blobs with the database", unit="bytes")
        with (
            connect(owner) as connection,
            failures_named("the references could not be read", owner),
            _folder_readable(folder),
        ):
            found = count_references(
                connection,
                statement,
                folder,
                hashes=True,
                both_ways=True,
                listing=listing,
                reporter=reporter,
            )
    except DrtuiError as error:
        return Comparison(observation=failed_by(_REFERENCED, error), references=None)
    seen = _referenced(_REFERENCED, folder, found) if found.rows else _none_referenced(_REFERENCED, manifest)
    return Comparison(observation=seen, references=found)


@contextmanager
def _folder_readable(folder: Path) -> Iterator[None]:
    try:
        root = os.open(folder, FOLDER)
    except OSError as error:
        raise PreconditionError(
            f"{cleaned_line(str(folder))} cannot be read (no link is followed): {error.strerror}",
            hint="is the blob folder there? `aihummer-drtui restore blobs` brings it back",
        ) from None
    os.close(root)
    yield


def _layout_unknown() -> Observation:
    return Observation(
        verdict=Verdict.UNPROVEN,
        expected=_REFERENCED,
        observed="where the database refers to blobs is not known",
        hint="give SQL for it as `references` in [media] of target.toml",
    )


def _none_referenced(expected: str, manifest: Manifest | None) -> Observation:
    """No row at all: an installation without media, or a statement or a database that is the wrong one."""
    if manifest is not None and manifest.blobs.referenced:
        return _failed(
            expected,
            f"the database refers to no blob; when the set was sealed it referred to "
            f"{manifest.blobs.referenced}",
            "is this the restored database? see the check database-restored",
        )
    if manifest is not None and manifest.knows(Fact.BLOBS) and not manifest.blobs.count:
        return Observation(
            verdict=Verdict.PASSED, expected=expected, observed="no blobs, and none were sealed"
        )
    return Observation(
        verdict=Verdict.UNPROVEN,
        expected=expected,
        observed="the database refers to no blob: there is nothing that could be missing",
        hint="is that so? else correct `references` in [media] of target.toml",
    )


def _referenced(expected: str, folder: Path, found: References) -> Observation:
    others = f"that no row refers to: {found.unreferenced} ({bytes_text(found.unreferenced_size)})"
    if not found.sound:
        return _failed(
            expected,
            f"of {found.rows} blobs {found.missing} are missing ({bytes_text(found.missing_size)}) and "
            f"{found.differing} differ ({bytes_text(found.differing_size)}), first: {found.first}; {others}",
            "`aihummer-drtui blobs compare --listing FILE` names all; restore the blobs of the same backup "
            "set, or of a later one that may hold what is missing",
        )
    by_size = found.rows - found.hashed
    doubts = (
        (by_size, f"{by_size} blobs were compared by size only: no SHA-256 is kept of them"),
        (found.no_plain_files, f"{found.no_plain_files} things in the folder are no plain files"),
    )
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=cleaned_line(
            f"{found.rows} blobs ({bytes_text(found.size)}) in {folder}, {found.hashed} of them by content; "
            f"{others}",
            300,
        ),
        warnings=tuple(text for doubtful, text in doubts if doubtful),
    )


def _failed(expected: str, observed: str, hint: str) -> Observation:
    return Observation(
        verdict=Verdict.FAILED, expected=expected, observed=cleaned_line(observed, 300), hint=hint
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="blob-folder",
            title="Blob folder can be written",
            proves="a file was really written, synced and removed there, and the set's blobs fit",
            interval=10.0,
        ),
        look=look_at_folder,
    ),
    Check(
        description=CheckDescription(
            name="blobs-referenced",
            title="Referenced blobs are there",
            proves="every blob that the database refers to is there with its size, and its SHA-256 if kept",
            interval=0.0,
            time_out=4 * 3600.0,
        ),
        look=look_at_references,
    ),
)
