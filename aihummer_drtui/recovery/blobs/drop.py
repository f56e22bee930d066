"""Removing the blob folders that restores put aside: only those that our mark names, and not too soon."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import parse_duration
from aihummer_drtui.recovery.blobs.place import BlobPlace, Kept, locked, refuse_half_undone
from aihummer_drtui.recovery.blobs.removal import remove_tree
from aihummer_drtui.recovery.blobs.undo import comes_back, marked_place
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class OldFolder:
    """A folder that was put aside and is still there."""

    path: Path
    until: datetime
    """It is kept until then unless somebody says otherwise."""
    dropping: bool
    """Its removal was begun."""
    comes_back: bool
    """An undo would put it in place again."""

    def may_go(self, now: datetime, *, early: bool) -> bool:
        """Whether it may be removed."""
        return early or self.dropping or now >= self.until


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What was done."""

    removed: tuple[Path, ...]
    kept: tuple[OldFolder, ...]
    """Those whose time has not come."""


def old_folders(target: Target) -> tuple[OldFolder, ...]:
    """Every blob folder that a restore or an undo put aside and is still there, the oldest first.

    Raises PreconditionError when the blob folder is not known.
    """
    place = marked_place(target)
    back = comes_back(place)
    return tuple(_old_folder(place, one, target, comes_back=one == back) for one in place.kept())


def kept_until(target: Target, moment: datetime) -> datetime:
    """When what was put aside at `moment` may go."""
    return moment + timedelta(seconds=parse_duration(target.keep_old) or 0)


def _old_folder(place: BlobPlace, kept: Kept, target: Target, *, comes_back: bool) -> OldFolder:
    try:
        moment = datetime.fromisoformat(kept.at)
    except ValueError:
        moment = datetime.now(UTC)
    return OldFolder(
        path=place.live.with_name(kept.name),
        until=kept_until(target, moment),
        dropping=kept.dropping,
        comes_back=comes_back,
    )


def drop_old_blobs(target: Target, *, confirm: str, mode: str, early: bool, reporter: Reporter) -> Dropped:
    """Remove, for good, the old blob folders whose time has come; with `early` all of them.

    Each is marked before its first file goes, so that no undo takes what is left of it for whole; run
    again after it was killed, it goes on. Raises PreconditionError when the time of none has come,
    LockedError when another is at work, FailedError when a file cannot be removed.
    """
    refuse_wrong_mode(target, mode)
    refuse_other_identity(owner_of(target), confirm)
    place = marked_place(target)
    now = datetime.now(UTC)
    try:
        with ended_in_order(), locked(place):
            refuse_half_undone(place)
            found = old_folders(target)
            due = [one for one in found if one.may_go(now, early=early)]
            if found and not due:
                raise PreconditionError(
                    f"it is kept until {found[0].until.isoformat(timespec='seconds')}",
                    where=str(found[0].path),
                    hint="wait until then; if nobody can miss it any more, say --early",
                )
            for one in due:
                _drop(place, one.path, reporter)
            return Dropped(
                removed=tuple(one.path for one in due), kept=tuple(one for one in found if one not in due)
            )
    except OSError as error:
        raise FailedError(
            f"the old blobs could not be removed: {error.strerror}",
            where=cleaned_line(str(error.filename or place.live)),
            hint="the live folder was not touched; mend that, then run the same command again: it goes on",
        ) from None


def _drop(place: BlobPlace, folder: Path, reporter: Reporter) -> None:
    _mark(place, lambda one: msgspec.structs.replace(one, dropping=one.dropping or one.name == folder.name))
    reporter.phase(f"removing {cleaned_line(folder.name)}", unit="blobs")
    remove_tree(folder, reporter.advance)
    sync_folder(place.live.parent)
    _mark(place, lambda one: one)


def _mark(place: BlobPlace, change: Callable[[Kept], Kept]) -> None:
    """Write the mark again; what is not there any more drops out of it."""
    mark = place.last_mark()
    if mark is not None:
        place.rewrite_mark(msgspec.structs.replace(mark, kept=tuple(map(change, place.kept()))))
