"""A disk is full, has no inodes or is read-only: the run pauses, says why, and goes on when it is mended."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import short_folder
from tests.faults.power import CANNOT, needs_disk

pytestmark = pytest.mark.skipif(
    shutil.which("unshare") is None, reason="unshare is not installed: no file system of its own can be made"
)


def survived(case: str, *, kind: str = "-rm") -> None:
    """Do the case of `sick_disk`, or skip where no file system can be mounted."""
    with short_folder() as place:
        words = ["unshare", kind, sys.executable, "-m", "tests.faults.sick_disk", case, str(place)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == CANNOT or "unshare:" in done.stderr:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr[-6000:]


def test_j08_sitting_goes_on_once_there_is_room() -> None:
    """Nothing begins on a full disk; the operator frees some and answers again."""
    survived("no_room")


def test_j09_end_on_a_full_disk_is_told_in_the_sitting() -> None:
    """The outcome takes the room kept for it; the next beginning waits for more."""
    survived("no_room_for_the_end")


def test_j10_sitting_goes_on_once_there_are_inodes() -> None:
    """A command whose folder could not be made did not start, and starts later."""
    survived("no_inodes")


def test_j08_j10_run_without_room_is_not_begun_and_stands_in_nobodys_way() -> None:
    """Exit 3; with room the next one begins."""
    survived("no_room_at_the_start")


def test_j13_run_on_a_read_only_disk_is_refused_and_goes_on_later() -> None:
    """Exit 3 and the reason; `status` still shows it; `resume` goes on after the remount."""
    survived("read_only_at_the_start")


@needs_disk
def test_j13_disk_that_turns_read_only_ends_the_sitting_and_the_run_goes_on_later() -> None:
    """The reason is told, exit 3; after the repair `resume` goes on to the end."""
    survived("read_only_under_way", kind="-m")


@needs_disk
def test_j11_disk_that_fails_ends_the_sitting_and_the_run_goes_on_later() -> None:
    """The reason is told, exit 3; after the repair `resume` goes on to the end."""
    survived("errors_under_way", kind="-m")
