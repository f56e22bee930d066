"""Hints for training: what to mind about an item, for who does this for the first time. Decides nothing."""

from typing import assert_never

from aihummer_drtui.run.events import Mode
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Item


def hint_lines(state: RunState, item: Item) -> tuple[str, ...]:
    """The hints about an item, a sentence or two a line; none but in a training run."""
    if state.declared.mode is not Mode.TRAINING:
        return ()
    return (f"TRAINING: {_about(item, state.status(item.id))}",)


def _about(item: Item, status: Status) -> str:
    match item:
        case CheckItem():
            return _about_check(status)
        case CommandItem():
            return _about_command(item, status)
        case ConfirmItem():
            return (
                "say yes only to what you have seen with your own eyes. Nothing checks it after you, and "
                "your name stands beside it."
            )
        case InputItem():
            return (
                "every later command finds this value, so a wrong one goes far. Choose it by what stands "
                "below it (age, key, warnings), not because it is the first."
            )
        case _ as never:
            assert_never(never)


def _about_check(status: Status) -> str:
    match status:
        case Status.FAILED | Status.DRIFTED | Status.UNKNOWN:
            return (
                "hold observed against expected, mend what the hint names, and it turns green by itself. To "
                "override it is to go on although you know better: it needs a reason, and stays on record."
            )
        case Status.UNPROVEN:
            return "nobody can know this here. It stops nothing, but the recovery proves no more than it did."
        case _:
            return "it reads, and never changes anything; it is looked at by itself while its step is open."


def _about_command(item: CommandItem, status: Status) -> str:
    match status:
        case Status.RUNNING:
            return "it goes on without this terminal: closing it, or losing the line, stops nothing."
        case Status.FAILED:
            return (
                "read its last lines first, mend the cause, then start it again. Nothing is ever started a "
                "second time by itself."
            )
        case Status.UNKNOWN:
            return "let the probe look, and believe it more than your memory; then decide."
        case _ if item.destructive:
            return (
                "before you type the words of its gate, say aloud what it destroys, what undoes it and until "
                "when, and whose host that is."
            )
        case _:
            return "read it before you start it: it is exactly what you could type, with the values below it."
