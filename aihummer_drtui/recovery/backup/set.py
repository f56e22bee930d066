"""A backup set: what one backup holds, sealed by a manifest that is written last (docs/backup-set.md).

A set is read as if a stranger had made it: no link is followed, no name leads out of its folder,
nothing is taken on trust but what the manifest's own hash covers.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import DUMP, DUMP_FOLDER, Manifest, SealedFile

__all__ = ["DUMP", "DUMP_FOLDER"]  # of the manifest's model; here is where they are looked for

MANIFEST: Final = "manifest.json"
BLOBS: Final = "blobs"
BLOB_LIST: Final = "blobs.jsonl"
FORMAT: Final = 1
FORMAT_WITH_UNKNOWN: Final = 2
"""Of a set in which something is `unproven`: a program that does not know the word must not read it."""
FORMAT_WITH_FOLDER: Final = 3
"""Of a set whose dump is a folder: its files have names that earlier programs take for hostile ones."""
MANIFEST_LIMIT: Final = 16 * 1024 * 1024
"""Bytes; a manifest grows with the number of tables only."""
_PLAIN_NAME: Final = re.compile(rf"(?:{re.escape(DUMP_FOLDER)}/)?[A-Za-z0-9][A-Za-z0-9._-]{{0,100}}")
"""Nothing that leads out, and no folder but the dump's."""
_TABLE_OF_CONTENTS: Final = f"{DUMP_FOLDER}/toc.dat"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NOT_A_BACKUP: Final = "name a folder that `aihummer-drtui backup create` wrote and finished"


class BlobLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of blobs.jsonl."""

    path: str
    """Relative to the blob folder, with `/`."""
    size: int
    sha256: str


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    sha256: str
    """Of the manifest's text as it stands in the file."""
    manifest: msgspec.Raw


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    format: int


@dataclass(frozen=True, kw_only=True)
class BackupSet:
    """A set whose manifest was read and is sound; its parts were not read yet."""

    path: Path
    manifest: Manifest
    sha256: str = ""
    """Of the whole of manifest.json as it was read; empty = it was not read from there."""

    @property
    def blobs(self) -> Path:
        """The folder with the copied blobs."""
        return self.path / BLOBS

    def refuse_cut(self) -> None:
        """Let pass a set whose sealed parts are all there in their sizes. Raises PreconditionError."""
        for part in self.manifest.files:
            os.close(self.open_part(part.name))

    def open_part(self, name: str) -> int:
        """Give a read-only descriptor of a sealed part: a regular file of the sealed size, no link followed.

        Raises PreconditionError when it is missing, no regular file or of another size.
        """
        sealed = self.manifest.file(name)
        if sealed is None:
            raise PreconditionError(
                f"the set was sealed without {name}", where=str(self.path), hint="use another backup set"
            )
        descriptor = _open_in(self.path, name)
        try:
            refuse_other_size(self, sealed, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def refuse_other_size(backup: BackupSet, sealed: SealedFile, found: os.stat_result) -> None:
    """Let pass a regular file of the sealed size. Raises PreconditionError."""
    if not stat.S_ISREG(found.st_mode):
        raise PreconditionError(
            f"{sealed.name} is no regular file", where=str(backup.path), hint=_NOT_A_BACKUP
        )
    if found.st_size != sealed.size:
        raise PreconditionError(
            f"{sealed.name} has {found.st_size} bytes, but {sealed.size} were sealed: it was cut or changed",
            where=str(backup.path),
            hint="copy the set again from where it is kept, or use another one",
        )


def refuse_other_hash(backup: BackupSet, sealed: SealedFile, sha256: str) -> None:
    """Let pass a file of the sealed hash. Raises FailedError."""
    if sha256 != sealed.sha256:
        raise FailedError(
            f"{sealed.name} is not what was sealed: its SHA-256 is {sha256[:16]}…, "
            f"sealed {sealed.sha256[:16]}…",
            where=str(backup.path),
            hint="copy the set again from where it is kept, or use another one; nothing was changed",
        )


@contextmanager
def reading(backup: BackupSet, name: str) -> Iterator[None]:
    """Raise FailedError for what the disk does not give of a sealed part within the block."""
    try:
        yield
    except OSError as error:
        raise FailedError(
            f"{name} cannot be read to its end: {error.strerror}",
            where=str(backup.path),
            hint="copy the set again from where it is kept, or use another one; nothing was changed",
        ) from None


def seal(manifest: Manifest) -> bytes:
    """Give the manifest's document: readable by people, its text covered by a hash."""
    body = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    digest = hashlib.sha256(body).hexdigest()
    return b'{\n"format": %d,\n"sha256": "%s",\n"manifest": %s\n}\n' % (
        _format_of(manifest),
        digest.encode(),
        body,
    )


def _format_of(manifest: Manifest) -> int:
    """The lowest that can say it, so that an earlier program reads what it can."""
    if manifest.dump_is_folder:
        return FORMAT_WITH_FOLDER
    return FORMAT_WITH_UNKNOWN if manifest.unproven else FORMAT


def document_sha256(document: bytes) -> str:
    """The hash by which a whole manifest.json is named, in hexadecimal."""
    return hashlib.sha256(document).hexdigest()


def open_set(path: Path) -> BackupSet:
    """Given the folder of a backup set, return it with its manifest.

    Raises PreconditionError when there is no such folder, it is no (finished) backup set, it is of a
    later format, or its manifest was changed after it was sealed.
    """
    descriptor = _open_in(path, MANIFEST)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MANIFEST_LIMIT + 1)
    where = str(path / MANIFEST)
    if len(data) > MANIFEST_LIMIT:
        raise PreconditionError("the manifest is far too large to be one", where=where, hint=_NOT_A_BACKUP)
    manifest = _read_document(data, where)
    _refuse_bad_names(manifest, where)
    return BackupSet(path=path, manifest=manifest, sha256=document_sha256(data))


def _read_document(data: bytes, where: str) -> Manifest:
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version not in {FORMAT, FORMAT_WITH_UNKNOWN, FORMAT_WITH_FOLDER}:
            raise PreconditionError(
                f"the set has format {version}; this program reads up to {FORMAT_WITH_FOLDER}",
                where=where,
                hint="use the aihummer-drtui that wrote it, or a newer one",
            )
        document = msgspec.json.decode(data, type=_Document)
        if hashlib.sha256(bytes(document.manifest)).hexdigest() != document.sha256:
            raise PreconditionError(
                "the manifest was changed or damaged after it was sealed",
                where=where,
                hint="copy the set again from where it is kept, or use another one",
            )
        return msgspec.json.decode(document.manifest, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PreconditionError(
            f"the manifest cannot be read: {cleaned_line(str(error))}", where=where, hint=_NOT_A_BACKUP
        ) from None


def _refuse_bad_names(manifest: Manifest, where: str) -> None:
    names = [file.name for file in manifest.files]
    bad = [name for name in names if not _PLAIN_NAME.fullmatch(name)]
    sound = all(file.size >= 0 and _SHA256.fullmatch(file.sha256) for file in manifest.files)
    # Two dumps, or a folder without the file that tells what is in it: nobody knows what would be restored.
    torn = manifest.dump_is_folder and (DUMP in names or _TABLE_OF_CONTENTS not in names)
    if bad or not sound or torn or len(set(names)) != len(names):
        raise PreconditionError(
            f"the manifest names files that no backup has: {cleaned_line(', '.join(bad) or 'unsound')}",
            where=where,
            hint="do not use this set: it was not written by this program",
        )


def open_folder_in(folder: Path, name: str = "") -> int:
    """Give a descriptor of a set's folder, or of the folder `name` in it; neither may be a link.

    Raises PreconditionError.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        inside = os.open(folder, flags)
    except OSError as error:
        raise PreconditionError(
            f"no folder of a backup set (no link is followed): {error.strerror}",
            where=cleaned_line(str(folder)),
            hint=_NOT_A_BACKUP,
        ) from None
    if not name:
        return inside
    try:
        return os.open(name, flags, dir_fd=inside)
    except OSError as error:
        raise PreconditionError(
            f"{name} is no folder that can be opened (no link is followed): {error.strerror}",
            where=str(folder),
            hint=_NOT_A_BACKUP,
        ) from None
    finally:
        os.close(inside)


def _open_in(folder: Path, name: str) -> int:
    """Open a regular file of a set for reading; neither its folders nor the file may be a link."""
    above, _, plain = name.rpartition("/")
    inside = open_folder_in(folder, above)
    try:
        # O_NONBLOCK: a named pipe of that name must not hold us up.
        descriptor = os.open(plain, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)
    except FileNotFoundError:
        what = "not a backup: it has no manifest.json" if name == MANIFEST else f"{name} is missing"
        raise PreconditionError(what, where=str(folder), hint=_NOT_A_BACKUP) from None
    except OSError as error:
        raise PreconditionError(
            f"{name} cannot be opened (no link is followed): {error.strerror}",
            where=str(folder),
            hint=_NOT_A_BACKUP,
        ) from None
    finally:
        os.close(inside)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PreconditionError(f"{name} is no regular file", where=str(folder), hint=_NOT_A_BACKUP)
    return descriptor


def zoned_moment(text: str) -> datetime | None:
    """A moment of a manifest; None for what is no time, or has no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def age_of(manifest: Manifest, now: datetime) -> float:
    """Seconds from the set's recovery point to `now`. Raises FailedError when its time is unreadable."""
    try:
        return (now - datetime.fromisoformat(manifest.recovery_point)).total_seconds()
    except (ValueError, TypeError):
        raise FailedError(
            f"the recovery point is no time: {cleaned_line(manifest.recovery_point)}",
            hint="use another backup set",
        ) from None
