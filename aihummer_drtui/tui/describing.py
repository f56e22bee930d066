"""What the panes say of an item, of a step, of a running command: lines, decided by nothing here."""

from typing import assert_never

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.run import words
from aihummer_drtui.run.objectives import elapsed
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import (
    AnsweredState,
    ConfirmState,
    InputState,
    Lost,
    Moment,
    ObservedState,
    Outcome,
    RunState,
    Status,
    Told,
    Underway,
)
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.run.told_words import answer_text, why_unknown
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Item, Step
from aihummer_drtui.runbook.prose import plain_prose, plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.view import Output, View
from aihummer_drtui.tui.widgets.pane import Line

_NOT_ANSWERED = "Not answered yet. In a tabletop nobody looks: Enter, or 'i', says what it finds."
_SEEN: int = 600
"""Characters of a foreign answer that are shown."""


def item_lines(state: RunState, item: Item, now: Moment) -> tuple[Line, ...]:
    """All that is known of an item, the most important first."""
    match item:
        case CheckItem():
            lines = _check(state, item, now)
        case CommandItem():
            lines = _command(state, item)
        case ConfirmItem():
            lines = _confirm(state, item)
        case InputItem():
            lines = _input(state, item)
        case _ as never:
            assert_never(never)
    known = state.items.get(item.id)
    if known is not None and known.deviation is not None:
        lines.append(Line(text=words.deviation_line(known.deviation).strip(), style=paint.DOUBT))
    return tuple(lines)


def age_text(seconds: float) -> str:
    """How long ago, so coarse that it seldom changes: a repaint costs over a slow line."""
    if seconds < 60:
        return "less than a minute ago"
    return f"{duration_text(seconds // 60 * 60)} ago"


def _check(state: RunState, item: CheckItem, now: Moment) -> list[Line]:
    known = state.items.get(item.id)
    text = Line(text=plain_words(item.text), style=paint.LOUD)
    if isinstance(known, AnsweredState):
        return [text, *_answered(known, now)]
    if not isinstance(known, ObservedState):
        looked = "Not looked at yet; it is looked at while its step is open."
        return [text, Line(text=_NOT_ANSWERED if is_tabletop(state) else looked)]
    seen = known.observation
    status = known.status if known.fresh else Status.PENDING
    age = age_text(elapsed(known.at, now))
    stale = "" if known.fresh else "; that no longer counts, it is looked at again"
    lines = [
        text,
        Line(
            text=f"{words.GLYPHS[known.status]} {known.status}, seen {age}{stale}", style=paint.STATUS[status]
        ),
        Line(text=f"observed: {cleaned_line(seen.observed, _SEEN)}", hang="          "),
        Line(text=f"expected: {cleaned_line(seen.expected, _SEEN)}", hang="          "),
    ]
    lines += [Line(text=f"warning: {cleaned_line(one, _SEEN)}", style=paint.DOUBT) for one in seen.warnings]
    if seen.hint and known.status is not Status.PASSED:
        lines.append(Line(text=f"hint: {cleaned_line(seen.hint, _SEEN)}", style=paint.LOUD, hang="      "))
    return lines


def _answered(known: AnsweredState, now: Moment) -> list[Line]:
    age = age_text(elapsed(known.at, now))
    stale = "" if known.fresh else "; that no longer counts, it is to be answered again"
    status = known.status if known.fresh else Status.PENDING
    return [
        Line(
            text=f"{words.GLYPHS[known.status]} {known.status}, answered {age}{stale}",
            style=paint.STATUS[status],
        ),
        Line(text=answer_text(known), hang="  "),
        Line(text="Nobody looked: it proves nothing.", style=paint.QUIET),
    ]


def _command(state: RunState, item: CommandItem) -> list[Line]:
    lines = [Line(text=plain_words(item.text), style=paint.LOUD)]
    lines += [Line(text=text, style=style) for text, style in _attempt(state, item)]
    lines += command_lines(item)
    lines += [Line(text=f"  {given}") for given in words.given_lines(state, item)]
    if item.destructive:
        lines.append(Line(text=f"IRREVERSIBLE. It destroys: {plain_words(item.destroys)}", style=paint.BAD))
    lines.append(Line(text=f"Expect: {plain_words(item.expect)}", hang="        "))
    if item.undo:
        lines.append(Line(text=f"Undo: {plain_words(item.undo)}", hang="      "))
    takes = f"It takes about {duration_text(item.estimate)}; " if item.estimate else ""
    lines.append(Line(text=f"{takes}it is given up after {duration_text(item.time_out)}.", style=paint.QUIET))
    return lines


def command_lines(item: CommandItem) -> list[Line]:
    """The script, exactly as it runs."""
    return [Line(text=line, verbatim=True, style=paint.LOUD) for line in item.script.strip("\n").split("\n")]


def _attempt(state: RunState, item: CommandItem) -> list[tuple[str, str]]:
    latest = latest_attempt(state, item.id)
    if latest is None:
        return []
    style = paint.STATUS[state.status(item.id)]
    glyph = words.GLYPHS[state.status(item.id)]
    how = "rehearsed" if latest.rehearsed else "started"
    began = f"attempt {latest.number}, {how} {words.local_time(latest.at.wall)}"
    match latest.end:
        case Told():
            told = words.ending(latest.end)
            return [(f"{glyph} {state.status(item.id)}, {told} ({began})", style)]
        case Underway() if latest.rehearsed:
            return [(f"{glyph} rehearsed, nothing is executed; 'i' says how it ended ({began})", style)]
        case Outcome():
            return [(f"{glyph} {state.status(item.id)}: {words.ending(latest.end)} ({began})", style)]
        case Underway():
            return [(f"{glyph} running ({began})", style)]
        case Lost():
            return [(f"{glyph} nobody saw how it ended: {why_unknown(latest, latest.end)} ({began})", style)]
        case _:
            return [(f"{glyph} {state.status(item.id)} ({began})", style)]


def _confirm(state: RunState, item: ConfirmItem) -> list[Line]:
    known = state.items.get(item.id)
    lines = [Line(text=plain_words(item.text), style=paint.LOUD)]
    if isinstance(known, ConfirmState):
        said = f"Stated {words.local_time(known.at.wall)}: {cleaned_line(known.statement, _SEEN)}"
        lines.append(Line(text=said))
    else:
        lines.append(Line(text="A person states this. Enter says: yes, I have seen that it is so."))
    return lines


def _input(state: RunState, item: InputItem) -> list[Line]:
    known = state.items.get(item.id)
    lines = [Line(text=plain_words(item.text), style=paint.LOUD)]
    if isinstance(known, InputState):
        lines.append(Line(text=f"{known.variable}={known.value}", verbatim=True, style=paint.LOUD))
        lines.append(Line(text=f"Given {words.local_time(known.at.wall)}; 'g' gives another value."))
    else:
        lines.append(Line(text=f"Commands find it as the environment variable {item.variable}."))
    return lines


def step_lines(step: Step, width: int) -> tuple[Line, ...]:
    """The text of a step: the operator's prose, then its guidance."""
    prose = plain_prose(step.prose, width=max(20, width)) if step.prose else ""
    lines = [Line(text=text) for text in prose.split("\n")] if prose else []
    guidance = (
        ("Why", step.why),
        ("Expect", step.expect),
        ("Time", step.time),
        ("Undo", step.undo),
        ("Call", step.call),
    )
    for name, text in guidance:
        if text:
            words_of_it = plain_words(" ".join(text.split()))
            lines.append(Line(text=f"{name + ':':<8}{words_of_it}", style=paint.LOUD, hang=" " * 8))
    return tuple(lines)


def progress_line(
    item: str, progress: Progress | None, running_for: float, *, rehearsed: bool = False
) -> str:
    """How far a running command is, or that it lives; of a rehearsed one, that nothing is executed."""
    if rehearsed:
        return f"{item}: as if running for {duration_text(running_for)}; nothing is executed"
    said = f"running for {duration_text(running_for)}"
    return f"{item}: {words.progress_text(progress) if progress is not None else said}"


def progress_lines(view: View, now: Moment) -> tuple[Line, ...]:
    """Every running command, a line each."""
    said = []
    for item in view.state.running:
        latest = latest_attempt(view.state, item)
        since = 0.0 if latest is None else elapsed(latest.at, now)
        rehearsed = latest is not None and latest.rehearsed
        told = progress_line(item, view.progress.get(item), since, rehearsed=rehearsed)
        text = f"> {cleaned_line(told, _SEEN)}"
        said.append(Line(text=text, style=paint.BUSY, hang="  "))
    return tuple(said)


def output_title(output: Output, *, follows: bool) -> str:
    """Whose output it is, and whether its end is kept in sight."""
    if not output.attempt:
        return f"OUTPUT of {output.item}: it has not been started"
    how = "following" if follows else "PAUSED, f follows"
    return f"OUTPUT of {output.item} ({output.attempt}.), {how}; l: pager"


def output_lines(output: Output) -> tuple[Line, ...]:
    """The end of what a command wrote; that there is more is said."""
    lines = [Line(text=line, verbatim=True) for line in output.lines]
    if output.is_part:
        more = f"(the last part of {bytes_text(output.size)}; the pager has all of it)"
        lines.insert(0, Line(text=more, style=paint.QUIET))
    return tuple(lines or [Line(text="It has written nothing yet." if output.attempt else "")])
