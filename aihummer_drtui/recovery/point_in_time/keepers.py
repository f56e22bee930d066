"""Which keeper a target has: chosen in one place."""

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.archive import ArchiveKeeper
from aihummer_drtui.recovery.point_in_time.barman import BarmanKeeper
from aihummer_drtui.recovery.point_in_time.model import WalKeeper
from aihummer_drtui.recovery.point_in_time.pgbackrest import PgBackRestKeeper
from aihummer_drtui.recovery.target import Target


def names_keeper(target: Target) -> bool:
    """Whether target.toml tells of base backups and WAL at all."""
    return target.wal is not None or target.pgbackrest is not None or target.barman is not None


def keeper_of(target: Target) -> WalKeeper:
    """Who keeps the target's base backups and WAL.

    Raises PreconditionError when target.toml names none, or more than one.
    """
    named = [
        name
        for name, table in (("wal", target.wal), ("pgbackrest", target.pgbackrest), ("barman", target.barman))
        if table is not None
    ]
    if len(named) > 1:
        raise PreconditionError(
            f"more than one keeper of WAL is named: [{'], ['.join(named)}]",
            where="target.toml",
            hint="leave the one that a recovery is to be made from",
        )
    if target.wal is not None:
        return ArchiveKeeper(target=target, wal=target.wal)
    if target.pgbackrest is not None:
        return PgBackRestKeeper(target, target.pgbackrest)
    if target.barman is not None:
        return BarmanKeeper(target, target.barman)
    raise PreconditionError(
        "nothing is known of base backups and WAL",
        where="target.toml",
        hint="add [wal], [pgbackrest] or [barman] (docs/target.md); without them only dumps bring data back",
    )
