"""What is offered as a recovery point, by a real archive."""

from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.point_in_time.choices import point_choices
from aihummer_drtui.recovery.target import Target, WalArchive
from tests.recovery.point_in_time.archiving import archiving
from tests.recovery.sealing import sealed_set

pytestmark = pytest.mark.postgres


def test_the_window_is_told_with_both_ends_and_the_skew(tmp_path: Path) -> None:
    """Chosen by number at three in the morning, each choice must say what it loses."""
    with archiving() as server:
        server.base()
        server.write("one")
        server.archived()
        sealed_set(tmp_path / "sets" / "old")
        target = msgspec.structs.replace(server.target, backup_places=(tmp_path / "sets", tmp_path / "none"))
        dump, latest = Catalogue(target).choices("RECOVERY_POINT")
    assert (dump.value, latest.value) == ("dump", "latest")
    assert "everything after it is lost" in dump.told[0]
    told = "\n".join(latest.told)
    assert told.startswith("from 20")
    assert "\nto 20" in told
    assert told.count(" now") == 3
    assert "verified" in told
    assert "the newest copy of the blobs is " in told
    assert "with its zone" in told


def test_where_nobody_keeps_wal_there_is_nothing_to_choose() -> None:
    """No list of one; the value that is proposed is the dump."""
    assert point_choices(Target()) == ()
    assert Catalogue(Target()).suggestion("RECOVERY_POINT") == "dump"


@pytest.mark.parametrize(
    ("make", "told"), [(True, "there is no base backup"), (False, "base backups and WAL cannot be seen")]
)
def test_without_a_base_backup_only_the_dump_is_offered(tmp_path: Path, make: bool, told: str) -> None:
    """And it says why there is no other."""
    archive, bases = tmp_path / "wal", tmp_path / "base"
    if make:
        archive.mkdir()
        bases.mkdir()
    target = Target(wal=WalArchive(archive=archive, base_places=(bases,)))
    (only,) = point_choices(target)
    assert only.value == "dump"
    assert told in only.told[1]
