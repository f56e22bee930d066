"""Where blobs are restored to: the live folder, and the names beside it that belong to a restore."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from aihummer_drtui.durable import make_open_folders, write_durably
from aihummer_drtui.errors import LockedError, PreconditionError
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.blobs.rights import Rights, rights_beside
from aihummer_drtui.recovery.gateway.environment import BLOB_DIR
from aihummer_drtui.recovery.mounts import is_mount_point
from aihummer_drtui.recovery.target import BlobSettings

_MARK_LIMIT = 100_000


class Stage(StrEnum):
    """What a mark tells."""

    EXCHANGING = "exchanging"
    """The filled folder is about to take the live one's place, or just did."""
    RESTORED = "restored"
    UNDOING = "undoing"
    """The old folder is about to take the restored one's place, or just did."""
    UNDONE = "undone"
    """The old folder is in its place again."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that was put aside, and is there until somebody drops it."""

    name: str
    """Beside the live folder."""
    inode: int
    """By it one sees that it is still the folder that was put aside."""
    at: str
    """ISO 8601, UTC."""
    undone: bool = False
    """It was restored, and put aside by an undo."""
    dropping: bool = False
    """It is being removed: what is left of it is whole no more."""


class BlobMarker(msgspec.Struct, frozen=True, kw_only=True):
    """The file beside the blob folder that says which set it came from."""

    stage: Stage
    set_id: str
    at: str
    """ISO 8601, UTC."""
    inode: int
    """Of the filled folder: by it one sees which of the two is in place, whatever its name."""
    kept: tuple[Kept, ...] = ()
    """What was put aside, the newest last."""


@dataclass(frozen=True, kw_only=True)
class BlobPlace:
    """A live blob folder and one set that is to be restored there."""

    live: Path
    set_id: str
    wanted: BlobSettings = field(default_factory=BlobSettings)
    """As target.toml says."""

    @property
    def beside(self) -> Path:
        """The folder that is filled; of one set only, so that a second try goes on in it."""
        kept = "".join(each for each in self.set_id if each.isalnum() or each in "-_")[:60]
        return self.live.with_name(f"{self.live.name}.restoring-{kept}")

    @property
    def mark(self) -> Path:
        """The file that tells of a restore that was completed."""
        return self.live.with_name(f"{self.live.name}.restored.json")

    def kept_as(self, moment: datetime, word: str = "replaced") -> Path:
        """A free name for a folder that is put aside."""
        first = self.live.with_name(f"{self.live.name}.{word}-{moment.strftime('%Y%m%dT%H%M%SZ')}")
        number, name = 1, first
        while name.exists() or name.is_symlink():
            number += 1
            name = first.with_name(f"{first.name}-{number}")
        return name

    @property
    def rights(self) -> Rights:
        """What is restored is given these. Raises as `rights_beside` does."""
        return rights_beside(self.live, self.wanted)

    def write_mark(self, stage: Stage, filled: Path, kept: tuple[Kept, ...] = ()) -> None:
        """Mark durably how far the restore of the folder `filled` is, and what is kept. Raises OSError."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        inode = filled.stat().st_ino
        mark = BlobMarker(stage=stage, set_id=self.set_id, at=now, inode=inode, kept=kept)
        self.rewrite_mark(mark)

    def rewrite_mark(self, mark: BlobMarker) -> None:
        """Put `mark` in the place of the last one, durably. Raises OSError."""
        write_durably(self.mark, msgspec.json.encode(mark) + b"\n")

    def last_mark(self) -> BlobMarker | None:
        """The mark as it was written, whichever folder has the live one's name by now; None = none.

        Raises PreconditionError where there is one that cannot be read: what is kept is not known then.
        """
        try:
            with os.fdopen(os.open(self.mark, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
                return msgspec.json.decode(file.read(_MARK_LIMIT), type=BlobMarker)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PreconditionError(
                f"the mark of the last restore cannot be read: {error.strerror}",
                where=str(self.mark),
                hint="run this as the account that restored, or as root",
            ) from None
        except msgspec.MsgspecError:
            raise PreconditionError(
                "the mark of the last restore is damaged: which folders are kept is not known",
                where=str(self.mark),
                hint=f"note what stands beside it ({self.live.name}.replaced-…), then move this file away",
            ) from None

    def read_mark(self) -> BlobMarker | None:
        """The mark of the live folder; None = none, or of another folder that had the name.

        Raises as `last_mark` does.
        """
        mark = self.last_mark()
        return mark if mark is not None and mark.inode == _inode(self.live) else None

    def kept(self) -> tuple[Kept, ...]:
        """What the mark names as put aside and is still there, the newest last.

        Raises as `last_mark` does.
        """
        mark = self.last_mark()
        return tuple(one for one in (mark.kept if mark else ()) if self.is_there(one))

    def is_there(self, kept: Kept) -> bool:
        """Whether this very folder is there under its name, itself and no link."""
        plain = kept.name == Path(kept.name).name and kept.name not in {"", ".", "..", self.live.name}
        return plain and _inode(self.live.with_name(kept.name)) == kept.inode


def put_aside(folder: Path, moment: datetime, *, undone: bool = False) -> Kept:
    """What a mark says of a folder that was put aside. Raises OSError."""
    return Kept(
        name=folder.name,
        inode=folder.lstat().st_ino,
        at=moment.isoformat(timespec="seconds"),
        undone=undone,
    )


def _inode(folder: Path) -> int | None:
    """Of a folder that is itself one; None for anything else."""
    try:
        found = folder.lstat()
    except OSError:
        return None
    return found.st_ino if stat.S_ISDIR(found.st_mode) else None


@contextmanager
def locked(place: BlobPlace) -> Iterator[None]:
    """Hold the lock of the folder above: it is the same one for every set, and no exchange moves it.

    Raises LockedError when another restore, undo or removal is at work.
    """
    make_open_folders(place.live.parent)
    lock = os.open(place.live.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise LockedError(
            "another `restore blobs` is at work here",
            where=str(place.live.parent),
            hint="wait for it, or end it",
        ) from None
    finally:
        os.close(lock)


def make_own_folder(folder: Path) -> bool:
    """Make a folder that only we can enter; return whether it is new.

    Raises PreconditionError when something has its name that is no folder of this account.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PreconditionError(
                "something else has the name of the folder to fill", where=str(folder), hint="move it away"
            ) from None
        folder.chmod(0o700)
        return False
    return True


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


def refuse_no_setting(env: Path) -> None:
    """Raise PreconditionError: blobs are to be restored, and `env` does not say where to."""
    raise PreconditionError(
        f"{BLOB_DIR} is not set: where the blobs belong is not known",
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
    if live.exists() and is_mount_point(live):
        raise PreconditionError(
            "the blob folder is a mount point and cannot be exchanged",
            where=str(live),
            hint=f"use a folder below it: AIHUMMER_BLOB_DIR={live}/blobs",
        )


def refuse_half_undone(place: BlobPlace) -> None:
    """Raise PreconditionError where an undo was begun and not finished, or where that cannot be read."""
    mark = place.last_mark()
    if mark is not None and mark.stage is Stage.UNDOING:
        raise PreconditionError(
            "an undo was begun here and did not come to its end",
            where=str(place.live),
            hint="finish it first: aihummer-drtui restore blobs --undo",
        )
