"""Where blobs are restored to: the live folder, and the names beside it that belong to a restore."""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from aihummer_drtui.durable import write_durably
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.gateway.environment import BLOB_DIR

_MARK_LIMIT = 10_000


class Stage(StrEnum):
    """What a mark tells."""

    EXCHANGING = "exchanging"
    """The filled folder is about to take the live one's place, or just did."""
    RESTORED = "restored"


class BlobMarker(msgspec.Struct, frozen=True, kw_only=True):
    """The file beside the blob folder that says which set it came from."""

    stage: Stage
    set_id: str
    at: str
    """ISO 8601, UTC."""
    inode: int
    """Of the filled folder: by it one sees which of the two is in place, whatever its name."""


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Owner and mode of what is restored."""

    owner: tuple[int, int]
    """User and group by number."""
    folder_mode: int
    file_mode: int

    def give_file(self, descriptor: int) -> None:
        """Give an open file its mode and, as root, its owner. Raises OSError."""
        self._give(descriptor, self.file_mode)

    def give_folder(self, descriptor: int) -> None:
        """Give an open folder its mode and, as root, its owner. Raises OSError."""
        self._give(descriptor, self.folder_mode)

    def _give(self, descriptor: int, mode: int) -> None:
        # Owner first: changing it takes the set-id bits away (chown(2)).
        if os.geteuid() == 0:
            os.fchown(descriptor, *self.owner)
        os.fchmod(descriptor, mode)


@dataclass(frozen=True, kw_only=True)
class BlobPlace:
    """A live blob folder and one set that is to be restored there."""

    live: Path
    set_id: str

    @property
    def beside(self) -> Path:
        """The folder that is filled; of one set only, so that a second try goes on in it."""
        kept = "".join(each for each in self.set_id if each.isalnum() or each in "-_")[:60]
        return self.live.with_name(f"{self.live.name}.restoring-{kept}")

    @property
    def mark(self) -> Path:
        """The file that tells of a restore that was completed."""
        return self.live.with_name(f"{self.live.name}.restored.json")

    def kept_as(self, moment: datetime) -> Path:
        """A free name for the old folder."""
        first = self.live.with_name(f"{self.live.name}.replaced-{moment.strftime('%Y%m%dT%H%M%SZ')}")
        number, name = 1, first
        while name.exists() or name.is_symlink():
            number += 1
            name = first.with_name(f"{first.name}-{number}")
        return name

    @property
    def rights(self) -> "Rights":
        """For what is restored: as the live folder has it; without one, its parent's owner and mode 0750."""
        there = self.live.exists()
        found = (self.live if there else self.live.parent).stat()
        folder_mode = stat.S_IMODE(found.st_mode) if there else 0o750
        # As the folder's, without the right to run them.
        return Rights(
            owner=(found.st_uid, found.st_gid), folder_mode=folder_mode, file_mode=folder_mode & 0o666 | 0o600
        )

    def write_mark(self, stage: Stage, filled: Path) -> None:
        """Mark durably how far the restore of the folder `filled` is. Raises OSError."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        inode = filled.stat().st_ino
        write_durably(
            self.mark,
            msgspec.json.encode(BlobMarker(stage=stage, set_id=self.set_id, at=now, inode=inode)) + b"\n",
        )

    def read_mark(self) -> BlobMarker | None:
        """The mark of the live folder; None = none, or of another folder that had the name."""
        try:
            with os.fdopen(os.open(self.mark, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                found = msgspec.json.decode(file.read(_MARK_LIMIT), type=BlobMarker)
            return found if found.inode == self.live.stat().st_ino else None
        except (OSError, msgspec.MsgspecError):
            return None


def refuse_lost_setting(env: Path, sealed: Manifest | None) -> None:
    """Let pass an unset AIHUMMER_BLOB_DIR where the sealed installation had none either.

    `env` is the gateway.env that lacks it. Raises PreconditionError where media were served when the set
    was sealed: "inactive, nothing to restore" would then look right and lose every blob.
    """
    if sealed is not None and sealed.blobs.active:
        raise PreconditionError(
            f"{BLOB_DIR} is not set, but the backup set holds {sealed.blobs.count} blobs",
            where=str(env),
            hint=f"put {BLOB_DIR}=… into it, as it was before the loss",
        )


def refuse_bad_place(place: BlobPlace) -> None:
    """Let pass a blob folder that can be exchanged whole. Raises PreconditionError for any other."""
    live = place.live
    if not live.is_absolute() or ".." in live.parts or live.parent == live:
        raise PreconditionError(
            "AIHUMMER_BLOB_DIR is no folder that may be replaced",
            where=str(live),
            hint="name an absolute one",
        )
    if live.is_symlink():
        raise PreconditionError(
            "the blob folder is a link, and what it leads to is not guessed",
            where=str(live),
            hint="put the folder's own path into AIHUMMER_BLOB_DIR",
        )
    if live.exists() and not live.is_dir():
        raise PreconditionError("the blob folder is no folder", where=str(live), hint="move it away")
    if live.exists() and live.is_mount():
        raise PreconditionError(
            "the blob folder is a mount point and cannot be exchanged",
            where=str(live),
            hint=f"use a folder below it: AIHUMMER_BLOB_DIR={live}/blobs",
        )
