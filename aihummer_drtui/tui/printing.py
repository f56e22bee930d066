"""A step as plain text, for `p` and `c`: what a terminal can mark, and the file in which it lies."""

from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import AnsweredState, InputState, ObservedState
from aihummer_drtui.run.told_words import answer_text
from aihummer_drtui.run.words import checklist
from aihummer_drtui.runbook.model import CheckItem, CommandItem, InputItem
from aihummer_drtui.runbook.prose import plain_words, wrapped
from aihummer_drtui.tui.describing import item_lines
from aihummer_drtui.tui.place import Place, Showing
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.banner import now


def step_text(view: View, place: Place) -> str:
    """The step, its checklist, what is known of the selected item, and the output that is shown."""
    step = view.runbook.step(view.state.step)
    if step is None:
        return "No step is open yet."
    plain = {item.id: plain_words(item.text) for item in step.items}
    # A terminal breaks a long line within a word; a script and an output are left as they are.
    listed = (wrapped(line, rest="     ") for line in checklist(view.state, step, plain))
    lines = [f"Step: {plain_words(step.title)}", *listed]
    item = view.runbook.item(place.selected)
    if item is not None:
        told = item_lines(view.state, item, now())
        lines += ["", item.id]
        lines += [line.text if line.verbatim else wrapped(line.text, rest=line.hang) for line in told]
    if view.output is not None and view.output.attempt:
        folder = view.folder.attempt(view.output.item, view.output.attempt)
        lines += ["", f"Output of {view.output.item} ({folder / 'output'}):", *view.output.lines]
    return "\n".join(lines)


def copied_of(view: View, place: Place) -> tuple[str, str]:
    """What `c` copies: the output that is shown, else the selected command, answer or value; and its file."""
    journal = str(view.folder.journal)
    output = view.output
    if place.showing(view.state) is Showing.OUTPUT and output is not None and output.attempt:
        return "\n".join(output.lines), str(view.folder.attempt(output.item, output.attempt) / "output")
    match item := view.runbook.item(place.selected):
        case CommandItem():
            latest = latest_attempt(view.state, item.id)
            text_file = str(view.folder.path / "runbook")
            file = (
                text_file
                if latest is None or latest.rehearsed
                else str(view.folder.attempt(item.id, latest.number) / "script")
            )
            return item.script, file
        case CheckItem():
            known = view.state.items.get(item.id)
            match known:
                case ObservedState(observation=observation):
                    return observation.observed, journal
                case AnsweredState():
                    return answer_text(known), journal
                case _:
                    return plain_words(item.text), journal
        case InputItem():
            given = view.state.items.get(item.id)
            return (given.value if isinstance(given, InputState) else item.variable), journal
        case None:
            return str(view.folder.path), str(view.folder.path)
        case _:
            return plain_words(item.text), journal
