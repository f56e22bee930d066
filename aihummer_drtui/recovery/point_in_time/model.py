"""What a point-in-time recovery is made of: points, base backups, the windows they open, who keeps them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from aihummer_drtui.recovery.reporting import Reporter


@dataclass(frozen=True, kw_only=True)
class ByTime:
    """The last commit up to a moment (PostgreSQL 17, 19.5.6, recovery_target_time)."""

    moment: datetime
    """With its zone."""


@dataclass(frozen=True, kw_only=True)
class ByLsn:
    """Up to and with a position of the write-ahead log (recovery_target_lsn)."""

    lsn: int


@dataclass(frozen=True, kw_only=True)
class ByName:
    """A restore point that pg_create_restore_point() made (recovery_target_name)."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Latest:
    """As far as the archived WAL goes."""


Point: TypeAlias = ByTime | ByLsn | ByName | Latest
"""A recovery point that an operator asks for."""


class Keeper(StrEnum):
    """Who keeps base backups and WAL."""

    ARCHIVE = "archive"
    """This program: folders of base backups, and a folder that archive_command fills."""
    PGBACKREST = "pgbackrest"
    BARMAN = "barman"


@dataclass(frozen=True, kw_only=True)
class BaseBackup:
    """A physical copy of a whole server, and the WAL position from which it is whole."""

    label: str
    """Its keeper's own name for it."""
    keeper: Keeper
    system_identifier: int
    server_major: int
    timeline: int
    start_lsn: int
    end_lsn: int
    """From here on the copy is consistent."""
    started: datetime
    ended: datetime
    size: int
    """Bytes once laid out."""
    verified: datetime | None
    """When every byte of it was last found as it was written; None = never, or its keeper does not tell."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The moments that one base backup and the WAL after it can bring back."""

    base: BaseBackup
    earliest: datetime
    latest: datetime | None
    """The last commit in the WAL that follows without a gap; None = none was found, or it is not known."""
    latest_lsn: int
    """The end of the WAL that follows without a gap."""
    timeline: int
    """The timeline that `latest_lsn` is on."""
    gap: str
    """The first WAL file that is missing though later ones are there; empty = none."""

    @property
    def is_whole(self) -> bool:
        """Whether its WAL goes to the end of the base backup: before that the copy is no database."""
        return self.latest_lsn >= self.base.end_lsn


class WalKeeper(Protocol):
    """Where base backups and WAL come from."""

    @property
    def keeper(self) -> Keeper:
        """Which of them it is."""

    def windows(self) -> tuple[Window, ...]:
        """Every base backup with its window, the newest base backup first.

        Raises PreconditionError where the place or the program cannot be reached.
        """

    def prove(self, window: Window, point: Point, reporter: Reporter) -> None:
        """Prove that base backup and WAL from it to the point are whole, before anything is stopped.

        Raises PreconditionError that names what is missing, FailedError what is damaged.
        """

    def lay(self, window: Window, point: Point, folder: Path, reporter: Reporter) -> None:
        """Lay the base backup out in the empty `folder`, ready to be started and to recover to the point.

        The folder belongs to the server's account, and so does everything put there. What is left there:
        a data directory with `recovery.signal`, and `restore_command`, `recovery_target_*` and
        `recovery_target_timeline` in `postgresql.auto.conf` (PostgreSQL 17, 25.3.5). Raises FailedError.
        """
