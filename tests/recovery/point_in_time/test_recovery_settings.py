"""What a laid-out data directory is told: written as PostgreSQL reads it, whatever an operator typed."""

from datetime import datetime
from pathlib import Path

import pytest

from aihummer_drtui.errors import FailedError
from aihummer_drtui.recovery.database.account import present_account
from aihummer_drtui.recovery.point_in_time.model import ByTime, Latest
from aihummer_drtui.recovery.point_in_time.recovery_settings import quoted, settle, target_lines


def test_a_recovery_without_a_way_to_wal_is_refused(tmp_path: Path) -> None:
    """And so is a folder that cannot be written to."""
    (tmp_path / "postgresql.auto.conf").write_text("recovery_target_name = 'old'\n")
    with pytest.raises(FailedError, match="no restore_command"):
        settle(tmp_path, Latest(), timeline=2, account=present_account())
    with pytest.raises(FailedError, match="could not be written"):
        settle(tmp_path / "gone", Latest(), timeline=2, account=present_account())


def test_a_restore_command_is_written_into_no_file_that_a_link_leads_to(tmp_path: Path) -> None:
    """The folder is the server's account's already, and root writes."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("a secret")
    folder = tmp_path / "data"
    folder.mkdir()
    auto = folder / "postgresql.auto.conf"
    auto.write_text("restore_command = 'of the primary'\nwork_mem = 1MB\n")
    command = "cp '%f' %p"
    settle(folder, Latest(), timeline=2, account=present_account(), restore_command=command)
    lines = auto.read_text().splitlines()
    assert lines[1:3] == ["work_mem = 1MB", f"restore_command = {quoted(command)}"]
    auto.unlink()
    auto.symlink_to(elsewhere)
    with pytest.raises(FailedError, match="could not be written"):
        settle(folder, Latest(), timeline=2, account=present_account(), restore_command="x")
    assert elsewhere.read_text() == "a secret"


def test_targets_are_written_as_postgresql_reads_them() -> None:
    """Times in UTC, with the zone; quotes and backslashes doubled."""
    moment = datetime.fromisoformat("2026-11-24 21:31:12.633314+01:00")
    assert target_lines(ByTime(moment=moment), timeline=3) == [
        "recovery_target_time = '2026-11-24 20:31:12.633314+00:00'",
        "recovery_target_action = 'promote'",
        "recovery_target_timeline = '3'",
    ]
    assert quoted("o'brien \\ x") == "'o''brien \\\\ x'"


def test_a_value_stays_one_line() -> None:
    """A line break in it would begin another setting; PostgreSQL reads the two characters as one."""
    assert quoted("cp a\nb") == "'cp a\\nb'"
    assert quoted("a\r\tb") == "'a\\r\tb'"
