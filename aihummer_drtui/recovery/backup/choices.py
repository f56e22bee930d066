"""The backup sets that a recovery can choose from, each with what choosing it would mean."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.points import RecoveryPoint, newest_first, recovery_points
from aihummer_drtui.recovery.backup.signature import trusted_keys
from aihummer_drtui.recovery.backup.skew import set_skew
from aihummer_drtui.recovery.key.at_hand import fingerprint_at_hand
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.recovery_set import KeyMatch, Signed
from aihummer_drtui.run.verdict import Choice

MOST: Final = 9
"""Sets offered; `backup list` shows all."""


def set_choices(target: Target) -> tuple[Choice, ...]:
    """The sealed sets of the target's places, those with blobs first, the newest of them first."""
    now = datetime.now(UTC)
    found = newest_first(_sealed(target, now))
    with_blobs = [point for point in found if _brings_blobs(point)]
    others = [point for point in found if not _brings_blobs(point)]
    return tuple(
        Choice(value=str(point.path), told=tuple(told(point, now))) for point in (*with_blobs, *others)[:MOST]
    )


def _sealed(target: Target, now: datetime) -> Iterator[RecoveryPoint]:
    fingerprint, trusted = fingerprint_at_hand(target), trusted_keys(target)
    for place in target.backup_places:
        try:
            points = recovery_points(place, fingerprint=fingerprint, now=now, trusted=trusted)
        except DrtuiError:
            # A place that is not mounted offers nothing; `backup list` says why.
            continue
        yield from (point for point in points if point.manifest is not None)


def _brings_blobs(point: RecoveryPoint) -> bool:
    return point.manifest is not None and point.manifest.knows(Fact.BLOBS)


def told(point: RecoveryPoint, now: datetime) -> Iterator[str]:
    """What choosing this set would mean, a line each: what is lost, what comes back, what is doubtful."""
    manifest = point.manifest
    if manifest is None or point.age is None:
        yield point.problem
        return
    moment = cleaned_line(manifest.recovery_point[:19].replace("T", " "), 20)
    lost = f"everything after it is lost: {duration_text(point.age)}" if point.age >= 0 else "in the future"
    yield f"{moment} UTC; {lost}"
    yield f"database {_database(manifest)}; {_blobs(manifest)}"
    yield from _skew(manifest)
    yield "; ".join((_verified(point, now), *_doubts(point)))


def _database(manifest: Manifest) -> str:
    size = bytes_text(manifest.database.size) if manifest.knows(Fact.SIZE) else "of unproven size"
    return f"{cleaned_line(manifest.database.name, 60)} {size}"


def _blobs(manifest: Manifest) -> str:
    blobs = manifest.blobs
    if not manifest.knows(Fact.BLOBS):
        return "no blobs in it"
    return f"{blobs.count} blobs {bytes_text(blobs.size)}" if blobs.active else "media inactive, no blobs"


def _skew(manifest: Manifest) -> Iterator[str]:
    """How far blobs and database are apart: in time, in rows and in files; nothing without blobs."""
    if not manifest.knows(Fact.BLOBS) or not manifest.blobs.active:
        return
    told = f"blobs copied {_apart(manifest)}"
    if counted := set_skew(manifest):
        rows, files = counted.rows_without_blob, counted.blobs_without_row
        told += f"; {rows} rows without blob, {files} blobs without row"
    yield told


def _apart(manifest: Manifest) -> str:
    try:
        copied = datetime.fromisoformat(manifest.blobs.copied_at)
        apart = (copied - datetime.fromisoformat(manifest.recovery_point)).total_seconds()
    except (ValueError, TypeError):
        return "at an unreadable time"
    return f"{duration_text(abs(apart))} {'after' if apart >= 0 else 'before'} the database"


def _verified(point: RecoveryPoint, now: datetime) -> str:
    if point.damage:
        return f"DAMAGED: {point.damage}"
    if point.verified is None:
        return "never verified here"
    try:
        ago = (now - point.verified.moment).total_seconds()
    except ValueError:
        return "verified at an unreadable time"
    return f"verified {duration_text(ago)} ago"


def _doubts(point: RecoveryPoint) -> Iterator[str]:
    match point.key:
        case KeyMatch.SAME:
            yield "key fits"
        case KeyMatch.OTHER:
            yield "ANOTHER KEY than the one at hand"
        case KeyMatch.UNPROVEN:
            yield "key not compared"
    match point.signed:
        case Signed.TRUSTED:
            yield "signed"
        case Signed.WRONG:
            yield "SIGNATURE WRONG"
        case Signed.UNKNOWN_KEY:
            yield "signed by an unknown key"
        case Signed.NONE:
            pass
