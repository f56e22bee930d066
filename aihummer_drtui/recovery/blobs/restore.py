"""Bringing the blobs back: into a folder beside the live one, every byte compared, then exchanged.

Read as a procedure: refuse, prove the list, fill the folder beside (what an earlier try left there
complete is kept), sync, exchange in one step, mark. Until the exchange the live folder is not touched.
"""

import os
import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BLOB_LIST, BackupSet
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.blobs.comparing import BadBlob
from aihummer_drtui.recovery.blobs.exchange import exchange, move_without_replacing
from aihummer_drtui.recovery.blobs.fill import Filling, give_folders, settled
from aihummer_drtui.recovery.blobs.listing import each_line, open_blob_list
from aihummer_drtui.recovery.blobs.place import (
    BlobPlace,
    Rights,
    Stage,
    locked,
    put_aside,
    refuse_bad_place,
    refuse_half_undone,
    refuse_lost_setting,
)
from aihummer_drtui.recovery.blobs.room import blob_part
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.space import measured, refuse_too_little
from aihummer_drtui.recovery.target import Target


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done."""

    folder: Path | None
    """None = the media service is inactive: there was nothing to do."""
    kept_as: Path | None
    """Where the old folder is; None = there was none."""
    blobs: int
    already_there: int
    """Of the blobs: those that an earlier try had brought."""


def restore_blobs(
    target: Target,
    backup: BackupSet,
    *,
    confirm: str,
    mode: str,
    reporter: Reporter,
    again: bool = False,
) -> Restored:
    """Replace the target's blob folder by the one in `backup`; the old one is kept under another name.

    `confirm` is the identity `host/database`; `mode` the run's, empty by hand. Raises PreconditionError
    before anything is made, LockedError when another restore is at work, FailedError when the work
    breaks; the live folder is then as it was, and what was copied is used by the next try.
    """
    refuse_wrong_mode(target, mode)
    refuse_other_identity(owner_of(target), confirm)
    refuse_untrusted(target, backup)
    _refuse_dump_only(backup)
    env = read_gateway_env(target.gateway_env)
    folder = env.blob_folder
    if folder is None:
        refuse_lost_setting(env.path, backup.manifest)
        return Restored(folder=None, kept_as=None, blobs=0, already_there=0)
    place = BlobPlace(live=folder, set_id=backup.manifest.set_id, wanted=target.blobs)
    refuse_bad_place(place)
    try:
        with ended_in_order(), locked(place):
            return _restored(place, backup, reporter, again=again)
    except OSError as error:
        raise FailedError(
            f"the blobs could not be restored: {error.strerror}",
            where=cleaned_line(str(error.filename or folder)),
            hint="make room or mend the disk, then run the same command again: it goes on where it was",
        ) from None


def _refuse_dump_only(backup: BackupSet) -> None:
    if not backup.manifest.knows(Fact.BLOBS):
        raise PreconditionError(
            "the set holds no blobs: it was sealed around a dump that was there already",
            where=cleaned_line(str(backup.path)),
            hint="bring the blob folder back from where it is kept, then skip this command with that reason",
        )


def _restored(place: BlobPlace, backup: BackupSet, reporter: Reporter, *, again: bool) -> Restored:
    count = backup.manifest.blobs.count
    refuse_half_undone(place)
    marker = place.read_mark()
    if marker and marker.stage is Stage.EXCHANGING:
        # Killed between exchange and mark: what stands beside now is the old folder, not ours to fill.
        kept_as = _finish(replace(place, set_id=marker.set_id))
        if marker.set_id == place.set_id and not again:
            return Restored(folder=place.live, kept_as=kept_as, blobs=count, already_there=count)
    _refuse_second(place, again=again)
    refuse_too_little(measured([blob_part(place, backup.manifest)]), where=str(place.live))
    rights = place.rights
    resumed = _make_beside(place)
    there = _fill(place, backup, rights, reporter, resumed=resumed)
    kept_as = _put_in_place(place, reporter)
    return Restored(folder=place.live, kept_as=kept_as, blobs=count, already_there=there)


def _refuse_second(place: BlobPlace, *, again: bool) -> None:
    marker = place.read_mark()
    stands = marker is not None and marker.stage is not Stage.UNDONE and marker.set_id == place.set_id
    if marker and stands and place.live.is_dir() and not again:
        raise PreconditionError(
            f"the blobs of this very backup set were already restored here at {cleaned_line(marker.at)}",
            where=str(place.live),
            hint="what was written since would be moved away; if that is meant, say --again",
        )


def _make_beside(place: BlobPlace) -> bool:
    """Make the folder to fill; return whether an earlier try for this set had made it."""
    try:
        place.beside.mkdir(mode=0o700)
    except FileExistsError:
        found = place.beside.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PreconditionError(
                "something else has the name of the folder to fill",
                where=str(place.beside),
                hint="move it away",
            ) from None
        # Nobody else gets in before the exchange.
        place.beside.chmod(0o700)
        return True
    return False


def _fill(place: BlobPlace, backup: BackupSet, rights: Rights, reporter: Reporter, *, resumed: bool) -> int:
    """Bring every listed blob into the folder beside; return how many were there already."""
    filling = Filling(source=backup.blobs, folder=place.beside, rights=rights, resumed=resumed)
    listing = open_blob_list(backup, reporter)
    with os.fdopen(listing, "rb", buffering=0) as file, settled(place.beside, reporter):
        if resumed:
            _remove_foreign(place)
        reporter.phase("restoring blobs", total=backup.manifest.blobs.size, unit="bytes")
        try:
            there = filling.fill(each_line(file, str(backup.path / BLOB_LIST)), reporter)
        except BadBlob as bad:
            raise _bad(backup.blobs, bad) from None
        if resumed:
            _refuse_extra(place, backup)
        give_folders(place.beside, rights)
    return there


def _bad(source: Path, bad: BadBlob) -> FailedError:
    return FailedError(
        f"the blob {cleaned_line(bad.path)} {bad.how}",
        where=str(source),
        hint="the live blobs were not touched; copy the set again from where it is kept, or use another",
    )


def _remove_foreign(place: BlobPlace) -> None:
    """Remove from the folder beside what never belonged there: no try of ours makes a link or a pipe."""
    for found in scan(place.beside):
        if not found.regular:
            (place.beside / found.path).unlink()


def _refuse_extra(place: BlobPlace, backup: BackupSet) -> None:
    count = sum(1 for _ in scan(place.beside))
    if count != backup.manifest.blobs.count:
        raise FailedError(
            f"{count} files stand where {backup.manifest.blobs.count} were sealed",
            where=str(place.beside),
            hint="remove this folder (it is not the live one), then run the same command again",
        )


def _put_in_place(place: BlobPlace, reporter: Reporter) -> Path | None:
    reporter.phase("exchanging the folders")
    place.write_mark(Stage.EXCHANGING, place.beside, place.kept())
    if place.live.exists():
        exchange(place.beside, place.live)
    else:
        move_without_replacing(place.beside, place.live)
    sync_folder(place.live.parent)
    return _finish(place)


def _finish(place: BlobPlace) -> Path | None:
    """After the exchange: keep the old folder under its own name, and mark the new one."""
    kept_as = None
    kept = place.kept()
    if place.beside.exists():
        now = datetime.now(UTC)
        kept_as = place.kept_as(now)
        move_without_replacing(place.beside, kept_as)
        sync_folder(place.live.parent)
        kept = (*kept, put_aside(kept_as, now))
    place.write_mark(Stage.RESTORED, place.live, kept)
    return kept_as
