"""What needs an operator's words: for each, what it means, what follows from it, and the request."""

from collections.abc import Callable
from dataclasses import dataclass

from aihummer_drtui.run import requests as r
from aihummer_drtui.run.state import CheckState, RunState
from aihummer_drtui.run.words import known_lines
from aihummer_drtui.runbook.model import CommandItem, Item, Runbook
from aihummer_drtui.runbook.prose import plain_words


@dataclass(frozen=True, kw_only=True)
class Wanting:
    """A request that lacks only the operator's words."""

    title: str
    lines: tuple[str, ...]
    """What follows from it, before it is done."""
    prompt: str
    enter: str
    """What Enter does."""
    make: Callable[[str], r.Request]


def note() -> Wanting:
    """A note for the record."""
    return Wanting(
        title="Put a note on record",
        lines=("It is kept in the journal with your name and the time, and stands in the report.",),
        prompt="note",
        enter="put it on record",
        make=lambda text: r.WriteNote(text=text),
    )


def skip(runbook: Runbook, item: Item) -> Wanting:
    """Leaving an item out."""
    return Wanting(
        title=f"Skip {item.id}",
        lines=(
            plain_words(item.text),
            *_deviation(runbook, item),
            "It counts as settled; what comes next opens.",
        ),
        prompt="reason",
        enter="skip it",
        make=lambda text: r.Skip(item=item.id, reason=text),
    )


def override(runbook: Runbook, state: RunState, item: Item) -> Wanting:
    """Going on although an item is not green."""
    return Wanting(
        title=f"Override {item.id}, which is {state.status(item.id)}",
        lines=(
            plain_words(item.text),
            *_seen(state, item),
            *_deviation(runbook, item),
            "Commands after it start as if it had passed. What it warned of can still happen.",
        ),
        prompt="reason",
        enter="go on over it",
        make=lambda text: r.Override(item=item.id, reason=text),
    )


def abandon() -> Wanting:
    """Giving the run up."""
    return Wanting(
        title="Give this run up",
        lines=(
            "The run ends as abandoned; it cannot be resumed. Its record stays.",
            "Nothing on the target is changed, and nothing is undone.",
        ),
        prompt="reason",
        enter="give the run up",
        make=lambda text: r.Abandon(reason=text),
    )


def settle(command: CommandItem, *, done: bool, agrees: bool) -> Wanting:
    """Deciding what a lost outcome was."""
    what = "done" if done else "not done"
    follows = (
        "It counts as passed, and what comes after it opens."
        if done
        else "It counts as never run, and can be started again."
    )
    against = () if agrees else ("The probe does not say so: this is your word against what was seen.",)
    deviation = ("It is a deviation, and ends the run with exceptions.",) if done and not agrees else ()
    return Wanting(
        title=f"Decide: {command.id} was {what}",
        lines=(follows, *against, *deviation),
        prompt="reason",
        enter=f"count it as {what}",
        make=lambda text: r.SettleOutcome(item=command.id, done=done, reason=text),
    )


def _seen(state: RunState, item: Item) -> tuple[str, ...]:
    """What a check saw, or is told to have found, for whoever goes on over it."""
    known = state.items.get(item.id)
    return tuple(known_lines(known)) if isinstance(known, CheckState) else ()


def _deviation(runbook: Runbook, item: Item) -> tuple[str, ...]:
    levels = [str(proof.level) for proof in runbook.levels if item.id in proof.items]
    lost = f"Recovery level {levels[0]} cannot be reached without it." if levels else ""
    return tuple(
        line
        for line in ("A deviation: the run can end no better than completed WITH EXCEPTIONS.", lost)
        if line
    )
