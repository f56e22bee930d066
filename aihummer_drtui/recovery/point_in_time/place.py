"""Where a server is recovered: its data directory, the names beside it, and the mark that tells how far.

The mark is a small file beside the data directory. A kill at any moment leaves it and the folders in a
state that names itself: which of the two is in place is told by the folder's inode, whatever its name.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec

from aihummer_drtui.durable import sync_folder, write_durably
from aihummer_drtui.errors import FailedError, LockedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.exchange import exchange, move_without_replacing
from aihummer_drtui.recovery.mounts import is_mount_point
from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.regular_file import read_regular

_MARK_LIMIT: Final = 10_000
_ID: Final = re.compile(r"[0-9a-f]{8}")
_MOMENT: Final = re.compile(r"\d{8}T\d{6}Z(-\d{1,4})?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class DataPlace:
    """A data directory, and what belongs to its recovery."""

    live: Path
    """Absolute, without links."""

    @property
    def mark(self) -> Path:
        """The file that tells how far a recovery is."""
        return self.live.with_name(f"{self.live.name}.point-in-time.json")

    def beside(self, recovery: str) -> Path:
        """The folder that a recovery of this id fills."""
        return self.live.with_name(f"{self.live.name}.restoring-{recovery}")

    def aside(self, word: str, moment: datetime) -> Path:
        """A free name for a folder that is put aside: `<data>.replaced-20261124T031245Z`."""
        first = self.live.with_name(f"{self.live.name}.{word}-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        number, name = 1, first
        while os.path.lexists(name):
            number += 1
            name = first.with_name(f"{first.name}-{number}")
        return name

    def left_over(self) -> list[Path]:
        """Folders that recoveries filled and never put in place."""
        return [each for each in self._folders("restoring") if _ID.fullmatch(each.name.rpartition("-")[2])]

    def put_aside(self) -> list[Path]:
        """Data directories that recoveries replaced, and what killed removals left; the newest last."""
        prefix = f"{self.live.name}.replaced-"
        return [
            each for each in self._folders("replaced") if _MOMENT.fullmatch(each.name.removeprefix(prefix))
        ]

    def _folders(self, word: str) -> list[Path]:
        prefix = f"{self.live.name}.{word}-"
        return sorted(
            path
            for path in self.live.parent.iterdir()
            if path.name.startswith(prefix) and path.is_dir() and not path.is_symlink()
        )

    def kept(self, mark: DataMark) -> Path | None:
        """The folder that a mark says was put aside, if it is still there."""
        path = self.live.with_name(mark.kept) if mark.kept else None
        return path if path is not None and path.is_dir() and not path.is_symlink() else None

    def is_locked(self) -> bool:
        """Whether a recovery holds the lock; those who ask do not see each other. Raises OSError."""
        lock = os.open(self.live.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the folder above, which no exchange moves. Raises LockedError where it is held."""
        lock = os.open(self.live.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(
                    "another recovery of this server is at work",
                    where=str(self.live.parent),
                    hint="wait for it, or end it; `aihummer-drtui probe restore-database` tells where it "
                    "stands",
                ) from None
            yield
        finally:
            os.close(lock)

    def in_place(self, mark: DataMark) -> bool:
        """Whether the recovered folder is the one in place."""
        return mark.inode != 0 and inode_of(self.live) == mark.inode

    def holds(self, found: DataMark | None, point: str) -> bool:
        """Whether the server in place was recovered to that point, as `spelled` gives it."""
        mark = found and found.standing
        return (
            mark is not None and mark.stage is Stage.RESTORED and mark.point == point and self.in_place(mark)
        )

    def write(self, mark: DataMark, *, keep_time: bool = False) -> DataMark:
        """Write the mark durably, with the present time, and give it. Raises OSError.

        `keep_time` leaves its time as it is: since then the old server is kept.
        """
        if not keep_time:
            mark = msgspec.structs.replace(mark, at=datetime.now(UTC).isoformat(timespec="seconds"))
        owner = self.live.parent.stat()
        write_durably(
            self.mark,
            msgspec.json.encode(mark) + b"\n",
            mode=0o644,
            owner=(owner.st_uid, owner.st_gid) if os.geteuid() == 0 else None,
        )
        return mark

    def read(self) -> DataMark | None:
        """The mark; None = there is none.

        Whoever can write beside the data directory can write it: its names stay within this folder. Raises
        PreconditionError where it cannot be read or would lead elsewhere: which of the folders is the old
        server, only it tells.
        """
        try:
            data, _ = read_regular(self.mark, limit=_MARK_LIMIT, follow=False)
            found = msgspec.json.decode(data, type=DataMark)
            ours = self._is_ours(found) and (found.former is None or self._is_ours(found.former))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._no_mark(error.strerror or str(error)) from None
        except ValueError as error:  # MsgspecError is one
            raise self._no_mark(str(error)) from None
        if not ours:
            raise self._no_mark("its names or its time are none of ours")
        return found

    def _is_ours(self, mark: DataMark) -> bool:
        """Whether its names stay beside the data directory, and its time is one. Raises ValueError."""
        written = datetime.fromisoformat(mark.at)
        beside = not mark.kept or mark.kept.startswith(f"{self.live.name}.")
        return bool(_ID.fullmatch(mark.id) and beside and "/" not in mark.kept and written.tzinfo)

    def _no_mark(self, why: str) -> PreconditionError:
        return PreconditionError(
            f"what a recovery noted beside the data directory cannot be read: {cleaned_line(why, 200)}",
            where=str(self.mark),
            hint="it tells which of the folders there is the old server: look at them, and only then move it "
            "away; or run this as root",
        )

    def remove_mark(self) -> None:
        """Take the mark away. Raises OSError."""
        self.mark.unlink(missing_ok=True)
        sync_folder(self.live.parent)

    def put_in_place(self, folder: Path) -> None:
        """Exchange `folder` with the live one in one step, or give it the live name where none is there.

        Raises OSError, and FailedError where the file system cannot; both names are then as they were.
        """
        if os.path.lexists(self.live):
            exchange(folder, self.live)
        else:
            move_without_replacing(folder, self.live)
        sync_folder(self.live.parent)

    def refuse_no_exchange(self) -> None:
        """Let pass a file system that can exchange two folders in one step, tried with two empty ones.

        Raises PreconditionError, also where no folder can be made beside the data directory.
        """
        made: list[Path] = []
        try:
            for _ in range(2):
                made.append(Path(mkdtemp(prefix=f"{self.live.name}.exchange-", dir=self.live.parent)))
            exchange(*made)
        except FailedError as error:
            raise PreconditionError(
                error.what,
                where=str(self.live.parent),
                hint="put the data directory on a local file system (ext4, xfs, btrfs); nothing was changed",
            ) from None
        except OSError as error:
            raise PreconditionError(
                f"no folder can be made beside the data directory: {error.strerror}",
                where=str(self.live.parent),
                hint="run this as root or as the server's account; nothing was changed",
            ) from None
        finally:
            for folder in made:
                with suppress(OSError):
                    folder.rmdir()

    def rename(self, folder: Path, name: Path) -> None:
        """Rename a folder beside to a free name, durably. Raises OSError."""
        move_without_replacing(folder, name)
        sync_folder(self.live.parent)

    def remove(self, folder: Path) -> None:
        """Remove a folder beside with all that is in it; following no link. Raises OSError."""
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        sync_folder(self.live.parent)


def inode_of(folder: Path) -> int:
    """The number of a folder, which renaming does not change; 0 = it is not there."""
    try:
        return folder.lstat().st_ino
    except OSError:
        return 0


def data_place(directory: Path) -> DataPlace:
    """The place of a data directory. Raises PreconditionError where its folder could not be exchanged."""
    live = directory.resolve()
    if not live.parent.is_dir():
        raise PreconditionError(
            "the folder above the data directory is not there",
            where=str(live.parent),
            hint="install PostgreSQL, or name another `data-directory` in [postgres] of target.toml",
        )
    if live.exists() and not live.is_dir():
        raise PreconditionError("the data directory is no folder", where=str(live), hint="move it away")
    if is_mount_point(live):
        raise PreconditionError(
            "the data directory is a mount point and cannot be exchanged",
            where=str(live),
            hint="mount the disk one folder higher, and let the data directory be a folder on it",
        )
    if live.is_dir() and any((live / "pg_tblspc").glob("*")):
        raise PreconditionError(
            "the server has tablespaces outside of its data directory, which this does not bring back",
            where=str(live / "pg_tblspc"),
            hint="recover by the keeper's own program, or take the other route: --to dump",
        )
    return DataPlace(live=live)
