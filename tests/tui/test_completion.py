"""The end of a run: level, losses against objectives, what is left over, what people still have to do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aihummer_drtui.run.leftovers import Leftover, Leftovers
from aihummer_drtui.run.verdict import Brought, Part
from aihummer_drtui.testing import Script, ScriptedCheck
from aihummer_drtui.tui.screens.completion import CompletionScreen
from tests.engine.engine_house import a_house, book, command
from tests.tui.screens import Screens, shown
from tests.tui.test_step import through_brief

OUTAGE = datetime(2026, 11, 22, 23, tzinfo=UTC)
"""As the house declares it."""
BRINGS = (
    Brought(part=Part.DATABASE, moment=OUTAGE - timedelta(hours=3)),
    Brought(part=Part.BLOBS, moment=OUTAGE - timedelta(days=2)),
)
LEFT = Leftover(
    kind="old database",
    name="aihummer_replaced_x",
    size=10_800_000,
    since=OUTAGE,
    until=OUTAGE + timedelta(days=400),
    undo="restore database --undo",
    drop="restore database --drop-old",
)


async def to_the_end(screens: Screens) -> None:
    """Go through the run by Enter, and wait for its end."""
    await through_brief(screens)
    await screens.enter_when("start work/do")
    await screens.enter_when("finish the run")
    await screens.until(lambda: isinstance(screens.app.screen, CompletionScreen))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_end_tells_losses_and_leftovers(tmp_path: Path, size: tuple[int, int]) -> None:
    """Each part against the RPO, the skew, the old database with its commands, and what comes next."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        checks = {"before": ScriptedCheck(brings=BRINGS), "after": ScriptedCheck()}
        house.world.tell(Script(checks=checks, leftovers=Leftovers(found=(LEFT,))))
        async with shown(house, size=size) as screens:
            await to_the_end(screens)
            await screens.until_shown("RPO, blobs: back as of 2026-11-20 23:00:00 UTC", "OVER the RPO of 1 d")
            text = screens.now_on(CompletionScreen).as_text()
            assert "RPO, database: back as of 2026-11-22 20:00:00 UTC; lost: 3 h, within the RPO" in text
            assert "Skew: the blobs are 1 d 21 h older than the database" in text
            assert "Left over: old database aihummer_replaced_x, 10.8 MB, kept until you drop it" in text
            assert "  back to it: aihummer-drtui restore database --undo" in text
            assert "Next: give somebody the task" in text
            assert "The record lies in" in text
            await screens.press("pagedown")
            await screens.until_shown(
                "rid of it:  aihummer-drtui restore database --drop-old", "The record lies"
            )


async def test_leftovers_that_cannot_be_looked_up_are_said(tmp_path: Path) -> None:
    """Never an empty list that looks like a clean host."""
    with a_house(tmp_path, book(command("work/do", "true"))) as house:
        async with shown(house) as screens:
            await through_brief(screens)
            house.world.tell(Script(checks={"before": ScriptedCheck(), "after": ScriptedCheck()}, host=""))
            await screens.enter_when("start work/do")
            await screens.enter_when("finish the run")
            await screens.until(lambda: isinstance(screens.app.screen, CompletionScreen))
            await screens.press("pagedown")
            await screens.until_shown("Left over, but not looked up: the database does not say who it is")
