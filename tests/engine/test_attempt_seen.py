"""What is told of an attempt by what lies in its folder. Those of real commands are in `test_attempt`."""

from pathlib import Path

import pytest

from aihummer_drtui.engine.attempt_seen import Lost, NotStarted, Starting, look
from aihummer_drtui.engine.kernel_lock import try_lock
from aihummer_drtui.errors import PreconditionError


@pytest.mark.parametrize("name", ["ended.json", "started.json"])
@pytest.mark.parametrize("damaged", [b"", b'{"kind": "exi', b"\xff", b"{}"])
def test_damaged_note_is_a_loss(tmp_path: Path, name: str, damaged: bytes) -> None:
    """What cannot be read is no outcome."""
    (tmp_path / name).write_bytes(damaged)
    found = look(tmp_path)
    assert isinstance(found, Lost)
    assert "not readable" in found.why


def test_nothing_was_run_before_there_is_a_note(tmp_path: Path) -> None:
    """Whoever holds the lock is about to begin; with nobody there, nothing ever will."""
    assert look(tmp_path / "missing") == NotStarted()
    assert look(tmp_path) == NotStarted()
    lock = tmp_path / "lock"
    lock.touch(0o600)
    with lock.open("r+b") as held:
        assert try_lock(held.fileno())
        assert look(tmp_path) == Starting()
    assert look(tmp_path) == NotStarted()


def test_unreadable_folder_is_told(tmp_path: Path) -> None:
    """Not being able to look is an error, not a verdict."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PreconditionError, match="cannot be looked at"):
        look(tmp_path / "file")
