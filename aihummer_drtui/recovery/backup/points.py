"""The recovery points that lie in a place: sealed sets, and what looks like a backup and is none."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.recovery.backup.growing import PARTIAL
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.backup.set import DUMP, DUMP_FOLDER, MANIFEST, BackupSet, age_of, open_set
from aihummer_drtui.recovery.backup.signature import signed_by
from aihummer_drtui.recovery.backup.verified import Verification, read_damage, read_verified
from aihummer_drtui.run.recovery_set import KeyMatch, SealedKey, Signed

_ARCHIVE_MAGIC: Final = b"PGDMP"
_NOT_SEALED: Final = "it has no manifest.json: unfinished, or made by another program"
_GROWING: Final = "it is being made or removed, or that was cut off"
_LOOSE: Final = "a dump without a set"


@dataclass(frozen=True, kw_only=True)
class RecoveryPoint:
    """One line of `backup list`."""

    path: Path
    manifest: Manifest | None
    """None = not sealed, or not sound: no backup."""
    problem: str
    """Why it is no backup; empty where it is one."""
    age: float | None
    """Seconds since the recovery point: what a recovery from it would lose now (the RPO it means)."""
    verified: Verification | None
    damage: str = ""
    """What a verification found wrong with it; empty = nothing."""
    key: KeyMatch
    signed: Signed

    @property
    def size(self) -> int:
        """Bytes of the parts and of the copied blobs, as sealed; of an unsealed file as it stands."""
        if self.manifest is None:
            return self.path.lstat().st_size if self.path.is_file() else 0
        return sum(part.size for part in self.manifest.files) + self.manifest.blobs.size


def recovery_points(
    place: Path, *, fingerprint: str, now: datetime, trusted: frozenset[str] = frozenset()
) -> list[RecoveryPoint]:
    """Every recovery point of a place, and what only looks like one, `newest_first`.

    `fingerprint` is that of the key at hand, empty = none;
    `trusted` are the keys whose signatures count (`signature`). Raises PreconditionError when the place
    cannot be listed.
    """
    return newest_first(points_in(place, fingerprint=fingerprint, now=now, trusted=trusted))


def newest_first(points: Iterable[RecoveryPoint]) -> list[RecoveryPoint]:
    """The newest recovery point first; what is no backup comes last, by its name."""
    return sorted(points, key=lambda point: (point.age is None, point.age or 0.0, str(point.path)))


def newest_sealed(place: Path) -> BackupSet | None:
    """The sealed set of a place with the latest recovery point, or None. Raises as `sealed_in` does."""
    return max(sealed_in(place), key=lambda backup: backup.manifest.recovery_point, default=None)


def sealed_in(place: Path) -> list[BackupSet]:
    """The sealed sets of a place. Raises PreconditionError when it cannot be listed."""
    found = []
    for path in _entries(place):
        if os.path.lexists(path / MANIFEST) and not path.name.startswith(PARTIAL):
            try:
                found.append(open_set(path))
            except DrtuiError:
                # No sound seal: no set to build upon or to remove; `backup list` tells of it.
                continue
    return found


def points_in(
    place: Path, *, fingerprint: str, now: datetime, trusted: frozenset[str]
) -> Iterator[RecoveryPoint]:
    """The points of a place one by one, by their names; as `recovery_points` gives them."""
    for path in _entries(place):
        if path.is_symlink():
            continue
        if path.is_dir():
            if path.name.startswith(PARTIAL):
                yield _no_backup(path, _GROWING)
            elif os.path.lexists(path / MANIFEST):
                yield _sealed(path, fingerprint, now, trusted)
            elif os.path.lexists(path / DUMP) or os.path.lexists(path / DUMP_FOLDER):
                yield _no_backup(path, _NOT_SEALED)
        elif _is_archive(path):
            yield _no_backup(path, _LOOSE)


def _sealed(path: Path, fingerprint: str, now: datetime, trusted: frozenset[str]) -> RecoveryPoint:
    try:
        backup = open_set(path)
        age = age_of(backup.manifest, now)
        backup.refuse_cut()
    except (PreconditionError, FailedError) as error:
        return _no_backup(path, error.what)
    return RecoveryPoint(
        path=path,
        manifest=backup.manifest,
        problem="",
        age=age,
        verified=read_verified(backup),
        damage=read_damage(backup),
        key=SealedKey(sealed=backup.manifest.key_fingerprint, at_hand=fingerprint).match,
        signed=signed_by(backup, trusted),
    )


def _no_backup(path: Path, problem: str) -> RecoveryPoint:
    return RecoveryPoint(
        path=path,
        manifest=None,
        problem=problem,
        age=None,
        verified=None,
        key=KeyMatch.UNPROVEN,
        signed=Signed.NONE,
    )


def _is_archive(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(_ARCHIVE_MAGIC)) == _ARCHIVE_MAGIC
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _entries(place: Path) -> list[Path]:
    try:
        return sorted(place.iterdir())
    except OSError as error:
        raise PreconditionError(
            f"the place cannot be listed: {error.strerror}",
            where=str(place),
            hint="name a folder that holds backup sets, or mend `backup-places` in target.toml",
        ) from None
