"""What an operator can do about one item, by word: the act, or None when it is not legal."""

from enum import StrEnum
from typing import assert_never

from aihummer_drtui.run import requests as r
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.run.verdict import Answer, ToldOutcome
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem, Item, Runbook
from aihummer_drtui.tui import wanting
from aihummer_drtui.tui.offer import Act, Ask, OpenGate, OpenTold, OpenUnknown, OpenValue
from aihummer_drtui.tui.wanting import Wanting

_SOME = "words"
"""Stands for the words that an operator would give."""


class About(StrEnum):
    """What can be wanted about an item."""

    AGAIN = "again"
    STOP = "stop"
    GIVE = "give"
    SETTLE = "settle"
    SKIP = "skip"
    OVERRIDE = "override"
    TELL = "tell"


def item_act(about: About, runbook: Runbook, state: RunState, item: Item) -> Act | Wanting | None:
    """The act, or None when it would be refused or is about another kind of item."""
    match about:
        case About.AGAIN:
            return _again(runbook, state, item)
        case About.STOP:
            running = state.running
            which = running[0] if item.id not in running and len(running) == 1 else item.id
            return _asking(runbook, state, r.StopCommand(item=which))
        case About.GIVE:
            given = isinstance(item, InputItem) and _is_legal(
                runbook, state, r.GiveInput(item=item.id, value=_SOME)
            )
            return OpenValue(input=item) if given and isinstance(item, InputItem) else None
        case About.SETTLE:
            return _settle(runbook, state, item)
        case About.SKIP:
            may = _is_legal(runbook, state, r.Skip(item=item.id, reason=_SOME))
            return wanting.skip(runbook, item) if may else None
        case About.OVERRIDE:
            # What was never looked at is skipped, not overridden.
            seen = state.status(item.id) is not Status.PENDING
            may = seen and _is_legal(runbook, state, r.Override(item=item.id, reason=_SOME))
            return wanting.override(runbook, state, item) if may else None
        case About.TELL:
            return _tell(runbook, state, item)
        case _ as never:
            assert_never(never)


def _tell(runbook: Runbook, state: RunState, item: Item) -> Act | None:
    match item:
        case CheckItem():
            request: r.Request = r.AnswerCheck(item=item.id, answer=Answer.PASSED)
        case CommandItem():
            request = r.TellOutcome(item=item.id, outcome=ToldOutcome.DONE)
        case _:
            return None
    return OpenTold(item=item) if _is_legal(runbook, state, request) else None


def _is_legal(runbook: Runbook, state: RunState, request: r.Request) -> bool:
    return refusal(runbook, state, request) is None


def _asking(runbook: Runbook, state: RunState, request: r.Request) -> Ask | None:
    return Ask(request=request) if _is_legal(runbook, state, request) else None


def _again(runbook: Runbook, state: RunState, item: Item) -> Act | None:
    match item:
        case CheckItem():
            return _asking(runbook, state, r.LookAgain(item=item.id))
        case CommandItem() if item.destructive:
            return OpenGate(command=item) if _is_legal(runbook, state, r.StartCommand(item=item.id)) else None
        case CommandItem():
            return _asking(runbook, state, r.StartCommand(item=item.id))
        case _:
            return None


def _settle(runbook: Runbook, state: RunState, item: Item) -> Act | None:
    lost = item.id if item.id in state.lost else next(iter(state.lost), "")
    command = runbook.item(lost)
    return OpenUnknown(command=command) if isinstance(command, CommandItem) else None
