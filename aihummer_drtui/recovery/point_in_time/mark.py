"""What is noted beside a data directory of a recovery to a point: how far it has come, and what stands."""

from enum import StrEnum

import msgspec


class Stage(StrEnum):
    """What a mark tells."""

    LAYING = "laying"
    """The base backup is being laid out in the folder beside."""
    RECOVERING = "recovering"
    """The folder beside is whole; it replays WAL, or has done so and waits for the switch."""
    SWITCHING = "switching"
    """It is about to take the live one's place, or just did."""
    RESTORED = "restored"
    """It is in place and was seen to answer."""
    UNDOING = "undoing"
    """The old one is about to take its place back, or just did."""
    UNDONE = "undone"
    """The old one is back in place."""


class DataMark(msgspec.Struct, frozen=True, kw_only=True):
    """The file beside the data directory."""

    stage: Stage
    id: str
    """Of this recovery: part of the names of its folders."""
    point: str
    """As `points.spelled` gives it."""
    base: str
    """The label of the base backup."""
    system_identifier: int
    at: str
    """ISO 8601, UTC."""
    timeline: int = 0
    """The one that its WAL is taken from; 0 = not noted."""
    inode: int = 0
    """Of the recovered folder; 0 while there is none."""
    reached: str = ""
    """The time of the last transaction that was replayed, ISO 8601; empty = not known."""
    reached_lsn: str = ""
    rows: int = 0
    tables: int = 0
    """As they were counted beside."""
    kept: str = ""
    """The name of the folder that was put aside; empty = none."""
    ran: bool = False
    """Whether a server ran on the old folder before the switch."""
    former: "DataMark | None" = None
    """Of the recovery or the way back that was completed before this one was begun; None = of none.

    It is what stands until this one is in place, and its own `former` is None."""

    @property
    def standing(self) -> "DataMark":
        """The mark of what stands: the former one's while this recovery has not reached its switch."""
        begun = self.stage in {Stage.LAYING, Stage.RECOVERING}
        return self.former if begun and self.former is not None else self
