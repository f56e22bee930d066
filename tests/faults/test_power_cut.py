"""The power is cut: what was synced is there, and nothing else, on a real file system."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import short_folder
from tests.faults.injecting import needs_strace
from tests.faults.power import CANNOT, needs_disk

Property = Callable[[str, object], None]


def taken(case: str) -> int:
    """How many power cuts the case took; a mount that is refused is a reason to skip."""
    with short_folder() as place:
        words = ["unshare", "-m", sys.executable, "-m", "tests.faults.power", case, str(place)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == CANNOT:
        pytest.skip(f"no ext4 of its own can be mounted here: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr[-4000:]
    return int(done.stdout)


@pytest.mark.slow
@needs_strace
@needs_disk
def test_j16_drill_survives_a_power_cut_at_every_sync(record_property: Property) -> None:
    """Intents are there or nothing was begun, outcomes are true or unknown, and what was answered is kept."""
    cuts = taken("drill")
    assert cuts >= 16
    record_property("injections", cuts)


@needs_strace
@needs_disk
def test_j16_truth_is_told_of_a_command_after_a_power_cut_at_every_sync(record_property: Property) -> None:
    """Of the supervisor: what ran is never said not to have been started, nor called done unseen."""
    cuts = taken("attempt")
    assert cuts >= 5
    record_property("injections", cuts)


@pytest.mark.slow
@needs_strace
@needs_disk
def test_j17_declared_run_survives_a_power_cut_at_every_sync(record_property: Property) -> None:
    """A run that was declared is found again with its runbook; one that was not stands in nobody's way."""
    cuts = taken("declaration")
    assert cuts >= 6
    record_property("injections", cuts)
