"""The fixtures of the recovery room, for its commands, and an operator's desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk, a_desk
from tests.recovery.conftest import cluster, installation

__all__ = ["cluster", "installation"]


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    """A desk for one test."""
    with a_desk(folder) as made:
        yield made
