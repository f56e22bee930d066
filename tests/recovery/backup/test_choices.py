"""What is offered to choose a backup set from, made of real sets."""

import shutil
from pathlib import Path

import pytest

from aihummer_drtui.recovery.backup.choices import MOST, set_choices
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.backup.verify import verify_backup
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target
from tests.recovery.sealing import sealed_set
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres


def place_of(installation: Installation) -> Path:
    """Where the installation's sets lie."""
    place = installation.target.backup_places[0]
    place.mkdir(exist_ok=True)
    return place


def test_a_set_tells_what_choosing_it_means(installation: Installation) -> None:
    """Age, sizes, how far blobs and database are apart, verification, key: known before the choice."""
    (installation.blobs / "0" / "orphan").write_bytes(b"nobody refers to it")
    (installation.blobs / "1" / "blob-1.bin").unlink()
    made = create_backup(installation.target, place_of(installation), Reporter.silent())
    verify_backup(installation.target, open_set(made.path), Reporter.silent())
    (choice,) = Catalogue(installation.target).choices("BACKUP_SET")
    assert choice.value == str(made.path)
    lost, contents, apart, doubts = choice.told
    assert "everything after it is lost: " in lost
    assert f"database {installation.name} " in contents
    assert "7 blobs" in contents
    assert "after the database" in apart
    assert "1 rows without blob, 1 blobs without row" in apart
    assert "verified " in doubts
    assert "key fits" in doubts


def test_another_key_is_told_loudly(installation: Installation) -> None:
    """A set that the key at hand does not fit must not look like any other."""
    create_backup(installation.target, place_of(installation), Reporter.silent())
    installation.write_env(AIHUMMER_MASTER_KEY="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    (choice,) = set_choices(installation.target)
    assert "ANOTHER KEY" in choice.told[-1]
    assert "never verified here" not in choice.told[0]


def test_only_sealed_sets_are_offered_and_the_newest_first(tmp_path: Path) -> None:
    """What is no backup is no choice; a place that is not there offers nothing and breaks nothing."""
    place = tmp_path / "sets"
    for day in range(1, MOST + 3):
        moment = f"2024-01-{day:02}T00:00:00+00:00"
        sealed_set(place / f"s{day}", recovery_point=moment)
    (place / "no-set").mkdir()
    target = Target(gateway_env=tmp_path / "none.env", backup_places=(tmp_path / "not-mounted", place))
    values = [choice.value for choice in set_choices(target)]
    assert values == [str(place / f"s{day}") for day in range(MOST + 2, 2, -1)]
    shutil.rmtree(place)
    assert set_choices(target) == ()
    assert Catalogue(target).choices("KEY_FILE") == ()
