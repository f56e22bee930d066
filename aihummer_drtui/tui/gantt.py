"""A run along one line of time, drawn in letters: steps, commands, waits on people, deviations, the clocks.

Each row has its name at the left. What the letters mean is said below; nothing is told by colour alone. Pure.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import events as e
from aihummer_drtui.run.objectives import Clocks, clocks, elapsed, losses
from aihummer_drtui.run.state import CommandState, Living, Moment, Outcome, RunState, Told, Underway
from aihummer_drtui.run.waits import Span, Waits, waits
from aihummer_drtui.run.words import local_time
from aihummer_drtui.runbook.model import Runbook
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.happened import happened_lines, moment_of
from aihummer_drtui.tui.widgets.pane import Line

_NAME: Final = 24
"""Columns of the names at the left."""
EVENTS_KEPT: Final = 1_000
"""The latest events are told; the journal has all."""
_LETTERS: Final = (
    "= a command runs   . the step is shown   w a person's turn, nothing runs",
    "c a check is looked at, nothing runs   ! a deviation   | the end of the RTO",
)
_FAR: Final = 3.0
"""How many times the run's own length the outage may lie before it, or the RTO's end after, to be drawn."""


@dataclass(frozen=True, kw_only=True)
class Happened:
    """What the journal tells of a run, as far as it was read: all that costs time is done."""

    sequence: int
    """Of the last record."""
    shown: dict[str, tuple[Span, ...]]
    """When each step was the one that was shown, by its id."""
    waits: Waits
    lines: tuple[Line, ...]
    """The events."""


class _Hearing:
    """Hears every record once and keeps what is drawn: a journal of any length is never in memory whole."""

    def __init__(self) -> None:
        self.sequence = 0
        self._declared: Moment | None = None
        self._latest: Moment | None = None
        self._step, self._since = "", 0.0
        self._shown: dict[str, list[Span]] = {}
        self._lines: deque[Line] = deque(maxlen=EVENTS_KEPT)
        self._left_out = 0

    def listening(self, records: Iterable[e.Record]) -> Iterator[e.Record]:
        """Give each record on once it was heard."""
        for record in records:
            self.sequence = record.sequence
            at = moment_of(record)
            self._declared = self._declared or at
            if isinstance(record.what, e.StepShown):
                self._turn_to(record.what.step, elapsed(self._declared, at))
            for line in happened_lines(self._latest, record):
                self._left_out += len(self._lines) == EVENTS_KEPT
                self._lines.append(line)
            self._latest = at
            yield record

    def shown(self) -> dict[str, tuple[Span, ...]]:
        """When each step was the one that was shown; the last still is."""
        self._turn_to("", inf)
        return {step: tuple(spans) for step, spans in self._shown.items()}

    def lines(self) -> tuple[Line, ...]:
        """The latest events."""
        left_out = f"{self._left_out} earlier events are not shown; the journal has them all."
        return (*((Line(text=left_out),) if self._left_out else ()), *self._lines)

    def _turn_to(self, step: str, at: float) -> None:
        if self._step:
            self._shown.setdefault(self._step, []).append(Span(begin=self._since, end=at))
        self._step, self._since = step, at


def read_happened(runbook: Runbook, records: Iterable[e.Record]) -> Happened:
    """Go through the whole journal once. Raises ValueError where it does not fold."""
    hearing = _Hearing()
    found = waits(runbook, hearing.listening(records))
    return Happened(sequence=hearing.sequence, shown=hearing.shown(), waits=found, lines=hearing.lines())


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Seconds since the declaration to columns; what lies outside is at the edge."""

    first: float
    last: float
    width: int

    def column(self, seconds: float) -> int:
        share = (seconds - self.first) / max(self.last - self.first, 1.0)
        return max(0, min(self.width - 1, int(share * self.width)))

    def bar(self, spans: Iterable[Span], letter: str) -> list[str]:
        cells = [" "] * self.width
        for span in spans:
            for at in range(self.column(span.begin), self.column(min(span.end, self.last)) + 1):
                cells[at] = letter
        return cells


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """A moment with a letter on the line of the clocks."""

    letter: str
    at: float
    """Seconds since the declaration; may be less than 0."""
    words: str


def gantt_lines(
    runbook: Runbook, state: RunState, happened: Happened, now: Moment, width: int
) -> tuple[Line, ...]:
    """The clocks and the bars, what is lost, what the letters mean; then the events."""
    end = now if isinstance(state.ending, Living) else state.ending.at
    whole = elapsed(state.declared_at, end)
    times = clocks(state, end)
    marks = tuple(_marks(runbook, state, times))
    scale = _scale(runbook, times, whole, max(10, width - _NAME - 4))
    deadline = runbook.rto - (times.since_incident - times.since_declared)
    rows = _rows(runbook, state, happened, scale, whole)
    return (
        _clock_row(marks, scale),
        *(_with_line(name, cells, style, scale, deadline) for name, cells, style in rows),
        *(Line(text=f"  {text}", style=paint.QUIET) for text in _LETTERS),
        *_mark_lines(runbook, marks, times),
        Line(text=_times_text(times, happened.waits, whole)),
        Line(text=""),
        *_loss_lines(runbook, state, scale.width),
        Line(text=""),
        *happened.lines,
    )


def _scale(runbook: Runbook, times: Clocks, whole: float, width: int) -> _Scale:
    """From the outage to the end of the RTO, as far as they do not squeeze the run itself."""
    before = times.since_incident - times.since_declared
    deadline = runbook.rto - before
    far = _FAR * max(whole, 60.0)
    return _Scale(
        first=-before if before <= far else 0.0,
        last=max(whole, deadline if deadline <= far else 0.0),
        width=width,
    )


def _marks(runbook: Runbook, state: RunState, times: Clocks) -> Iterator[_Mark]:
    before = times.since_incident - times.since_declared
    incident = state.declared.incident_at
    yield _Mark(letter="I", at=-before, words=f"incident {local_time(incident)}")
    yield _Mark(letter="D", at=0.0, words=f"declared {local_time(state.declared_at.wall)}")
    for letter, word, at in (
        ("S", "first command started", times.to_first_command),
        ("V", "serving", times.to_serving),
        ("P", "proven", times.to_proven),
    ):
        if at is None:
            yield _Mark(letter=letter, at=inf, words=f"{word}: not yet")
        else:
            since = duration_text(at + before)
            yield _Mark(letter=letter, at=at, words=f"{word} {since} after the incident")
    rto = duration_text(runbook.rto)
    yield _Mark(letter="R", at=runbook.rto - before, words=f"end of the RTO of {rto}")


def _clock_row(marks: tuple[_Mark, ...], scale: _Scale) -> Line:
    cells = ["-"] * scale.width
    for mark in marks:
        if scale.first <= mark.at <= scale.last:
            at = scale.column(mark.at)
            # Two moments in one column stand beside each other, as far as there is room.
            while cells[at] != "-" and at < scale.width - 1:
                at += 1
            cells[at] = mark.letter
    return Line(text=f"{'clocks':<{_NAME}}{''.join(cells)}", style=paint.LOUD, verbatim=True)


def _mark_lines(runbook: Runbook, marks: tuple[_Mark, ...], times: Clocks) -> Iterator[Line]:
    for mark in marks:
        if mark.letter == "R":
            left = runbook.rto - times.since_incident
            within = f"{duration_text(left)} left" if left >= 0 else f"OVER by {duration_text(-left)}"
            yield Line(text=f"R {mark.words}: {within}", style="" if left >= 0 else paint.BAD)
        else:
            yield Line(text=f"{mark.letter} {mark.words}")


def _rows(
    runbook: Runbook, state: RunState, happened: Happened, scale: _Scale, whole: float
) -> Iterator[tuple[str, list[str], str]]:
    """Name, cells and style of each row."""
    for number, step in enumerate(runbook.steps, 1):
        shown = (Span(begin=one.begin, end=min(one.end, whole)) for one in happened.shown.get(step.id, ()))
        yield f"{number}. {step.id}", scale.bar(shown, "."), ""
        for item in step.items:
            known = state.items.get(item.id)
            if isinstance(known, CommandState):
                bar = scale.bar(_ran(state, known, whole), "=")
                yield f"   {item.id.partition('/')[2]}", bar, paint.STATUS[known.status]
    for name, spans, letter in (
        ("waits on people", happened.waits.people, "w"),
        ("waits on checks", happened.waits.checks, "c"),
    ):
        yield name, scale.bar((Span(begin=one.begin, end=min(one.end, whole)) for one in spans), letter), ""
    if state.deviations:
        at = (elapsed(state.declared_at, one.at) for one in state.deviations)
        yield "deviations", scale.bar((Span(begin=one, end=one) for one in at), "!"), paint.DOUBT


def _with_line(name: str, cells: list[str], style: str, scale: _Scale, deadline: float) -> Line:
    """A row, with the end of the RTO drawn through it."""
    if scale.first <= deadline <= scale.last and cells[scale.column(deadline)] == " ":
        cells[scale.column(deadline)] = "|"
    text = f"{paint.cut(name, _NAME - 1):<{_NAME}}{''.join(cells)}"
    return Line(text=text.rstrip(), style=style, verbatim=True)


def _ran(state: RunState, command: CommandState, whole: float) -> Iterator[Span]:
    for attempt in command.attempts:
        begin = elapsed(state.declared_at, attempt.at)
        match attempt.end:
            case Outcome(took=took):
                yield Span(begin=begin, end=min(whole, begin + took))
            case Told(at=at):
                yield Span(begin=begin, end=min(whole, elapsed(state.declared_at, at)))
            case Underway():
                yield Span(begin=begin, end=whole)
            case _:
                yield Span(begin=begin, end=begin)


def _times_text(times: Clocks, waited: Waits, whole: float) -> str:
    people = sum(span.within(whole) for span in waited.people)
    checks = sum(span.within(whole) for span in waited.checks)
    return (
        f"In commands {duration_text(times.in_commands)}; nothing ran while people were waited for "
        f"{duration_text(people)}, checks {duration_text(checks)}"
    )


def _loss_lines(runbook: Runbook, state: RunState, width: int) -> Iterator[Line]:
    """What is lost of each part, on a scale of its own: the RPO is the line in it."""
    found = losses(runbook, state)
    if not found:
        yield Line(text="Lost: not known; no check told which moment comes back", style=paint.DOUBT)
        return
    longest = max(runbook.rpo, *(one.seconds for one in found))
    scale = _Scale(first=0.0, last=longest, width=width)
    yield Line(text=f"What is lost, before the incident; | is the RPO of {duration_text(runbook.rpo)}:")
    for one in found:
        cells = scale.bar((Span(begin=0.0, end=one.seconds),), "#")
        cells[scale.column(runbook.rpo)] = "|"
        over = one.seconds > runbook.rpo
        bar = "".join(cells)
        yield Line(text=f"{one.part:<{_NAME}}{bar}", style=paint.BAD if over else "", verbatim=True)
        at = local_time(datetime.isoformat(one.moment))
        word = "OVER the RPO" if over else "within"
        yield Line(text=f"  {one.part}: as of {at}, {duration_text(one.seconds)} lost, {word}")
