"""Whole pieces of line mode's text, as an operator reads them."""

import io

import msgspec

from aihummer_drtui.plain.console import Console
from aihummer_drtui.plain.showing import show_step
from aihummer_drtui.run import events as e
from tests.run.story import Story, a_confirm, a_runbook, a_step


def test_guidance_that_a_step_does_not_give_is_not_shown_empty() -> None:
    """The linter only advises to say how a step is undone."""
    step = msgspec.structs.replace(a_step("work", a_confirm("work/confirm-1")), undo="", why="To know.")
    talk = io.StringIO()
    show_step(Console(talk=talk, keys=None), a_runbook(step), Story().add(e.StepShown(step="work")).state)
    assert "Why: To know." in talk.getvalue()
    assert "Undo:" not in talk.getvalue()
