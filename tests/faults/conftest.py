"""An operator's desk for faults of the whole program."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk, a_desk


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    """A desk for one test."""
    with a_desk(folder) as made:
        yield made
