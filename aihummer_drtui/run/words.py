"""What every front end says: states and events as sentences. Decides nothing, writes nothing."""

import re
import signal
from datetime import datetime
from typing import Final, assert_never

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.run import events as e
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.state import (
    AnsweredState,
    AttemptState,
    CheckState,
    CommandState,
    Deviation,
    InputState,
    ItemState,
    ObservedState,
    Outcome,
    RunState,
    Status,
    Told,
)
from aihummer_drtui.run.told_words import answer_text, told_ending, told_event, told_mark
from aihummer_drtui.run.verdict import Observation
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Item, Step
from aihummer_drtui.runbook.shell import script_facts

GLYPHS: Final = {
    Status.PENDING: ".",
    Status.RUNNING: ">",
    Status.PASSED: "+",
    Status.FAILED: "x",
    Status.SKIPPED: "-",
    Status.UNKNOWN: "?",
    Status.UNPROVEN: "~",
    Status.DRIFTED: "!",
}
BANNERS: Final = {
    e.Mode.REAL: "REAL RUN: commands act on the installation below",
    e.Mode.DRILL: "DRILL: commands act on a sandbox only",
    e.Mode.TABLETOP: "TABLETOP: nothing is executed, nothing is looked at; what happens is told",
    e.Mode.TRAINING: "TRAINING: commands act on a sandbox only",
}


def local_time(wall: str) -> str:
    """A journal's wall time in the operator's zone, with the zone."""
    return datetime.fromisoformat(wall).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def status_word(state: RunState, item: Item) -> str:
    """Glyph and word of an item's status, that it was told, and that a pass is of an earlier sitting."""
    status = state.status(item.id)
    known = state.items.get(item.id)
    mark = told_mark(known)
    told = f", {mark}" if mark and status is not Status.SKIPPED else ""
    again = "to be answered again" if isinstance(known, AnsweredState) else "being looked at again"
    stale = isinstance(known, CheckState) and not known.fresh and status is Status.PASSED
    overridden = known is not None and known.deviation is not None and status is not Status.SKIPPED
    more = f" (before; {again})" if stale else " (overridden)" if overridden else ""
    return f"{GLYPHS[status]} {status}{told}{more}"


def kind_word(item: Item) -> str:
    """What sort of item it is, in one word."""
    match item:
        case CheckItem():
            return "check"
        case CommandItem():
            return "command"
        case ConfirmItem():
            return "confirm"
        case InputItem():
            return "input"
        case _ as never:
            assert_never(never)


def checklist(state: RunState, step: Step, plain: dict[str, str]) -> list[str]:
    """The items of a step, a line each. `plain` gives each item's text without markup."""
    lines = []
    for number, item in enumerate(step.items, 1):
        value = state.items.get(item.id)
        given = f" = {cleaned_line(value.value, 60)}" if isinstance(value, InputState) else ""
        lines.append(
            f"  {number}. {status_word(state, item)}: {kind_word(item)} {item.id}{given}: {plain[item.id]}"
        )
    return lines


def observation_lines(item: str, status: str, observation: Observation) -> list[str]:
    """A check's answer: expected against observed, warnings, and the hint when it is not green."""
    first = f"  {status}: {item}: {cleaned_line(observation.observed, 400)}"
    if status.startswith(GLYPHS[Status.PASSED]):
        return [first, *_warnings(observation)]
    return [first, *(f"  {line}" for line in seen_lines(observation)[1:])]


def known_lines(known: ItemState | None) -> list[str]:
    """What is known of an item beside its status: what a check saw if it is not green; all that was told."""
    match known:
        case ObservedState(observation=observation) if known.status is not Status.PASSED:
            return seen_lines(observation)
        case AnsweredState():
            return [answer_text(known)]
        case CommandState(attempts=(*_, AttemptState(end=Told() as told))):
            return [told_ending(told)]
        case _:
            return []


def seen_lines(observation: Observation) -> list[str]:
    """A look that was not green, without its item: observed, expected, warnings, hint."""
    hint = [f"hint: {cleaned_line(observation.hint, 600)}"] if observation.hint else []
    return [
        f"observed: {cleaned_line(observation.observed, 400)}",
        f"expected: {cleaned_line(observation.expected, 400)}",
        *(line.strip() for line in _warnings(observation)),
        *hint,
    ]


def _warnings(observation: Observation) -> list[str]:
    return [f"  warning: {cleaned_line(warning, 400)}" for warning in observation.warnings]


# A table: one arm for each sort of event.
def news_lines(before: RunState, after: RunState, record: e.Record) -> list[str]:  # noqa: PLR0912
    """What to tell of one record; nothing for what the operator did themselves or need not hear."""
    match record.what:
        case e.CheckObserved(item=item, observation=observation):
            return _check_news(before, after, item, observation)
        case e.CommandStarted(item=item, attempt=attempt, pid=pid):
            return [f"  > running: {item}, attempt {attempt}, process {pid}"]
        case e.CommandEnded(item=item):
            return [f"  {GLYPHS[after.status(item)]} {after.status(item)}: {item}: {ending(record.what)}"]
        case e.OutcomeLost(item=item, why=why):
            return [f"  ? unknown: {item}: nobody saw how it ended: {cleaned_line(why, 300)}"]
        case e.OutcomeProbed(item=item, result=result, observed=observed):
            return [f"  the probe of {item} says: {result}: {cleaned_line(observed, 400)}"]
        case e.CheckAnswered() | e.CommandRehearsed() | e.OutcomeTold() | e.ProbeAnswered():
            return [f"  {told_event(record.what)} ({cleaned_line(record.actor, 60)})"]
        case e.LevelReached(level=level):
            return [f"  recovery level: {level}"]
        case e.LevelTold(level=level):
            return [f"  recovery level as told, not proven: {level}"]
        case e.SittingOpened(operator=operator, host=host):
            return [f"  {cleaned_line(operator, 60)} attached from {cleaned_line(host, 60)}"]
        case e.NoteWritten(text=text) if record.actor == e.ENGINE:
            return [f"  {cleaned_line(text, 400)}"]
        case e.LockTaken(holder=holder, reason=reason):
            return [f"  taken over from {cleaned_line(holder, 200)}: {cleaned_line(reason, 300)}"]
        case e.JournalRepaired(bytes_cut=cut, copy=copy):
            return [f"  the journal's torn end ({cut} bytes) was cut off; a copy is in {copy}"]
        case _:
            return []


def _check_news(before: RunState, after: RunState, item: str, observation: Observation) -> list[str]:
    known = before.items.get(item)
    same = (
        isinstance(known, ObservedState)
        and known.fresh
        and known.status is after.status(item)
        # An age or a rest of room that is another at every look is no news.
        and _without_numbers(known.observation) == _without_numbers(observation)
    )
    if same:
        return []
    status = after.status(item)
    return observation_lines(item, f"{GLYPHS[status]} {status}", observation)


def _without_numbers(observation: Observation) -> str:
    return re.sub(r"\d+", "#", "\n".join((observation.observed, *observation.warnings)))


def ending(ended: e.CommandEnded | Outcome | Told) -> str:
    """How a command ended, or is told to have ended, in words."""
    if isinstance(ended, Told):
        return told_ending(ended)
    took = duration_text(ended.took)
    match ended.kind:
        case e.EndKind.EXITED:
            return f"exit code {ended.code} after {took}"
        case e.EndKind.SIGNALLED:
            return f"ended by signal {ended.code} ({_signal_name(ended.code)}) after {took}"
        case e.EndKind.TIMED_OUT:
            return f"did not end in its time and was ended after {took}"
        case e.EndKind.STOPPED:
            return f"stopped by the operator after {took}"
        case e.EndKind.NOT_STARTED:
            return "was not started; no instruction of it was run"
        case _ as never:
            assert_never(never)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of no name"


def progress_text(progress: Progress) -> str:
    """Phase, count, rate and time left in one line; 100 % is never claimed while it runs."""

    def amount(count: float) -> str:
        return bytes_text(int(count)) if progress.unit == "bytes" else f"{count:.0f} {progress.unit}"

    text = cleaned_line(progress.phase, 60)
    counted = []
    if progress.parts:
        counted.append(f"{progress.parts.done} of {progress.parts.total} {progress.parts.unit}")
    if progress.total > 0:
        percent = min(99, progress.done * 100 // progress.total)
        counted.append(f"{amount(progress.done)} of {amount(progress.total)} ({percent} %)")
    elif progress.done:
        counted.append(amount(progress.done))
    text += f": {', '.join(counted)}" if counted else ""
    if progress.done and progress.elapsed > 0:
        text += f", {amount(progress.done / progress.elapsed)}/s"
    if progress.seconds_left is not None:
        text += f", about {duration_text(progress.seconds_left)} left"
    return cleaned_line(text)


def deviation_line(deviation: Deviation) -> str:
    """A deviation with who and why."""
    item = f" {deviation.item}" if deviation.item else ""
    by = cleaned_line(deviation.actor, 60)
    return f"  {deviation.what}:{item}: {cleaned_line(deviation.reason, 300)} ({by})"


def given_lines(state: RunState, item: CommandItem) -> tuple[str, ...]:
    """The values of this run that a command's script uses, a line each, in the script's order."""
    used = dict.fromkeys(use.variable for use in script_facts(item.script).uses)
    return tuple(f"with {name} = {cleaned_line(state.values[name])}" for name in used if name in state.values)
