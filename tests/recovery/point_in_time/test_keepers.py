"""Which keeper a target has: by the one table that names it."""

from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.point_in_time.keepers import keeper_of
from aihummer_drtui.recovery.point_in_time.model import Keeper
from aihummer_drtui.recovery.target import Barman, PgBackRest, Target, WalArchive


@pytest.mark.parametrize(
    ("target", "keeper"),
    [
        (Target(wal=WalArchive(archive=Path("/a"))), Keeper.ARCHIVE),
        (Target(pgbackrest=PgBackRest(stanza="main")), Keeper.PGBACKREST),
        (Target(barman=Barman(server="main")), Keeper.BARMAN),
    ],
)
def test_the_table_names_the_keeper(target: Target, keeper: Keeper) -> None:
    """Nothing of it is asked or needed yet."""
    assert keeper_of(target).keeper is keeper


def test_without_a_table_or_with_two_there_is_none() -> None:
    """An operator is told what to write, not given one by chance."""
    with pytest.raises(PreconditionError, match="nothing is known of base backups"):
        keeper_of(Target())
    two = Target(pgbackrest=PgBackRest(stanza="main"), barman=Barman(server="main"))
    with pytest.raises(PreconditionError, match="more than one keeper"):
        keeper_of(two)
