"""What the engine's tests share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from aihummer_drtui.runbook.model import Runbook
from tests.engine.engine_house import House, a_house

MakeHouse = Callable[[Runbook], House]


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[MakeHouse]:
    """Declares a run of a runbook; what was started for it is ended with the test."""
    with ExitStack() as houses:
        yield lambda runbook: houses.enter_context(a_house(tmp_path, runbook))
