"""Removing old sets: which are kept and why, and the removal itself, which leaves no half set behind."""

import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aihummer_drtui.durable import sync_folder
from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError, UsageError
from aihummer_drtui.recovery.backup.growing import PARTIAL, held
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.points import sealed_in
from aihummer_drtui.recovery.backup.set import BackupSet, age_of, open_set
from aihummer_drtui.recovery.backup.signature import SIGNATURE, refuse_doubtful, signed_by
from aihummer_drtui.recovery.backup.verified import read_damage, read_verified


@dataclass(frozen=True, kw_only=True)
class Keep:
    """For how many days, weeks and months (UTC) that have sets the newest set of each is kept."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One set and what becomes of it."""

    backup: BackupSet
    reasons: tuple[str, ...] = ()
    """Why it is kept."""
    problem: str = ""
    """Why nothing may be built upon it, which leaves it alone; empty = it is sound as far as was looked."""

    @property
    def goes(self) -> bool:
        """Whether it is to be removed."""
        return not self.reasons and not self.problem


def judge(place: Path, keep: Keep, *, trusted: frozenset[str] = frozenset()) -> list[Judged]:
    """Every sealed set of the place, the newest first, with the reasons to keep it.

    The newest set, the newest verified one and the newest that is whole (with blobs) always have one. A set
    that a restore would refuse (a part is missing or cut, no key of `trusted` signed it) or that is of a
    moment to come takes no sound one's place: it comes last, with its problem. Raises UsageError when
    nothing is to be kept, PreconditionError when the place cannot be listed.
    """
    if min(keep.daily, keep.weekly, keep.monthly) < 0 or not (keep.daily or keep.weekly or keep.monthly):
        raise UsageError(
            "nothing says which sets to keep",
            hint="give at least one of --keep-daily, --keep-weekly and --keep-monthly",
        )
    found = [(backup, _problem(backup, trusted)) for backup in sealed_in(place)]
    dated = sorted(
        ((_moment(backup), backup) for backup, problem in found if not problem),
        key=lambda each: each[0],
        reverse=True,
    )
    reasons: dict[Path, list[str]] = {backup.path: [] for _, backup in dated}
    _keep_newest(dated, reasons)
    for count, word, period in (
        (keep.daily, "daily", "%Y-%m-%d"),
        (keep.weekly, "weekly", "%G-W%V"),
        (keep.monthly, "monthly", "%Y-%m"),
    ):
        seen: set[str] = set()
        for moment, backup in dated:
            label = moment.strftime(period)
            if label not in seen and len(seen) < count:
                seen.add(label)
                reasons[backup.path].append(f"{word} {label}")
    left = [Judged(backup=backup, problem=problem) for backup, problem in found if problem]
    return [Judged(backup=backup, reasons=tuple(reasons[backup.path])) for _, backup in dated] + left


def _problem(backup: BackupSet, trusted: frozenset[str]) -> str:
    """Why a restore would refuse the set, as far as sizes, signature and time tell; empty = nothing."""
    try:
        backup.refuse_cut()
        if damage := read_damage(backup):
            return damage
        refuse_doubtful(signed_by(backup, trusted), trusted, where=backup.path, signature=SIGNATURE)
        early = age_of(backup.manifest, datetime.now(UTC)) < 0
    except DrtuiError as error:
        return error.what
    return "its recovery point is yet to come: a clock is wrong, here or where it was made" if early else ""


def _keep_newest(dated: Sequence[tuple[datetime, BackupSet]], reasons: dict[Path, list[str]]) -> None:
    rules: tuple[tuple[str, Callable[[BackupSet], bool]], ...] = (
        ("newest", lambda _: True),
        ("newest verified", lambda backup: read_verified(backup) is not None),
        ("newest with blobs", lambda backup: backup.manifest.knows(Fact.BLOBS)),
    )
    for word, holds in rules:
        newest = next((backup for _, backup in dated if holds(backup)), None)
        if newest is not None:
            reasons[newest.path].append(word)


def _moment(backup: BackupSet) -> datetime:
    """Its recovery point, which is known to be readable."""
    return datetime.fromisoformat(backup.manifest.recovery_point).astimezone(UTC)


def remove_set(backup: BackupSet) -> None:
    """Remove a set whole: first it loses its name, so that no half set is ever taken for a backup.

    What a kill leaves is removed by the next `backup create`. Raises PreconditionError when another set
    stands there now, FailedError when the removal breaks off.
    """
    if open_set(backup.path).sha256 != backup.sha256:
        raise PreconditionError(
            "another set stands there now", where=str(backup.path), hint="look with `backup list`, then again"
        )
    place = backup.path.parent
    going = place / f"{PARTIAL}{backup.path.name}-{secrets.token_hex(4)}"
    try:
        # Else a backup that begins meanwhile would take it for abandoned, and remove it too.
        with held(backup.path):
            backup.path.rename(going)
            sync_folder(place)
            shutil.rmtree(going)
            sync_folder(place)
    except OSError as error:
        raise FailedError(
            f"the set could not be removed: {error.strerror}",
            where=str(error.filename or backup.path),
            hint=f"what is left of it begins with {PARTIAL} and is no backup any more: remove it by hand",
        ) from None
