"""How a run ended, for the last screen: level, clocks against objectives, deviations, what is unproven."""

from datetime import UTC
from typing import Final, assert_never

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.objectives import clocks, losses, told_to_take
from aihummer_drtui.run.state import Abandoned, Finished, Living, RunState
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.run.told_words import NOTHING_PROVEN
from aihummer_drtui.run.verdict import Part
from aihummer_drtui.run.words import deviation_line
from aihummer_drtui.runbook.model import RecoveryLevel, Runbook
from aihummer_drtui.runbook.prose import plain_words

_UNTOLD: Final = {
    Part.DATABASE: "not known: no check told which moment came back",
    Part.BLOBS: "not known: no check told of blobs, or the media service was off",
}

_AFTER_A_TABLETOP: Final = (
    "Next: write down what was found and who mends it by when; then hold a drill, which can prove something."
)


def closing_lines(runbook: Runbook, state: RunState) -> list[str]:
    """The end of a run, a sentence a line."""
    match state.ending:
        case Living():
            return ["The run is not finished."]
        case Abandoned(reason=reason):
            proven = [f"This was a {NOTHING_PROVEN}."] if is_tabletop(state) else []
            return [f"*** ABANDONED: {cleaned_line(reason, 300)} ***", *proven]
        case Finished():
            return _finished(runbook, state, state.ending)
        case _ as never:
            assert_never(never)


def exit_code(state: RunState) -> ExitCode:
    """0 only for a run that ended proven; what is short of that is not success.

    A tabletop proves nothing, so it never ends with 0: whoever scripts on 0 takes it for "proven".
    """
    ending = state.ending
    if isinstance(ending, Finished):
        return ExitCode.OK if ending.level is RecoveryLevel.PROVEN else ExitCode.FAILED
    return ExitCode.FAILED


def _finished(runbook: Runbook, state: RunState, ending: Finished) -> list[str]:
    times = clocks(state, ending.at)
    told = is_tabletop(state)
    as_told = ", as told," if told else ""
    lines = ["", *(_tabletop_head(state, ending) if told else _head(ending))]
    lines.append(f"Since the incident: {_against(times.since_incident, runbook.rto, 'RTO')}")
    lines.append(f"Since the declaration: {duration_text(times.since_declared)}")
    for name, reached in (("serving", times.to_serving), ("proven", times.to_proven)):
        if reached is not None:
            lines.append(f"{name.capitalize()}{as_told} after: {duration_text(reached)}")
    lines += [] if told else loss_lines(runbook, state)
    lines.append(
        f"In commands{' as rehearsed' if told else ''}: {duration_text(times.in_commands)}, "
        f"waiting for people and checks: {duration_text(times.waiting)}"
    )
    if would_take := told_to_take(state):
        lines.append(f"As told, the commands would have taken: {duration_text(would_take)}")
    lines.append(f"Deviations: {len(state.deviations) or 'none'}")
    lines += [deviation_line(one) for one in state.deviations]
    unproven = "Answered as unproven" if told else "Unproven"
    lines.append(f"{unproven}: {', '.join(ending.unproven) or 'nothing'}")
    return lines


def loss_lines(runbook: Runbook, state: RunState) -> list[str]:
    """What is lost of each part against the RPO, and the skew between them, a sentence a line."""
    found = losses(runbook, state)
    lines = [
        f"RPO, {one.part}: back as of {one.moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC; lost: "
        f"{_against(one.seconds, runbook.rpo, 'RPO')}"
        for one in found
    ]
    told = {one.part: one.moment for one in found}
    lines += [f"RPO, {part}: {_UNTOLD[part]}" for part in Part if part not in told]
    if len(told) == len(Part):
        apart = (told[Part.BLOBS] - told[Part.DATABASE]).total_seconds()
        word = "younger" if apart >= 0 else "older"
        lines.append(f"Skew: the blobs are {duration_text(abs(apart))} {word} than the database")
    return lines


def next_lines(runbook: Runbook, state: RunState, left: Leftovers) -> list[str]:
    """What is still to be done by people after the end, a sentence a line."""
    match state.ending:
        case Living():
            return []
        case _ if is_tabletop(state):
            return [_AFTER_A_TABLETOP]
        case Abandoned():
            lines = ["Next: `aihummer-drtui run` begins anew; what was restored so far stays as it is."]
        case Finished(unproven=unproven):
            departed = dict.fromkeys(one.item for one in state.deviations if one.item)
            lines = [f"Next: prove by hand, by a day that is set: {_told(runbook, one)}" for one in unproven]
            lines += [f"Next: look by hand, it was passed over: {_told(runbook, one)}" for one in departed]
            lines.append("Next: tell the people: what is back, what is proven, what is lost.")
        case _ as never:
            assert_never(never)
    if left.found or left.unseen:
        lines.append("Next: give somebody the task, with a day, to drop what is left over.")
    return lines


def _told(runbook: Runbook, item_id: str) -> str:
    item = runbook.item(item_id)
    return item_id if item is None else f"{item_id}: {plain_words(item.text)}"


def _head(ending: Finished) -> list[str]:
    lines = [f"*** COMPLETED{_exceptions(ending)}. Recovery level: {ending.level.upper()} ***"]
    if ending.level is not RecoveryLevel.PROVEN:
        lines.append("AiHummer is NOT proven to be back.")
    return lines


def _tabletop_head(state: RunState, ending: Finished) -> list[str]:
    return [
        f"*** TABLETOP GONE THROUGH{_exceptions(ending)} ***",
        f"This was a {NOTHING_PROVEN}.",
        f"Recovery level, as told: {state.told_level}. It says how the talk went, and nothing of AiHummer.",
    ]


def _exceptions(ending: Finished) -> str:
    return ", WITH EXCEPTIONS" if ending.with_exceptions else ""


def _against(seconds: float, objective: float, name: str) -> str:
    within = "within" if seconds <= objective else "OVER"
    return f"{duration_text(seconds)}, {within} the {name} of {duration_text(objective)}"
