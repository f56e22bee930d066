"""The briefing: what a run acts on, how long it takes, whom to call."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aihummer_drtui.engine.journal_reading import read_first
from aihummer_drtui.run.fold import begin
from aihummer_drtui.run.words import local_time
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.engine.engine_house import House, a_house, book, command
from tests.engine.test_earlier import a_run
from tests.tui.screens import shown

CHECKS = {"before": ScriptedCheck(), "after": ScriptedCheck()}


def with_earlier_runs(house: House) -> None:
    """Two drills of the same runbook that came to their end."""
    for took in (4.0, 6.0):
        a_run(house.state, took=took, target_key=f"other-{took}")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_it_tells_target_clocks_time_and_people(tmp_path: Path, size: tuple[int, int]) -> None:
    """What the target says of itself, and what earlier drills measured."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        with_earlier_runs(house)
        async with shown(house, size=size) as screens:
            text = await screens.until_shown(
                "DRILL: commands act on a sandbox only",
                "It answers as host db.example, database aihummer:",
                "3 tenants",
                "its commands about 5 s (from 2",
            )
            declared = begin(read_first(house.folder.path)).declared
            end = datetime.fromisoformat(declared.incident_at) + timedelta(hours=1)
            by = local_time(end.isoformat())
            assert f"Objectives: back within 1 h of the incident, by {by};" in " ".join(text.split())
            assert "2. work; commands about 5 s (from 2 earlier drills)" in text
            assert "Call: c" in text


async def test_a_target_that_is_lost_is_told_as_such(tmp_path: Path) -> None:
    """On a lost host there is nothing to ask; the briefing is read all the same."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        house.world.tell(Script(checks=CHECKS, host=""))
        async with shown(house) as screens:
            text = await screens.until_shown("It cannot be identified now", "Nothing says how long it takes")
            assert "1. brief" in text
