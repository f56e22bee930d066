"""Every action of a run that would be accepted now, for the palette: `run.legal` decides each. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from aihummer_drtui.run import requests as r
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import CheckItem, ConfirmItem, InputItem, Item, Runbook
from aihummer_drtui.tui.item_acts import About, item_act
from aihummer_drtui.tui.offer import Act, Ask, step_words
from aihummer_drtui.tui.wanting import Wanting


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the palette."""

    words: str
    act: Act | Wanting


def legal_acts(runbook: Runbook, state: RunState) -> tuple[Entry, ...]:
    """What can be done about the items of the open step, then elsewhere, then about the run."""
    shown = runbook.step(state.step)
    own = shown.items if shown is not None else ()
    entries = [entry for item in own for entry in _about(runbook, state, item, tuple(About))]
    for item in runbook.items:
        if item not in own and item.id in {*state.running, *state.lost}:
            entries += _about(runbook, state, item, (About.STOP, About.SETTLE))
    requests: list[tuple[str, r.Request]] = [
        (f"go to {step_words(runbook, step)}", r.ShowStep(step=step.id))
        for step in runbook.steps
        if step != shown
    ]
    requests.append(("finish the run", r.Finish()))
    entries += [
        Entry(words=words, act=Ask(request=request))
        for words, request in requests
        if refusal(runbook, state, request) is None
    ]
    return tuple(entries)


def _about(runbook: Runbook, state: RunState, item: Item, abouts: tuple[About, ...]) -> Iterator[Entry]:
    if isinstance(item, ConfirmItem) and item.id not in state.items:
        confirm = r.Confirm(item=item.id, statement="yes")
        if refusal(runbook, state, confirm) is None:
            yield Entry(words=f"state {item.id}: yes, it is so", act=Ask(request=confirm))
    for about in abouts:
        act = item_act(about, runbook, state, item)
        is_own = item.id in {*state.running, *state.lost} or about not in {About.STOP, About.SETTLE}
        if act is not None and is_own:
            yield Entry(words=_words(about, item), act=act)


def _words(about: About, item: Item) -> str:
    match about:
        case About.AGAIN:
            return f"look at {item.id} again" if isinstance(item, CheckItem) else f"start {item.id}"
        case About.STOP:
            return f"stop {item.id}"
        case About.GIVE:
            return f"give {item.variable}" if isinstance(item, InputItem) else f"give {item.id}"
        case About.SETTLE:
            return f"decide what became of {item.id}"
        case About.SKIP:
            return f"skip {item.id} (a deviation)"
        case About.TELL:
            finds = isinstance(item, CheckItem)
            return f"say what {item.id} finds" if finds else f"say how {item.id} ended"
        case About.OVERRIDE:
            return f"override {item.id} (a deviation)"
