"""Bringing the blobs back: into a folder beside the live one, every byte compared, then exchanged.

Read as a procedure: refuse, fill the folder beside from the source (what an earlier try left there complete
is kept), prove it, exchange in one step, mark. Until the exchange the live folder is not touched.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.blobs.delivery import Delivery, refuse_unreadable
from aihummer_drtui.recovery.blobs.exchange import exchange, move_without_replacing
from aihummer_drtui.recovery.blobs.place import (
    BlobPlace,
    Stage,
    locked,
    make_own_folder,
    put_aside,
    refuse_bad_place,
    refuse_half_undone,
    refuse_lost_setting,
    refuse_no_setting,
)
from aihummer_drtui.recovery.blobs.referred import Grade, Proof, prove_by_references
from aihummer_drtui.recovery.blobs.room import blob_part
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.blobs.source import FolderSource, Source, source_mark
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
    left_out: int = 0
    """Files of the source that the backup set does not list: they were not taken."""
    proof: Proof = field(default_factory=lambda: Proof(grade=Grade.SEALED))


def restore_blobs(
    target: Target,
    backup: BackupSet | None,
    *,
    confirm: str,
    mode: str,
    reporter: Reporter,
    source: Source | None = None,
    again: bool = False,
    accept_missing: bool = False,
) -> Restored:
    """Replace the target's blob folder; the old one is kept under another name.

    The blobs are brought from `source` (None = the backup set itself) and must be those that `backup`
    lists; without a set, or with one that lists none, those the database refers to, unless damage is
    accepted (`accept_missing`). `confirm` is the identity `host/database`; `mode` the run's, empty by hand.
    Raises PreconditionError before anything is made, LockedError when another restore is at work,
    FailedError when the work breaks; the live folder is then as it was, and what was copied is used by the
    next try.
    """
    refuse_wrong_mode(target, mode)
    refuse_other_identity(owner_of(target), confirm)
    if backup is not None:
        refuse_untrusted(target, backup)
    lists_blobs = backup is not None and backup.manifest.knows(Fact.BLOBS)
    sealed = backup if lists_blobs else None
    from_where = source or _own_blobs(backup)
    env = read_gateway_env(target.gateway_env)
    folder = env.blob_folder
    if folder is None:
        if source is not None:
            refuse_no_setting(env.path)
        refuse_lost_setting(env.path, backup.manifest if backup else None)
        return Restored(folder=None, kept_as=None, blobs=0, already_there=0)
    mark = backup.manifest.set_id if backup else source_mark(from_where)
    place = BlobPlace(live=folder, set_id=mark, wanted=target.blobs)
    refuse_bad_place(place)
    refuse_unreadable(from_where, target)
    try:
        with ended_in_order(), locked(place):
            done = _finished_before(place, again=again, sealed=sealed is not None)
            if done is not None:
                return done
            if sealed is not None:
                refuse_too_little(measured([blob_part(place, sealed.manifest)]), where=str(place.live))
            rights = place.rights
            delivery = Delivery(
                target=target,
                place=place,
                rights=rights,
                source=from_where,
                backup=sealed,
                resumed=not make_own_folder(place.beside),
                reporter=reporter,
            )
            return _restored(delivery, accept_missing=accept_missing)
    except OSError as error:
        raise FailedError(
            f"the blobs could not be restored: {error.strerror}",
            where=cleaned_line(str(error.filename or folder)),
            hint="make room or mend the disk, then run the same command again: it goes on where it was",
        ) from None


def _own_blobs(backup: BackupSet | None) -> Source:
    if backup is None or not backup.manifest.knows(Fact.BLOBS):
        raise PreconditionError(
            "the set holds no blobs: it was sealed around a dump that was there already",
            where=cleaned_line(str(backup.path)) if backup else "",
            hint="say where the blobs are kept: --from SOURCE",
        )
    return FolderSource(path=backup.blobs)


def _restored(delivery: Delivery, *, accept_missing: bool) -> Restored:
    """Deliver, prove, exchange."""
    place = delivery.place
    brought = delivery.deliver()
    proof = Proof(grade=Grade.SEALED)
    if delivery.backup is None:
        proof = prove_by_references(
            delivery.target, place.beside, delivery.reporter, accept_missing=accept_missing
        )
    return Restored(
        folder=place.live,
        kept_as=_put_in_place(place, delivery.reporter),
        blobs=brought.count,
        already_there=brought.there,
        left_out=brought.left_out,
        proof=proof,
    )


def _finished_before(place: BlobPlace, *, again: bool, sealed: bool) -> Restored | None:
    """Finish what a killed try had exchanged; None = there is a restore to be made.

    Raises PreconditionError when this very one was made already.
    """
    refuse_half_undone(place)
    marker = place.read_mark()
    if marker and marker.stage is Stage.EXCHANGING:
        # Killed between exchange and mark: what stands beside now is the old folder, not ours to fill.
        kept_as = _finish(replace(place, set_id=marker.set_id)) or _newest_kept(place)
        if marker.set_id == place.set_id and not again:
            count = sum(1 for _ in scan(place.live))
            return Restored(
                folder=place.live,
                kept_as=kept_as,
                blobs=count,
                already_there=count,
                # The exchange is marked only after the proof; what without a set that was, nobody wrote down.
                proof=Proof(
                    grade=Grade.SEALED if sealed else Grade.UNPROVEN,
                    note="an earlier try, which was cut off after the exchange, did the comparing",
                ),
            )
    _refuse_second(place, again=again)
    return None


def _refuse_second(place: BlobPlace, *, again: bool) -> None:
    marker = place.read_mark()
    stands = marker is not None and marker.stage is not Stage.UNDONE and marker.set_id == place.set_id
    if marker and stands and place.live.is_dir() and not again:
        raise PreconditionError(
            f"these very blobs were already restored here at {cleaned_line(marker.at)}",
            where=str(place.live),
            hint="what was written since would be moved away; if that is meant, say --again",
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
        kept = (*kept, msgspec.structs.replace(put_aside(place.beside, now), name=kept_as.name))
        # Named before it has the name: killed in between, it would be nobody's.
        place.write_mark(Stage.EXCHANGING, place.live, kept)
        move_without_replacing(place.beside, kept_as)
        sync_folder(place.live.parent)
    place.write_mark(Stage.RESTORED, place.live, kept)
    return kept_as


def _newest_kept(place: BlobPlace) -> Path | None:
    kept = place.kept()
    return place.live.with_name(kept[-1].name) if kept else None
