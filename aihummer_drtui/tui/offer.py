"""What Enter does now: the sensible next thing, or what the selected item asks for. Pure.

Which thing is sensible and what is legal is decided below (`run.suggestion`, `run.legal`); here it only
becomes words and an act of the screen.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias, assert_never

from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.legal import refusal
from aihummer_drtui.run.overlap import running_in
from aihummer_drtui.run.settled import settled
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem, Item, Runbook, Step
from aihummer_drtui.runbook.prose import plain_words


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Enter sends this request."""

    request: r.Request


@dataclass(frozen=True, kw_only=True)
class OpenGate:
    """Enter opens the gate of an irreversible command, and does not pass it."""

    command: CommandItem


@dataclass(frozen=True, kw_only=True)
class OpenUnknown:
    """Enter opens the screen of an outcome that nobody saw."""

    command: CommandItem


@dataclass(frozen=True, kw_only=True)
class OpenValue:
    """Enter opens the screen in which a value is chosen or typed."""

    input: InputItem


@dataclass(frozen=True, kw_only=True)
class OpenTold:
    """Tabletop: Enter opens the screen in which it is told what a check finds, or how a command ended."""

    item: CheckItem | CommandItem
    probe: bool = False
    """What the command's probe sees, not how the command ended."""


@dataclass(frozen=True, kw_only=True)
class SeeOutput:
    """Enter shows what a command wrote."""

    command: CommandItem


class Plain(Enum):
    """Acts that are about nothing in particular."""

    GO_BACK = "select what comes next"
    FINISH = "finish the run"
    SEE_END = "see how it ended"
    WAIT = "nothing; wait"


Act: TypeAlias = Ask | OpenGate | OpenUnknown | OpenValue | OpenTold | SeeOutput | Plain


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What Enter does, said before it is pressed."""

    words: str
    act: Act
    item: str = ""
    """The item it is about, if it is about one."""


def next_offer(runbook: Runbook, state: RunState) -> Offer:
    """The sensible next thing."""
    return offer_of(runbook, s.sensible(runbook, state), tabletop=is_tabletop(state))


def offer_for(runbook: Runbook, state: RunState, selected: Item) -> Offer:
    """What Enter does while this item is selected: its own act, or back to what comes next."""
    following = next_offer(runbook, state)
    if following.item == selected.id:
        return following
    back = Offer(words=f"back to what comes next: {following.words}", act=Plain.GO_BACK, item=selected.id)
    if settled(state, selected):
        return back
    step = runbook.step_of(selected.id)
    if step is None or (running_in(state, step) is not None and selected.id not in state.running):
        return back
    own = offer_of(runbook, s.for_item(state, selected), tabletop=is_tabletop(state))
    if not isinstance(own.act, Ask) or refusal(runbook, state, own.act.request) is None:
        return own
    return back


def offer_of(  # noqa: PLR0912 - an arm for each
    runbook: Runbook, suggestion: s.Suggestion, *, tabletop: bool = False
) -> Offer:
    """A suggestion as what Enter does."""
    match suggestion:
        case s.ResolveUnknown(item=item):
            return Offer(
                words=f"decide what became of {item.id}", act=OpenUnknown(command=item), item=item.id
            )
        case s.OpenStep(step=step):
            return Offer(
                words=f"go to {step_words(runbook, step)}", act=Ask(request=r.ShowStep(step=step.id))
            )
        case s.GiveValue(item=given):
            return Offer(words=f"give {given.variable}", act=OpenValue(input=given), item=given.id)
        case s.StateIt(item=stated):
            confirm = Ask(request=r.Confirm(item=stated.id, statement="yes"))
            return Offer(words="state that you have seen it: yes, it is so", act=confirm, item=stated.id)
        case s.AnswerIt() | s.TellEnd() | s.SayProbe():
            return _telling(suggestion)
        case s.AwaitCheck(item=check):
            return Offer(words=f"nothing; {check.id} is being looked at", act=Plain.WAIT, item=check.id)
        case s.MendCheck(item=check):
            again = Ask(request=r.LookAgain(item=check.id))
            return Offer(words=f"look at {check.id} again; mend it first", act=again, item=check.id)
        case s.Start(item=command):
            return _start(command, tabletop=tabletop)
        case s.StartAgain(item=command) if tabletop:
            anew = _start(command, tabletop=True)
            return anew if command.destructive else replace(anew, words=f"rehearse {command.id} again")
        case s.StartAgain(item=command):
            words = f"see why {command.id} failed ('a' starts it again)"
            return Offer(words=words, act=SeeOutput(command=command), item=command.id)
        case s.AwaitCommand(item=command):
            words = f"watch {command.id}; it is running"
            return Offer(words=words, act=SeeOutput(command=command), item=command.id)
        case s.WorkMeanwhile(item=command, step=step):
            words = f"go on with {step_words(runbook, step)} while {command.name} runs"
            return Offer(words=words, act=Ask(request=r.ShowStep(step=step.id)), item=command.id)
        case s.FinishRun():
            return Offer(words="finish the run: every item is settled", act=Plain.FINISH)
        case s.NothingLeft():
            return Offer(words="see how the run ended", act=Plain.SEE_END)
        case _ as never:
            assert_never(never)


def _telling(suggestion: s.AnswerIt | s.TellEnd | s.SayProbe) -> Offer:
    item = suggestion.item
    match suggestion:
        case s.AnswerIt():
            words = f"say what {item.id} finds"
        case s.TellEnd():
            words = f"say how {item.id} ended"
        case s.SayProbe():
            words = f"say what the probe of {item.id} sees"
        case _ as never:
            assert_never(never)
    act = OpenTold(item=item, probe=isinstance(suggestion, s.SayProbe))
    return Offer(words=words, act=act, item=item.id)


def _start(command: CommandItem, *, tabletop: bool) -> Offer:
    if command.destructive:
        return Offer(
            words=f"open the gate of {command.id} (irreversible)",
            act=OpenGate(command=command),
            item=command.id,
        )
    start = Ask(request=r.StartCommand(item=command.id))
    if tabletop:
        return Offer(words=f"rehearse {command.id}; nothing is executed", act=start, item=command.id)
    takes = f", about {duration_text(command.estimate)}" if command.estimate else ""
    return Offer(words=f"start {command.id}{takes}", act=start, item=command.id)


def step_words(runbook: Runbook, step: Step) -> str:
    """A step by number and title."""
    return f"step {runbook.steps.index(step) + 1}: {plain_words(step.title)}"
