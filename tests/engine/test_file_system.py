"""On what the state folder lies: a lock that a server may take back is no lock."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.engine import file_system
from aihummer_drtui.engine.file_system import keeps_locks, kind_of_file_system
from aihummer_drtui.engine.folder import state_dir, state_to_read
from aihummer_drtui.errors import ExitCode, PreconditionError


def a_table(folder: Path, kind: str) -> Path:
    """The kernel's table, as it is when `folder` is on such a file system."""
    device = folder.stat().st_dev
    table = folder / "mountinfo"
    table.write_text(
        "22 1 0:1 / / rw - ext4 /dev/vda rw\n"
        f"23 22 {os.major(device)}:{os.minor(device)} / {folder} rw,relatime shared:9 - {kind} srv:/home rw\n"
    )
    return table


def test_what_this_machine_has_is_told_and_taken(tmp_path: Path) -> None:
    """The real table names the real file system; where the state folder is, locks are kept."""
    assert kind_of_file_system(Path("/proc")) == "proc"
    assert kind_of_file_system(Path("/dev/shm")) == "tmpfs"
    assert keeps_locks(kind_of_file_system(tmp_path))
    assert state_dir(tmp_path / "state").is_dir()


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "afs"])
def test_s10_a_state_folder_on_a_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """It is said why, and what to do; what was done there before can still be read."""
    monkeypatch.setattr(file_system, "MOUNTS", a_table(tmp_path, kind))
    with pytest.raises(PreconditionError) as caught:
        state_dir(tmp_path / "state")
    assert caught.value.exit_code == ExitCode.PRECONDITION
    assert f"on {kind}, a network file system" in caught.value.what
    assert "two engines would act on one target" in caught.value.what
    assert "local disk" in caught.value.hint
    assert state_to_read(tmp_path / "state") == tmp_path / "state"


@pytest.mark.parametrize("text", ["", "nonsense\n", "1 2 999:999 / /x rw - nfs srv rw\n"])
def test_what_cannot_be_told_is_no_ground_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A kernel without the table, or a folder that is not in it, keeps nobody from a recovery."""
    table = tmp_path / "mountinfo"
    table.write_text(text)
    monkeypatch.setattr(file_system, "MOUNTS", table)
    assert kind_of_file_system(tmp_path) == ""
    assert kind_of_file_system(tmp_path / "gone") == ""
    monkeypatch.setattr(file_system, "MOUNTS", tmp_path / "gone")
    assert kind_of_file_system(tmp_path) == ""
    assert keeps_locks("")
