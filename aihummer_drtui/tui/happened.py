"""The events of a run as lines, in their order: what a person needs of the journal to tell what happened."""

from collections.abc import Iterator

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import Moment
from aihummer_drtui.run.told_words import told_event
from aihummer_drtui.run.wall_clock import jump_lines
from aihummer_drtui.run.words import ending, local_time
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.pane import Line


def happened_lines(before: Moment | None, record: e.Record) -> Iterator[Line]:
    """What there is to tell of an event, and of the clock since the one `before`; nothing of most."""
    at = moment_of(record)
    wall = local_time(record.wall)
    for warning in () if before is None else jump_lines(before, at):
        yield Line(text=f"{wall}  {warning}", hang="    ", style=paint.DOUBT)
    told = _told(record.what)
    if told:
        by = "" if record.actor == e.ENGINE else f" ({cleaned_line(record.actor, 40)})"
        yield Line(text=f"{wall}  {told}{by}", hang="    ")


def moment_of(record: e.Record) -> Moment:
    """When it was journalled."""
    return Moment(boot_id=record.boot_id, boottime=record.boottime, wall=record.wall)


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
        case e.LockTaken(holder=holder, reason=reason):
            return f"taken over from {cleaned_line(holder, 200)}: {cleaned_line(reason, 200)}"
        case e.CheckAnswered() | e.CommandRehearsed() | e.OutcomeTold() | e.ProbeAnswered():
            return told_event(what)
        case e.LevelTold(level=level):
            return f"recovery level as told, not proven: {level}"
        case e.LevelReached(level=level):
            return f"recovery level: {level}"
        case e.RunFinished() | e.RunAbandoned():
            return "the run ended"
        case _:
            return ""
