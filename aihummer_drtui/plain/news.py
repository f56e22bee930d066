"""Telling what happened: which of the journal's growth is said aloud, and which would only be noise."""

from collections.abc import Callable
from typing import Final

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.run import events as e
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run import words
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.run.wall_clock import jump_lines
from aihummer_drtui.runbook.model import InputItem, Runbook

_OUTPUT_LINES: Final = 10
_SHOWN_BY_ITS_QUESTION = (e.CheckObserved, e.CommandEnded, e.OutcomeLost, e.OutcomeProbed)


def lines_of(
    news: list[Growth],
    runbook: Runbook,
    coming: s.Suggestion | None,
    output: Callable[[str], list[str]],
) -> list[str]:
    """The growth as lines to say. `coming` is the question that is put next, if one is.

    Left out is what that question will show anyway, and what a check says while a value that it may
    need is not given yet. A command that has passed is told with the end of its `output`: it says what
    was done, and under which names the old things are kept.
    """
    lines: list[str] = []
    for one in news:
        lines += [f"  {line}" for line in jump_lines(one.before.latest, one.after.latest)]
        if _redundant(one.record.what, coming) or _too_early(one, runbook):
            continue
        lines += words.news_lines(one.before, one.after, one.record)
        what = one.record.what
        if isinstance(what, e.CommandEnded) and one.after.status(what.item) is Status.PASSED:
            lines += output(what.item)[-_OUTPUT_LINES:]
    return lines


def _redundant(what: e.Event, coming: s.Suggestion | None) -> bool:
    if not isinstance(coming, s.MendCheck | s.StartAgain | s.ResolveUnknown):
        return False
    return isinstance(what, _SHOWN_BY_ITS_QUESTION) and what.item == coming.item.id


def _too_early(one: Growth, runbook: Runbook) -> bool:
    what = one.record.what
    if not isinstance(what, e.CheckObserved) or one.after.status(what.item) is Status.PASSED:
        return False
    return _waits_for_value(runbook, one.after, what.item)


def _waits_for_value(runbook: Runbook, state: RunState, check: str) -> bool:
    step = runbook.step_of(check)
    for item in step.items if step is not None else ():
        if item.id == check:
            return False
        if isinstance(item, InputItem) and state.status(item.id) is Status.PENDING:
            return True
    return False
