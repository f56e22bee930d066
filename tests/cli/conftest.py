"""The fixtures of the recovery room, for its commands, and an operator's desk."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.calling import PROGRAM
from tests.cli.desk import Desk, a_desk
from tests.recovery.conftest import cluster, installation

__all__ = ["cluster", "installation"]


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    """A desk for one test."""
    with a_desk(folder) as made:
        yield made


@pytest.fixture
def office(folder: Path) -> Iterator[Desk]:
    """A desk at which sandboxes are built; they are removed again."""
    with a_desk(folder) as made:
        try:
            yield made
        finally:
            down = [str(PROGRAM), "--state-dir", str(made.state), "sandbox", "down"]
            subprocess.run(down, capture_output=True, check=False, timeout=60)
