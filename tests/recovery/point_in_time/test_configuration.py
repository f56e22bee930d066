"""The configuration that a recovered data directory is given, without leading root elsewhere."""

from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time.configuration import (
    announce_timeline,
    bring_configuration,
    refuse_unconfigured,
)
from aihummer_drtui.recovery.point_in_time.confined import confining_settings


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Give a live folder, a recovered one, and a file that is neither's."""
    for name in ("live", "recovered"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere").write_text("a secret")
    return tmp_path / "live", tmp_path / "recovered", tmp_path / "elsewhere"


def bring(live: Path, recovered: Path) -> None:
    """Of the same cluster."""
    bring_configuration(live, recovered, present_account(), same_cluster=True)


def test_a_link_in_the_live_folder_is_not_read(folders: tuple[Path, Path, Path]) -> None:
    """It may lead to what the server's account cannot read, and root can."""
    live, recovered, elsewhere = folders
    (live / "pg_hba.conf").symlink_to(elsewhere)
    bring(live, recovered)
    assert not (recovered / "pg_hba.conf").exists()


def test_a_link_in_the_recovered_folder_is_replaced(folders: tuple[Path, Path, Path]) -> None:
    """Nothing is written through it."""
    live, recovered, elsewhere = folders
    (live / "pg_hba.conf").write_text("local all all peer\n")
    (recovered / "pg_hba.conf").symlink_to(elsewhere)
    bring(live, recovered)
    assert (recovered / "pg_hba.conf").read_text() == "local all all peer\n"
    assert not (recovered / "pg_hba.conf").is_symlink()
    assert (recovered / "pg_hba.conf").stat().st_mode & 0o777 == 0o600
    assert elsewhere.read_text() == "a secret"


def test_a_server_that_nothing_configures_is_refused(folders: tuple[Path, Path, Path]) -> None:
    """It could not be started once it is in place."""
    live, recovered, _ = folders
    with pytest.raises(FailedError, match=r"no postgresql\.conf"):
        refuse_unconfigured(live, recovered)
    for folder in (live, recovered):
        (folder / "postgresql.conf").touch()
        refuse_unconfigured(live, recovered)
        (folder / "postgresql.conf").unlink()


def test_a_timeline_is_announced_once(folders: tuple[Path, Path, Path]) -> None:
    """With its history there, and not again once it is archived."""
    _, recovered, _ = folders
    status = recovered / "pg_wal" / "archive_status"
    status.mkdir(parents=True)
    announce_timeline(recovered, 2, present_account())
    assert not list(status.iterdir())
    (recovered / "pg_wal" / "00000002.history").write_text("1\t0/3000000\tno reason\n")
    announce_timeline(recovered, 2, present_account())
    assert [each.name for each in status.iterdir()] == ["00000002.history.ready"]


def test_a_server_beside_reaches_no_other_host() -> None:
    """Neither as a standby nor as a subscriber, whose publisher would take what it fetched for delivered."""
    settings = confining_settings(Path("/s"), {})
    assert settings["max_logical_replication_workers"] == "0"
    assert (settings["primary_conninfo"], settings["listen_addresses"]) == ("", "")
