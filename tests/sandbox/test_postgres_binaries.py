"""Finding a PostgreSQL: the one named, or the reasons why none will do."""

import shutil
from pathlib import Path

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.sandbox.account import server_account
from aihummer_drtui.sandbox.postgres_binaries import NEEDED, find_binaries


def test_named_folder_without_a_server_is_told(folder: Path) -> None:
    """--postgres-bin is taken at its word: no other is used in its place, what is missing is named."""
    (folder / "pg_dump").touch()
    with pytest.raises(PreconditionError, match="lacks initdb, pg_ctl, postgres, pg_restore"):
        find_binaries(server_account(), named=folder, copy_to=folder / "copy")


def test_programs_that_do_not_run_are_told(folder: Path) -> None:
    """A folder of the right names that do not run is no PostgreSQL."""
    for name in NEEDED:
        (folder / name).write_text("not a program")
    with pytest.raises(PreconditionError, match="does not run"):
        find_binaries(server_account(), named=folder, copy_to=folder / "copy")


def test_binaries_closed_to_the_servers_account_are_copied(folder: Path) -> None:
    """A virtual environment below /root (0700) serves as well: its PostgreSQL is copied."""
    account = server_account()
    if account.uid is None:
        pytest.skip("only root's sandbox runs its server as another account")
    found = find_binaries(account, named=None, copy_to=folder / "first")
    if not (found.folder.parent / "share").is_dir():
        pytest.skip("needs a PostgreSQL in one tree, as the packages bring it")
    shutil.copytree(found.folder.parent, folder / "closed" / "tree", symlinks=True)
    (folder / "closed").chmod(0o700)
    copied = find_binaries(account, named=folder / "closed" / "tree" / "bin", copy_to=folder / "copy")
    assert copied.folder == folder / "copy" / "bin"
    assert copied.version == found.version
