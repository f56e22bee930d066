"""The three-part set that a recovery rests on, as it was seen: database, blobs, key. Facts only.

What they mean is said by `set_words`; how they are seen is not known here.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

BACKUP_SET: Final = "BACKUP_SET"
"""The input that names the set: its blobs, its key's fingerprint and, for the dump, its database."""
RECOVERY_POINT: Final = "RECOVERY_POINT"
"""The input that says how far forward the database is brought."""
THE_DUMP: Final = "dump"
"""The value of RECOVERY_POINT that means no point in time but the backup set's dump."""
LATEST: Final = "latest"
"""The value of RECOVERY_POINT that means as far as the archived WAL goes."""


class KeyMatch(StrEnum):
    """How the key at hand compares with the one that was set when the backup was taken."""

    SAME = "same"
    OTHER = "other"
    UNPROVEN = "unproven"
    """No key at hand, or none was sealed."""


class Signed(StrEnum):
    """What can be said of a set's signature."""

    TRUSTED = "trusted"
    """It holds, and its key is one of the target's trusted keys."""
    UNKNOWN_KEY = "unknown-key"
    """It holds; its key is not trusted, and anybody could have made it."""
    WRONG = "wrong"
    """It does not hold, or cannot be read: the manifest is not what was signed."""
    NONE = "none"


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    """The database of a sealed set."""

    database: str
    size: int | None
    """Bytes on the server that was dumped; None = not known."""
    moment: datetime
    """What it brings back: everything after it is lost."""


class BlobCopy(msgspec.Struct, frozen=True, kw_only=True, tag="copy"):
    """The blobs of a sealed set."""

    count: int
    size: int
    copied: datetime | None
    """When the copy was complete; None = its time cannot be read."""
    rows_without_blob: int | None
    """Rows whose blob was missing at the snapshot; None = not counted."""
    blobs_without_row: int | None


class NoBlobs(msgspec.Struct, frozen=True, kw_only=True, tag="none"):
    """A sealed set without blobs."""

    inactive: bool
    """True: the media service was off, and there are none. False: whether there are any is not known."""


Blobs: TypeAlias = BlobCopy | NoBlobs


class SealedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The master key of a sealed set, by its fingerprint: the key itself is never in it."""

    sealed: str
    """Empty = none was sealed."""
    at_hand: str
    """Of the key in gateway.env, else of the escrow that target.toml names; empty = neither."""

    @property
    def match(self) -> KeyMatch:
        """How the two compare."""
        if not self.sealed or not self.at_hand:
            return KeyMatch.UNPROVEN
        return KeyMatch.SAME if self.sealed == self.at_hand else KeyMatch.OTHER


class SealedSet(msgspec.Struct, frozen=True, kw_only=True):
    """A backup set that is sealed and sound, as far as its manifest tells."""

    value: str
    """Of BACKUP_SET: the set's folder. Not cleaned."""
    name: str
    """The folder's name. Not cleaned."""
    dump: Dump
    blobs: Blobs
    key: SealedKey
    size: int
    """Bytes of all its parts."""
    verified: datetime | None
    """When these very files were last read through; None = never, as far as this host knows."""
    damage: str = ""
    """What they were found to be when they were read through; empty = nothing wrong."""
    signed: Signed
    must_be_signed: bool
    """The target trusts some keys, and a set that none of them signed is refused."""
    doubts: tuple[str, ...] = ()
    """What it lacks though it is sound, a sentence each."""


class NoSet(msgspec.Struct, frozen=True, kw_only=True):
    """What looks like a backup and is none."""

    name: str
    problem: str


class WalWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A base backup with the WAL that follows it: any moment between its two ends can be brought back."""

    label: str
    """The base backup's. Not cleaned."""
    keeper: str
    """Who keeps it: `archive`, `pgbackrest`, `barman`."""
    size: int
    """Bytes of the base backup once laid out."""
    earliest: datetime
    latest: datetime | None
    """The last commit that is archived; None = its time is not known."""
    verified: datetime | None
    """When the base backup was last read through; None = never, or its keeper does not tell."""
    timeline: int
    gap: str
    """The first WAL file that is missing though later ones are there; empty = none."""


class RecoverySets(msgspec.Struct, frozen=True, kw_only=True):
    """All that was seen so far."""

    sets: tuple[SealedSet, ...] = ()
    """The newest recovery point first; those with blobs before those without."""
    none: tuple[NoSet, ...] = ()
    windows: tuple[WalWindow, ...] = ()
    """The newest end first."""
    keeps_wal: bool = False
    """Whether the target names a keeper of WAL: only then is there a point in time to choose."""
    looking: tuple[str, ...] = ()
    """Where the look is not over yet; empty = this is all there is."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at, and why, a sentence each."""

    def named(self, value: str) -> SealedSet | None:
        """The set that this value of BACKUP_SET names, or None."""
        wanted = value.rstrip("/")
        return next((one for one in self.sets if one.value.rstrip("/") == wanted), None)
