"""Bringing blobs from wherever they are into the folder beside, and proving what came.

Copied from a folder, they are hashed on the way. What a tar or another program brought is judged after it:
plain files only, and where a backup set was named, exactly those it lists, every byte of them.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BackupSet, BlobLine
from aihummer_drtui.recovery.blobs.comparing import BadBlob, read_against
from aihummer_drtui.recovery.blobs.engines import bring_by_engine, find_engine
from aihummer_drtui.recovery.blobs.fill import Filling, give_all, give_folders, settled
from aihummer_drtui.recovery.blobs.listing import each_line, open_blob_list
from aihummer_drtui.recovery.blobs.place import BlobPlace
from aihummer_drtui.recovery.blobs.remembered import RememberedPaths
from aihummer_drtui.recovery.blobs.removal import remove_tree
from aihummer_drtui.recovery.blobs.rights import Rights
from aihummer_drtui.recovery.blobs.scan import FOLDER, scan
from aihummer_drtui.recovery.blobs.source import (
    FolderSource,
    RcloneSource,
    ResticSource,
    RsyncSource,
    Source,
    TarSource,
    source_text,
)
from aihummer_drtui.recovery.blobs.tar import BadArchive, TarReader, opened
from aihummer_drtui.recovery.blobs.unpack import Unpacking
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target


def refuse_unreadable(source: Source, target: Target) -> None:
    """Let pass a source that can be opened, as far as one sees from here. Raises PreconditionError."""
    match source:
        case FolderSource():
            try:
                os.close(os.open(source.path, FOLDER))
            except OSError as error:
                raise PreconditionError(
                    f"no folder that can be read (no link is followed): {error.strerror}",
                    where=source_text(source),
                    hint="name the folder that holds the blobs, itself",
                ) from None
        case TarSource():
            with opened(source):
                pass
        case RsyncSource() | RcloneSource() | ResticSource():
            find_engine(source, target)
        case _:
            assert_never(source)


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """What is in the folder beside now, durable."""

    count: int
    there: int
    """Of them: those that an earlier try had brought."""
    left_out: int
    """Files of the source that the backup set does not list: they were not taken."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """From one source into the folder beside."""

    target: Target
    place: BlobPlace
    rights: Rights
    source: Source
    backup: BackupSet | None
    """What it must be; None = nobody knows."""
    resumed: bool
    """Whether an earlier try had made the folder."""
    reporter: Reporter

    def deliver(self) -> Delivered:
        """Fill the folder beside. Raises PreconditionError and FailedError, and OSError for the disk."""
        if self.resumed:
            self._remove_odd()
        # By the folder above, which is of the same file system: an engine may put another in ours' place.
        with settled(self.place.live.parent, self.reporter):
            match self.source:
                case FolderSource():
                    return self._copied(self.source)
                case TarSource():
                    return self._unpacked(self.source)
                case RsyncSource() | RcloneSource() | ResticSource():
                    bring_by_engine(self.source, self.place.beside, self.target, self.reporter)
                    return self._judged(there=0, left_out=0)
                case _:
                    assert_never(self.source)

    def _remove_odd(self) -> None:
        """Remove from the folder beside what never belonged there: no try of ours makes a link or a pipe."""
        for found in scan(self.place.beside):
            if not found.regular:
                (self.place.beside / found.path).unlink()

    def _copied(self, source: FolderSource) -> Delivered:
        filling = Filling(
            source=source.path, folder=self.place.beside, rights=self.rights, resumed=self.resumed
        )
        try:
            if self.backup is None:
                brought = RememberedPaths()
                self.reporter.phase("copying blobs", unit="bytes")
                there = filling.fill(_found_in(source.path, brought), self.reporter)
                count = len(brought)
                if self.resumed:
                    self._remove_unlisted(brought)
            else:
                with self._listed(self.backup) as lines:
                    self.reporter.phase(
                        "restoring blobs", total=self.backup.manifest.blobs.size, unit="bytes"
                    )
                    there = filling.fill(lines(), self.reporter)
                count = self.backup.manifest.blobs.count
        except BadBlob as bad:
            raise self._bad(source.path, bad) from None
        if self.resumed:
            self._refuse_other_count(count)
        give_folders(self.place.beside, self.rights)
        return Delivered(count=count, there=there, left_out=0)

    def _unpacked(self, source: TarSource) -> Delivered:
        wanted = self._wanted(self.backup) if self.backup else None
        limit = self.backup.manifest.blobs.size if self.backup else self._what_fits()
        try:
            with opened(source) as reading:
                self.reporter.phase("unpacking blobs", total=limit if self.backup else 0, unit="bytes")
                reader = TarReader(reading, inside=source.inside)
                found = Unpacking(
                    reader, self.place.beside, wanted=wanted, limit=limit, reporter=self.reporter
                ).unpack()
        except BadArchive as bad:
            remove_tree(self.place.beside)
            raise FailedError(
                f"the archive is refused as a whole: {bad}",
                where=source_text(source),
                hint="nothing of it was kept and the live blobs were not touched; use another one",
            ) from None
        if not len(found.paths) and not found.left_out:
            raise FailedError(
                "the archive holds no blob" + (f" below {source.inside}" if source.inside else ""),
                where=source_text(source),
                hint="`tar -tf` shows what is in it; name the folder in it: FILE.tar#inside",
            )
        self._remove_unlisted(found.paths)
        return self._judged(there=found.there, left_out=found.left_out)

    def _what_fits(self) -> int:
        """Bytes: without a list, what would not fit is no use to begin with; what is there already does."""
        room = os.statvfs(self.place.beside)
        return room.f_bavail * room.f_frsize + sum(found.size for found in scan(self.place.beside))

    def _judged(self, *, there: int, left_out: int) -> Delivered:
        """Judge what stands in the folder beside: plain files only, and as the set lists them."""
        self._refuse_odd()
        if self.backup is None:
            count = sum(1 for _ in scan(self.place.beside))
        else:
            left_out += self._remove_unlisted(self._wanted(self.backup))
            count = self.backup.manifest.blobs.count
            self._read(self.backup)
            self._refuse_other_count(count)
        give_all(self.place.beside, self.rights)
        return Delivered(count=count, there=there, left_out=left_out)

    def _read(self, backup: BackupSet) -> None:
        try:
            with self._listed(backup) as lines:
                self.reporter.phase("comparing with the set", total=backup.manifest.blobs.size, unit="bytes")
                read_against(self.place.beside, lines(), self.reporter)
        except BadBlob as bad:
            # So that the next try brings it again, and does not take it for done.
            (self.place.beside / bad.path).unlink(missing_ok=True)
            raise self._bad(Path(source_text(self.source)), bad) from None

    def _refuse_odd(self) -> None:
        for found in scan(self.place.beside):
            if not found.regular:
                remove_tree(self.place.beside)
                raise FailedError(
                    f"what came holds {cleaned_line(found.path)}, which is no plain file",
                    where=source_text(self.source),
                    hint="nothing of it was kept and the live blobs were not touched; links are not followed",
                )

    def _remove_unlisted(self, wanted: RememberedPaths) -> int:
        """Remove from the folder beside what is not wanted; return how many files that were."""
        count = 0
        for found in scan(self.place.beside):
            if found.path not in wanted:
                (self.place.beside / found.path).unlink()
                count += 1
        return count

    def _wanted(self, backup: BackupSet) -> RememberedPaths:
        wanted = RememberedPaths()
        with self._listed(backup) as lines:
            for line in lines():
                wanted.add(line.path)
        return wanted

    def _listed(self, backup: BackupSet) -> "_Listed":
        return _Listed(backup, self.reporter)

    def _refuse_other_count(self, wanted: int) -> None:
        count = sum(1 for _ in scan(self.place.beside))
        if count != wanted:
            raise FailedError(
                f"{count} files stand where {wanted} were sealed",
                where=str(self.place.beside),
                hint="remove this folder (it is not the live one), then run the same command again",
            )

    def _bad(self, source: Path, bad: BadBlob) -> FailedError:
        return FailedError(
            f"the blob {cleaned_line(bad.path)} {bad.how}",
            where=cleaned_line(str(source)),
            hint="the live blobs were not touched; copy the source again from where it is kept, or use "
            "another",
        )


class _Listed:
    """The set's list, proven and open."""

    def __init__(self, backup: BackupSet, reporter: Reporter) -> None:
        self._where = str(backup.path / BLOB_LIST)
        self._file = os.fdopen(open_blob_list(backup, reporter), "rb", buffering=0)

    def __enter__(self) -> Callable[[], Iterator[BlobLine]]:
        return lambda: each_line(self._file, self._where)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _found_in(folder: Path, brought: RememberedPaths) -> Iterator[BlobLine]:
    """Every file of a folder as a line without a hash. Raises FailedError for what is no plain file."""
    for found in scan(folder):
        if not found.regular:
            raise PreconditionError(
                f"the source holds {cleaned_line(found.path)}, which is no plain file",
                where=cleaned_line(str(folder)),
                hint="nothing was changed; take it out of the source, no link is followed",
            )
        brought.add(found.path)
        yield BlobLine(path=found.path, size=found.size, sha256="")
