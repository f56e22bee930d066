"""What real restores leave, looked up on the real server and in the real folders."""

from pathlib import Path

import pytest

from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.blobs.restore import restore_blobs
from aihummer_drtui.recovery.blobs.undo import undo_blobs
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.restore import restore_database
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target, WalArchive
from tests.recovery.small_cluster import Installation

pytestmark = pytest.mark.postgres
SECONDS = 20.0


def test_database_and_blob_folder_are_named_with_their_commands(installation: Installation) -> None:
    """Nothing before a restore; after it each is there under the name that the server and the disk know."""
    catalogue = Catalogue(installation.target)
    assert catalogue.leftovers(SECONDS).found == ()
    backup = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    phrase = owner_of(installation.target).phrase
    done = restore_database(
        installation.target, backup, confirm=phrase, mode="", reporter=Reporter.silent(), again=True
    )
    blobs = restore_blobs(
        installation.target, backup, confirm=phrase, mode="", reporter=Reporter.silent(), again=True
    )
    left = catalogue.leftovers(SECONDS)
    assert left.unseen == ()
    folder, database = left.found
    assert (folder.kind, folder.name) == ("old blob folder", str(blobs.kept_as))
    assert (database.kind, database.name) == ("old database", done.kept_as)
    assert database.size
    assert database.until is not None
    assert database.since is not None
    assert (database.until - database.since).days == 7
    assert folder.until is not None
    assert (folder.undo, folder.drop) == ("restore blobs --undo", "restore blobs --drop-old")
    assert database.drop.startswith("restore database --drop-old")
    undo_blobs(installation.target, confirm=phrase, mode="")
    folder = catalogue.leftovers(SECONDS).found[0]
    assert (folder.undo, folder.drop) == ("", "restore blobs --drop-old")


def test_what_cannot_be_looked_up_is_said(tmp_path: Path) -> None:
    """No gateway.env, no server, no data directory: something may be left there all the same."""
    target = Target(gateway_env=tmp_path / "none.env", wal=WalArchive(archive=tmp_path))
    left = Catalogue(target).leftovers(SECONDS)
    assert left.found == ()
    places = sorted(one.partition(":")[0] for one in left.unseen)
    assert places == ["old blob folders", "old data directories", "old databases"]
