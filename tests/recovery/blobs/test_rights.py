"""Files get the owner and the mode they shall have, and are not written to where they have them."""

import os
from pathlib import Path

import pytest

from aihummer_drtui.recovery.blobs.rights import Rights

_OURS = os.geteuid(), os.getegid()


def _give(path: Path, *, owner: tuple[int, int] = _OURS, mode: int) -> None:
    rights = Rights(owner=owner, folder_mode=0o750, file_mode=mode)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        rights.give_file(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("before", [0o600, 0o640, 0o777, 0o4640])
def test_a_file_gets_its_mode(tmp_path: Path, before: int) -> None:
    """Whatever it had, set-id bits included."""
    blob = tmp_path / "blob"
    blob.touch()
    blob.chmod(before)
    _give(blob, mode=0o640)
    assert blob.stat().st_mode & 0o7777 == 0o640


def test_a_file_that_is_right_is_left_alone(tmp_path: Path) -> None:
    """No write to the inode: of a million files that is what giving them their rights would cost."""
    blob = tmp_path / "blob"
    blob.touch()
    blob.chmod(0o640)
    os.chown(blob, *_OURS)
    before = blob.stat().st_ctime_ns
    _give(blob, mode=0o640)
    assert blob.stat().st_ctime_ns == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("owner", [(12345, 12345), (0, 12345), (12345, 0)])
def test_a_file_given_away_keeps_the_mode_it_shall_have(tmp_path: Path, owner: tuple[int, int]) -> None:
    """User or group alone too; chown(2) takes the set-id bits away, which were asked for here."""
    blob = tmp_path / "blob"
    blob.touch()
    os.chown(blob, 0, 0)
    blob.chmod(0o6750)
    _give(blob, owner=owner, mode=0o6750)
    state = blob.stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (*owner, 0o6750)
