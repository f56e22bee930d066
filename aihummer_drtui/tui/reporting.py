"""What of the journal's growth is told in the line of notice: the most pressing of it."""

from dataclasses import dataclass

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.run.wall_clock import jump_lines
from aihummer_drtui.run.words import news_lines
from aihummer_drtui.tui import paint


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A line that is told, its style, and what it is about."""

    rank: int
    """The higher, the more pressing."""
    text: str
    style: str
    trouble: str = ""
    """The check that it calls red or unknown; empty = it speaks of none."""


def news_notice(news: list[Growth], operator_sees: str) -> Notice | None:
    """What is most pressing, or None when nothing need be told.

    `operator_sees` is the item whose pane is open: what a look at it found is shown there.
    """
    told = [one for growth in news if (one := _told(growth, operator_sees)) is not None]
    # Of what is as pressing, the latest: what came before it may be true no more.
    return max(reversed(told), key=lambda one: one.rank) if told else None


def _told(growth: Growth, operator_sees: str) -> Notice | None:
    what = growth.record.what
    jumped = jump_lines(growth.before.latest, growth.after.latest)
    if jumped:
        return Notice(rank=6, text=jumped[0], style=paint.DOUBT)
    lines = news_lines(growth.before, growth.after, growth.record)
    if not lines or isinstance(what, e.SittingOpened):
        return None
    first = lines[0].strip()
    match what:
        case e.CheckObserved(item=item):
            is_green = growth.after.status(item) is Status.PASSED
            if is_green or item == operator_sees or _is_elsewhere(growth.after, item):
                return None
            style = paint.STATUS[growth.after.status(item)]
            return Notice(rank=1, text=first, style=style, trouble=item)
        case e.CommandStarted(item=item):
            return Notice(rank=2, text=first, style=paint.BUSY)
        case e.CommandEnded(item=item):
            style = paint.STATUS[growth.after.status(item)]
            return Notice(rank=4, text=f"{first}; 'o' shows what it wrote", style=style)
        case e.OutcomeLost() | e.OutcomeProbed():
            return Notice(rank=5, text=first, style=paint.DOUBT)
        case e.CheckAnswered(item=item) | e.CommandRehearsed(item=item) | e.OutcomeTold(item=item):
            return Notice(rank=4, text=first, style=paint.STATUS[growth.after.status(item)])
        case e.ProbeAnswered():
            return Notice(rank=5, text=first, style=paint.DOUBT)
        case e.LevelReached():
            return Notice(rank=3, text=first, style=paint.GOOD)
        case _:
            return Notice(rank=1, text=first, style=paint.FOREGROUND)


def _is_elsewhere(state: RunState, item: str) -> bool:
    return item.partition("/")[0] != state.step
