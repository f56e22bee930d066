"""How long a run takes: measured in earlier ones, else as the runbook says; always saying which."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.events import EndKind, Mode
from aihummer_drtui.run.objectives import clocks
from aihummer_drtui.run.state import CommandState, Finished, Outcome, RunState
from aihummer_drtui.runbook.model import CommandItem, Runbook, Step
from aihummer_drtui.runbook.prose import plain_words

_RUNS = {
    Mode.REAL: "recovery|recoveries",
    Mode.DRILL: "drill|drills",
    Mode.TABLETOP: "tabletop exercise|tabletop exercises",
    Mode.TRAINING: "training run|training runs",
}


_ROUNDED_FROM: Final = 600.0


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier run measured."""

    whole: float
    """Seconds from its declaration to its end."""
    took: Mapping[str, float]
    """Seconds of each command that passed, by item: of the attempt that did."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """How long something takes."""

    seconds: float
    runs: int
    """In how many earlier runs it was measured; 0 = the runbook says so."""


def earlier_of(state: RunState) -> Earlier | None:
    """What a run measured; None for one that was not gone through to its end."""
    if not isinstance(state.ending, Finished):
        return None
    took = {item: seconds for item in state.items if (seconds := _took(state, item)) is not None}
    whole = clocks(state, state.ending.at).since_declared
    return Earlier(whole=whole, took=took)


def _took(state: RunState, item: str) -> float | None:
    known = state.items.get(item)
    for attempt in reversed(known.attempts if isinstance(known, CommandState) else ()):
        end = attempt.end
        if isinstance(end, Outcome) and end.kind is EndKind.EXITED and end.code == 0:
            return end.took
    return None


def command_estimate(command: CommandItem, earlier: Sequence[Earlier]) -> Estimate | None:
    """The median of what the command took; what the runbook says where it never ran; None = neither."""
    measured = [one.took[command.id] for one in earlier if command.id in one.took]
    if measured:
        return Estimate(seconds=median(measured), runs=len(measured))
    return None if command.estimate is None else Estimate(seconds=command.estimate, runs=0)


def whole_estimate(runbook: Runbook, earlier: Sequence[Earlier]) -> Estimate | None:
    """The median of whole runs, people's time in it; what the runbook says of its steps; None = neither."""
    if earlier:
        return Estimate(seconds=median(one.whole for one in earlier), runs=len(earlier))
    said = [step.estimate for step in runbook.steps if step.estimate is not None]
    return Estimate(seconds=sum(said), runs=0) if said else None


def estimate_text(estimate: Estimate, mode: Mode) -> str:
    """`about 12 min (from 3 earlier drills)`, `about 2 h (by the runbook)`."""
    seconds = estimate.seconds
    # Of a guess, seconds are told only where they are much of it.
    rounded = round(seconds / 60) * 60 if seconds >= _ROUNDED_FROM else seconds
    return f"about {duration_text(rounded)} ({_source(estimate.runs, mode)})"


def whole_text(runbook: Runbook, earlier: Sequence[Earlier], mode: Mode) -> str:
    """How long the run takes, and how much of it its commands, in a sentence."""
    found = [command_estimate(item, earlier) for item in runbook.items if isinstance(item, CommandItem)]
    commands = [one for one in found if one is not None]
    whole = whole_estimate(runbook, earlier)
    text = "Nothing says how long it takes" if whole is None else f"It takes {estimate_text(whole, mode)}"
    if not commands:
        return text
    seconds, runs = sum(one.seconds for one in commands), max(one.runs for one in commands)
    unmeasured = sum(one.runs == 0 for one in commands)
    text += f"; its commands {estimate_text(Estimate(seconds=seconds, runs=runs), mode)}"
    return f"{text}, {unmeasured} of {len(commands)} of them by the runbook" if runs and unmeasured else text


def step_line(number: int, step: Step, earlier: Sequence[Earlier], mode: Mode) -> str:
    """A step with how long it takes: as the runbook says with people's time, and its commands alone."""
    said = f", {duration_text(step.estimate)} by the runbook" if step.estimate else ""
    found = [command_estimate(item, earlier) for item in step.items if isinstance(item, CommandItem)]
    commands = [one for one in found if one is not None]
    text = f"{number}. {plain_words(step.title)}{said}"
    if not commands:
        return text
    runs = min(one.runs for one in commands)
    whole = Estimate(seconds=sum(one.seconds for one in commands), runs=runs)
    return f"{text}; commands {estimate_text(whole, mode)}"


def _source(runs: int, mode: Mode) -> str:
    if runs == 0:
        return "by the runbook"
    one, _, several = _RUNS[mode].partition("|")
    return f"from {runs} earlier {one if runs == 1 else several}"
