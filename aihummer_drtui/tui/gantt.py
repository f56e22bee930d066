"""A run along one line of time, drawn in letters: when each step was worked on, when each command ran.

`=` a command runs, `.` its step is shown, `!` a deviation, `|` the objective. Pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import events as e
from aihummer_drtui.run.objectives import clocks, elapsed
from aihummer_drtui.run.state import CommandState, Living, Moment, Outcome, RunState, Underway
from aihummer_drtui.run.words import ending, local_time
from aihummer_drtui.runbook.model import Runbook
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.pane import Line

_NAME: Final = 24
"""Columns of the names at the left."""


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Seconds since the declaration to columns."""

    whole: float
    width: int

    def column(self, seconds: float) -> int:
        return min(self.width - 1, int(seconds / max(self.whole, 1.0) * self.width))

    def bar(self, spans: Iterable[tuple[float, float]], mark: str) -> str:
        cells = [" "] * self.width
        for begin, end in spans:
            for at in range(self.column(begin), self.column(end) + 1):
                cells[at] = mark
        return "".join(cells).rstrip()


def gantt_lines(
    runbook: Runbook, state: RunState, records: list[e.Record], now: Moment, width: int
) -> tuple[Line, ...]:
    """The bars, then the events."""
    end = now if isinstance(state.ending, Living) else state.ending.at
    whole = elapsed(state.declared_at, end)
    scale = _Scale(whole=whole, width=max(10, width - _NAME - 4))
    shown = _shown(state, records, whole)
    head = f"{'declared':<{_NAME}}{'0':<{scale.width - 12}}{duration_text(whole):>12}"
    lines = [Line(text=head, style=paint.QUIET, verbatim=True)]
    for number, step in enumerate(runbook.steps, 1):
        lines.append(_row(f"{number}. {step.id}", scale.bar(shown.get(step.id, ()), "."), ""))
        for item in step.items:
            known = state.items.get(item.id)
            if isinstance(known, CommandState):
                name = f"   {item.id.partition('/')[2]}"
                bar = scale.bar(_spans(state, known, whole), "=")
                lines.append(_row(name, bar, paint.STATUS[known.status]))
    if state.deviations:
        at = [elapsed(state.declared_at, one.at) for one in state.deviations]
        lines.append(_row("deviations", scale.bar(zip(at, at, strict=True), "!"), paint.DOUBT))
    return (*lines, *_clock_lines(runbook, state, end), Line(text=""), *_events(records))


def _row(name: str, bar: str, style: str) -> Line:
    return Line(text=f"{paint.cut(name, _NAME - 1):<{_NAME}}{bar}", style=style, verbatim=True)


def _shown(state: RunState, records: list[e.Record], whole: float) -> dict[str, list[tuple[float, float]]]:
    """When each step was the one that was shown."""
    spans: dict[str, list[tuple[float, float]]] = {}
    step, since = "", 0.0
    for record in records:
        if isinstance(record.what, e.StepShown):
            at = elapsed(state.declared_at, _moment(record))
            if step:
                spans.setdefault(step, []).append((since, at))
            step, since = record.what.step, at
    if step:
        spans.setdefault(step, []).append((since, whole))
    return spans


def _spans(state: RunState, command: CommandState, whole: float) -> Iterator[tuple[float, float]]:
    for attempt in command.attempts:
        begin = elapsed(state.declared_at, attempt.at)
        match attempt.end:
            case Outcome(took=took):
                yield begin, min(whole, begin + took)
            case Underway():
                yield begin, whole
            case _:
                yield begin, begin


def _clock_lines(runbook: Runbook, state: RunState, end: Moment) -> Iterator[Line]:
    times = clocks(state, end)
    left = runbook.rto - times.since_incident
    within = f"{duration_text(left)} left" if left >= 0 else f"OVER by {duration_text(-left)}"
    yield Line(
        text=f"Since the incident {duration_text(times.since_incident)}; "
        f"RTO {duration_text(runbook.rto)}: {within}",
        style="" if left >= 0 else paint.BAD,
    )
    yield Line(
        text=f"In commands {duration_text(times.in_commands)}; "
        f"waiting for people and checks {duration_text(times.waiting)}"
    )


def _events(records: list[e.Record]) -> Iterator[Line]:
    for record in records:
        told = _told(record.what)
        if told:
            by = "" if record.actor == "engine" else f" ({cleaned_line(record.actor, 40)})"
            yield Line(text=f"{local_time(record.wall)}  {told}{by}", hang="    ")


def _told(what: e.Event) -> str:  # noqa: PLR0912 - a table: one arm for each sort of event
    match what:
        case e.RunDeclared(mode=mode):
            return f"declared, {mode}"
        case e.SittingOpened(host=host, front_end=front_end):
            return f"sat down at {cleaned_line(host, 40)}, {cleaned_line(front_end, 20)}"
        case e.StepShown(step=step):
            return f"step {step}"
        case e.ItemConfirmed(item=item):
            return f"stated {item}"
        case e.InputGiven(variable=variable, value=value):
            return f"gave {variable} = {cleaned_line(value, 200)}"
        case e.CommandIntended(item=item, attempt=attempt):
            return f"> {item}, attempt {attempt}"
        case e.CommandEnded(item=item, kind=kind, code=code):
            good = kind is e.EndKind.EXITED and code == 0
            return f"{'+' if good else 'x'} {item}: {ending(what)}"
        case e.OutcomeLost(item=item):
            return f"? {item}: nobody saw how it ended"
        case e.OutcomeSettled(item=item, done=done, reason=reason):
            return f"{item} counts as {'done' if done else 'not done'}: {cleaned_line(reason, 200)}"
        case e.ItemSkipped(item=item, reason=reason):
            return f"! skipped {item}: {cleaned_line(reason, 200)}"
        case e.ItemOverridden(item=item, reason=reason):
            return f"! overrode {item}: {cleaned_line(reason, 200)}"
        case e.NoteWritten(text=text):
            return f"note: {cleaned_line(text, 400)}"
        case e.LevelReached(level=level):
            return f"recovery level: {level}"
        case e.RunFinished() | e.RunAbandoned():
            return "the run ended"
        case _:
            return ""


def _moment(record: e.Record) -> Moment:
    return Moment(boot_id=record.boot_id, boottime=record.boottime, wall=record.wall)
