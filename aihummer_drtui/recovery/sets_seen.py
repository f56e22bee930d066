"""The sets and windows that a recovery could use, looked at place by place, told as they come.

Each place is looked at beside the others: one that hangs (a dead NFS server, a keeper that waits for a
lock) holds nothing up, and is told as such when its time is over.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, assert_never

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.points import RecoveryPoint, points_in
from aihummer_drtui.recovery.backup.set import zoned_moment
from aihummer_drtui.recovery.backup.signature import trusted_keys
from aihummer_drtui.recovery.backup.skew import set_skew
from aihummer_drtui.recovery.key.at_hand import fingerprint_at_hand
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of, names_keeper
from aihummer_drtui.recovery.point_in_time.model import Window
from aihummer_drtui.recovery.side_by_side import Came, Over, Quiet, side_by_side
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.recovery_set import (
    BlobCopy,
    Blobs,
    Dump,
    NoBlobs,
    NoSet,
    RecoverySets,
    SealedKey,
    SealedSet,
    WalWindow,
)

_EVERY: Final = 0.3
"""Seconds between two tellings while sets come in."""
_Found: TypeAlias = SealedSet | NoSet | WalWindow
_Look: TypeAlias = Callable[[], Iterator[_Found]]


@dataclass(kw_only=True)
class _Seen:
    """What has come so far."""

    keeps_wal: bool
    looking: list[str]
    found: list[_Found] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def told(self) -> RecoverySets:
        """All of it, in order."""
        sets = [one for one in self.found if isinstance(one, SealedSet)]
        none = [one for one in self.found if isinstance(one, NoSet)]
        windows = [one for one in self.found if isinstance(one, WalWindow)]
        return RecoverySets(
            sets=tuple(sorted(sets, key=lambda one: (_has_no_blobs(one), -one.dump.moment.timestamp()))),
            none=tuple(sorted(none, key=lambda one: one.name)),
            windows=tuple(
                sorted(windows, key=lambda one: one.latest or one.earliest, reverse=True),
            ),
            keeps_wal=self.keeps_wal,
            looking=tuple(self.looking),
            unseen=tuple(self.unseen),
        )


def sets_seen(target: Target, seconds: float) -> Iterator[RecoverySets]:
    """Look at every backup place and at the keeper of WAL, and tell what is known so far, again and again.

    The last telling has nothing left in `looking`; it comes within `seconds`, and what has not answered by
    then is in `unseen`. Raises PreconditionError where a trusted key of the target cannot be read.
    """
    looks = _looks(target)
    seen = _Seen(keeps_wal=names_keeper(target), looking=list(looks))
    yield seen.told()
    told_at, is_new = time.monotonic(), False
    for news in side_by_side(looks, seconds, quiet=_EVERY):
        match news:
            case Came(what=one):
                seen.found.append(one)
                is_new = True
            case Over(place=place, why=why):
                seen.looking.remove(place)
                seen.unseen += [why] if why else []
            case Quiet():
                pass
            case _ as never:
                assert_never(never)
        is_due = is_new and time.monotonic() - told_at >= _EVERY
        if is_due or isinstance(news, Over):
            yield seen.told()
            told_at, is_new = time.monotonic(), False


def _looks(target: Target) -> dict[str, _Look]:
    """What there is to look at, by the name under which it is told."""
    fingerprint, trusted = fingerprint_at_hand(target), trusted_keys(target)
    looks: dict[str, _Look] = {
        str(place): partial(_sets_in, place, fingerprint, trusted) for place in target.backup_places
    }
    if names_keeper(target):
        looks["the keeper of WAL"] = partial(_windows, target)
    return looks


def _sets_in(place: Path, fingerprint: str, trusted: frozenset[str]) -> Iterator[SealedSet | NoSet]:
    now = datetime.now(UTC)
    for point in points_in(place, fingerprint=fingerprint, now=now, trusted=trusted):
        yield _told(point, fingerprint, must_be_signed=bool(trusted))


def _told(point: RecoveryPoint, fingerprint: str, *, must_be_signed: bool) -> SealedSet | NoSet:
    manifest = point.manifest
    moment = zoned_moment(manifest.recovery_point) if manifest else None
    if manifest is None or moment is None:
        problem = point.problem or "its recovery point is a time without a zone"
        return NoSet(name=cleaned_line(point.path.name, 100), problem=cleaned_line(problem))
    return SealedSet(
        value=str(point.path),
        name=point.path.name,
        dump=Dump(
            database=manifest.database.name,
            size=manifest.database.size if manifest.knows(Fact.SIZE) else None,
            moment=moment,
        ),
        blobs=_blobs(manifest),
        key=SealedKey(sealed=manifest.key_fingerprint, at_hand=fingerprint),
        size=point.size,
        verified=point.verified.moment if point.verified else None,
        damage=point.damage,
        signed=point.signed,
        must_be_signed=must_be_signed,
        doubts=manifest.doubts,
    )


def _blobs(manifest: Manifest) -> Blobs:
    blobs = manifest.blobs
    if not manifest.knows(Fact.BLOBS) or not blobs.active:
        return NoBlobs(inactive=manifest.knows(Fact.BLOBS))
    skew = set_skew(manifest)
    return BlobCopy(
        count=blobs.count,
        size=blobs.size,
        copied=zoned_moment(blobs.copied_at),
        rows_without_blob=skew.rows_without_blob if skew else None,
        blobs_without_row=skew.blobs_without_row if skew else None,
    )


def _windows(target: Target) -> Iterator[WalWindow]:
    keeper = keeper_of(target)
    for window in keeper.windows():
        yield _window(window, keeper.keeper.value)


def _window(window: Window, keeper: str) -> WalWindow:
    return WalWindow(
        label=window.base.label,
        keeper=keeper,
        size=window.base.size,
        earliest=window.earliest,
        latest=window.latest,
        verified=window.base.verified,
        timeline=window.timeline,
        gap=window.gap,
    )


def _has_no_blobs(one: SealedSet) -> bool:
    return isinstance(one.blobs, NoBlobs) and not one.blobs.inactive
