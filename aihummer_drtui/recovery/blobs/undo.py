"""Taking a restore of blobs back while the old folder is kept: the two change places once more."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.blobs.exchange import exchange, move_without_replacing
from aihummer_drtui.recovery.blobs.place import (
    BlobMarker,
    BlobPlace,
    Kept,
    Stage,
    locked,
    put_aside,
    refuse_bad_place,
)
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What was done."""

    folder: Path
    """The old folder is in its place again."""
    kept_as: Path | None
    """Where the restored one is now; None = it was removed by hand after an undo that was cut off."""


def undo_blobs(target: Target, *, confirm: str, mode: str) -> Undone:
    """Put the old blob folder back in place; the restored one is kept under another name.

    `confirm` is the identity `host/database`; `mode` the run's, empty by hand. Run again after it was
    killed, it finishes. Raises PreconditionError when there is nothing to undo or the old folder is gone,
    LockedError when another is at work, FailedError when the folders cannot be exchanged.
    """
    refuse_wrong_mode(target, mode)
    refuse_other_identity(owner_of(target), confirm)
    place = marked_place(target)
    try:
        with ended_in_order(), locked(place):
            return _undone(place)
    except OSError as error:
        raise FailedError(
            f"the restore could not be undone: {error.strerror}",
            where=cleaned_line(str(error.filename or place.live)),
            hint="run the same command again; `probe restore-blobs-undo` tells where it stands",
        ) from None


def marked_place(target: Target) -> BlobPlace:
    """The target's blob folder, with the set that its last mark names.

    Raises PreconditionError when gateway.env names none, or one that cannot be exchanged.
    """
    env = read_gateway_env(target.gateway_env)
    if env.blob_folder is None:
        raise PreconditionError(
            "AIHUMMER_BLOB_DIR is not set: the media service is inactive, and nothing was restored",
            where=str(env.path),
            hint="was it set before? put it back into gateway.env",
        )
    place = BlobPlace(live=env.blob_folder, set_id="")
    refuse_bad_place(place)
    mark = place.last_mark()
    return replace(place, set_id=mark.set_id) if mark else place


def _undone(place: BlobPlace) -> Undone:
    last = place.last_mark()
    if last is not None and last.stage is Stage.UNDOING and place.read_mark() is None:
        # Killed after the exchange: the old folder is in place, the restored one still has its name.
        return _finish(place, last)
    mark = place.read_mark()
    if mark is None or mark.stage not in {Stage.RESTORED, Stage.UNDOING}:
        raise PreconditionError(
            "no restore of blobs stands here that could be undone",
            where=str(place.live),
            hint="what is in place was not restored by this program; see `probe restore-blobs`",
        )
    old = _newest_old(place)
    if old is None:
        raise PreconditionError(
            "the folder that was there before is not kept: there was none, or it was dropped or moved",
            where=str(place.live),
            hint="the blobs of an earlier moment come from another backup set: restore blobs --backup-set",
        )
    kept = place.kept()
    place.write_mark(Stage.UNDOING, place.live, kept)
    exchange(place.live.with_name(old.name), place.live)
    sync_folder(place.live.parent)
    return _finish(place, msgspec.structs.replace(mark, kept=kept))


def comes_back(place: BlobPlace) -> Kept | None:
    """What an undo would put in place again; None = it would be refused. Raises PreconditionError."""
    mark = place.read_mark()
    if mark is None or mark.stage not in {Stage.RESTORED, Stage.UNDOING}:
        return None
    return _newest_old(place)


def _newest_old(place: BlobPlace) -> Kept | None:
    fit = [one for one in place.kept() if not one.undone and not one.dropping]
    return fit[-1] if fit else None


def _finish(place: BlobPlace, mark: BlobMarker) -> Undone:
    """After the exchange: give the restored folder a name that says so, and mark the old one.

    Raises PreconditionError where neither of the two is where it belongs.
    """
    now = datetime.now(UTC)
    names = [place.live.with_name(one.name) for one in mark.kept]
    taken = [path for path in names if path.is_dir() and path.lstat().st_ino == mark.inode]
    if taken:
        kept_as = place.kept_as(now, "undone")
        move_without_replacing(taken[-1], kept_as)
        sync_folder(place.live.parent)
    else:
        # Killed between renaming and marking.
        found = _renamed(place, mark)
        if found is None:
            _refuse_neither(place, mark)
            place.write_mark(Stage.UNDONE, place.live, place.kept())
            return Undone(folder=place.live, kept_as=None)
        kept_as = found
    place.write_mark(Stage.UNDONE, place.live, (*place.kept(), put_aside(kept_as, now, undone=True)))
    return Undone(folder=place.live, kept_as=kept_as)


def _renamed(place: BlobPlace, mark: BlobMarker) -> Path | None:
    """The restored folder under the name that an undo gave it; None = it is gone."""
    prefix = f"{place.live.name}.undone-"
    named = (path for path in place.live.parent.iterdir() if path.name.startswith(prefix))
    return next((path for path in named if path.lstat().st_ino == mark.inode), None)


def _refuse_neither(place: BlobPlace, mark: BlobMarker) -> None:
    """Let pass where the folder in place is one that was put aside."""
    inode = place.live.lstat().st_ino
    if all(one.inode != inode for one in mark.kept):
        raise PreconditionError(
            "neither the restored folder nor one that was put aside is in place or kept as the mark says",
            where=str(place.live),
            hint=f"put the right folder there by hand, then move {place.mark} away",
        )
