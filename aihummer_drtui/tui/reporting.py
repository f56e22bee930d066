"""What of the journal's growth is told in the line of notice: the most pressing of it."""

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.run.wall_clock import jump_lines
from aihummer_drtui.run.words import news_lines
from aihummer_drtui.tui import paint


def news_notice(news: list[Growth], operator_sees: str) -> tuple[str, str] | None:
    """A line and its style, or None when nothing need be told.

    `operator_sees` is the item whose pane is open: what a look at it found is shown there.
    """
    told = [one for growth in news if (one := _told(growth, operator_sees)) is not None]
    return max(told, key=lambda one: one[0])[1:] if told else None


def _told(growth: Growth, operator_sees: str) -> tuple[int, str, str] | None:
    what = growth.record.what
    jumped = jump_lines(growth.before.latest, growth.after.latest)
    if jumped:
        return 6, jumped[0], paint.DOUBT
    lines = news_lines(growth.before, growth.after, growth.record)
    if not lines or isinstance(what, e.SittingOpened):
        return None
    first = lines[0].strip()
    match what:
        case e.CheckObserved(item=item):
            is_green = growth.after.status(item) is Status.PASSED
            if is_green or item == operator_sees or _is_elsewhere(growth.after, item):
                return None
            return 1, first, paint.STATUS[growth.after.status(item)]
        case e.CommandStarted(item=item):
            return 2, first, paint.BUSY
        case e.CommandEnded(item=item):
            style = paint.STATUS[growth.after.status(item)]
            return 4, f"{first}; 'o' shows what it wrote", style
        case e.OutcomeLost() | e.OutcomeProbed():
            return 5, first, paint.DOUBT
        case e.CheckAnswered(item=item) | e.CommandRehearsed(item=item) | e.OutcomeTold(item=item):
            return 4, first, paint.STATUS[growth.after.status(item)]
        case e.ProbeAnswered():
            return 5, first, paint.DOUBT
        case e.LevelReached():
            return 3, first, paint.GOOD
        case _:
            return 1, first, paint.FOREGROUND


def _is_elsewhere(state: RunState, item: str) -> bool:
    return item.partition("/")[0] != state.step
