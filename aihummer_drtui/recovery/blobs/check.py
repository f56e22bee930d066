"""Checks of the blob folder: can it be written, and is all there that the database refers to?"""

import os
import secrets
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest, SealedBlobs
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.blobs.place import refuse_lost_setting
from aihummer_drtui.recovery.blobs.references import References, count_references
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
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
        manifest = sealed_manifest(scene)
        place = _place_to_try(folder)
    except DrtuiError as error:
        return _failed(expected, f"{error.where}: {error.what}", error.hint)
    try:
        _try_writing(place)
        short = _too_little_room(place, manifest.blobs) if manifest else ""
        free = os.statvfs(place)
    except OSError as error:
        return _failed(
            expected, f"{place}: {error.strerror}", "mend mount, mode or owner of the blob folder's parent"
        )
    if short:
        return _failed(expected, f"{place}: {short}", "make room, or mount a larger disk there")
    told = "" if place == folder else " (the folder itself does not exist yet)"
    unproven = manifest is not None and not manifest.knows(Fact.BLOBS)
    return Observation(
        verdict=Verdict.UNPROVEN if unproven else Verdict.PASSED,
        expected=expected,
        hint=_NO_BLOBS_SEALED if unproven else "",
        observed=cleaned_line(
            f"written, synced and removed in {place}{told}; {bytes_text(free.f_bavail * free.f_frsize)} free",
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


def _place_to_try(folder: Path) -> Path:
    """Where the restored blobs are put first: the parent, where it exists, else the nearest that does."""
    if not folder.is_absolute():
        raise PreconditionError(
            f"AIHUMMER_BLOB_DIR is not absolute: {folder}", hint="write it as an absolute path"
        )
    place = folder
    while not place.exists():
        if place.is_symlink():
            raise PreconditionError("is a link that leads nowhere", where=str(place), hint="remove the link")
        place = place.parent
    if not place.is_dir():
        raise PreconditionError("is no folder", where=str(place), hint="move it away")
    return place


def _try_writing(place: Path) -> None:
    name = place / f".drtui-{secrets.token_hex(8)}"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, b"aihummer-drtui looks whether this folder can be written\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        name.unlink()


def _too_little_room(place: Path, blobs: SealedBlobs) -> str:
    found = os.statvfs(place)
    # A file takes whole blocks; half a block more each is the mean.
    needed = blobs.size + blobs.count * found.f_frsize // 2
    free = found.f_bavail * found.f_frsize
    if free < needed:
        return f"{bytes_text(free)} free, {bytes_text(needed)} needed (the old blobs are kept)"
    # f_files is 0 where the file system makes inodes as needed (btrfs).
    if found.f_files and found.f_favail < blobs.count:
        return f"{found.f_favail} inodes free, {blobs.count} needed"
    return ""


def look_at_references(scene: Scene) -> Observation:
    """Look whether every blob the live database refers to is there, with its size and SHA-256."""
    expected = "every blob the database refers to is there and intact"
    statement = scene.target.media.references
    try:
        folder = blob_folder_of(scene)
        if folder is None:
            return _inactive(scene, expected)
        if not statement:
            return Observation(
                verdict=Verdict.UNPROVEN,
                expected=expected,
                observed="where the database refers to blobs is not known",
                hint="give SQL for it as `references` in [media] of target.toml",
            )
        manifest = sealed_manifest(scene)
        owner = owner_of(scene.target)
        with connect(owner) as connection, failures_named("the references could not be read", owner):
            found = count_references(connection, statement, folder, hashes=True)
    except DrtuiError as error:
        return _failed(expected, error.what, error.hint)
    if not found.rows:
        return _none_referenced(expected, manifest)
    return _referenced(expected, folder, found)


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
    if not found.sound:
        return _failed(
            expected,
            f"of {found.rows} blobs {found.missing} are missing and {found.differing} differ, "
            f"first: {found.first}",
            "restore the blobs of the same backup set; a later set may hold what is missing",
        )
    by_size = found.rows - found.hashed
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=cleaned_line(f"{found.rows} blobs in {folder}, {found.hashed} of them by content"),
        warnings=(f"{by_size} blobs were compared by size only: no SHA-256 is kept of them",)
        if by_size
        else (),
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
