"""Whole pieces of line mode's text: the greeting, a step, its checklist, the way out."""

from typing import Final

from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.foreign import cleaned_bytes, cleaned_line
from aihummer_drtui.plain.asking import Question
from aihummer_drtui.plain.console import WIDTH, Console
from aihummer_drtui.run import words
from aihummer_drtui.run.requests import Refused
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import Living, Outcome, RunState, Told
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import Runbook, Step
from aihummer_drtui.runbook.prose import plain_prose, plain_words

_OUTPUT_BYTES: Final = 4_096
_OUTPUT_LINES: Final = 20


def greet(console: Console, state: RunState, record_folder: str, come_back: str) -> None:
    """Say what this run is, on what, and whether it was begun before; of a tabletop, how one joins it."""
    declared = state.declared
    console.say(f"*** {words.BANNERS[declared.mode]} ***")
    console.say_filled(f"Target {cleaned_line(declared.target)}, run {declared.run}")
    console.say(f"Runbook {declared.runbook} {declared.runbook_version}")
    console.say(f"Incident since {words.local_time(declared.incident_at)}")
    console.say(f"The record lies in {record_folder}")
    tabletop = is_tabletop(state)
    if tabletop and isinstance(state.ending, Living):
        console.say_filled(
            "A facilitator joins from another terminal; what is told there is seen here, and the other way "
            "round:"
        )
        console.say(f"    {come_back}")
    if state.sittings_opened > 1 and isinstance(state.ending, Living):
        again = "What was told stays told." if tabletop else "Everything that had passed is looked at again."
        console.say_filled(f"This run was declared {words.local_time(state.declared_at.wall)}. {again}")


def show_step(
    console: Console, runbook: Runbook, state: RunState, step_id: str = "", *, brief: bool = False
) -> None:
    """Show a step, or the open one: its prose, its guidance, its checklist; `brief` leaves out the text."""
    step = runbook.step(step_id or state.step)
    if step is None:
        return
    number = runbook.steps.index(step) + 1
    console.say()
    console.say_filled(f"=== STEP {number} of {len(runbook.steps)}: {plain_words(step.title)} ===")
    if not brief:
        _show_text(console, step)
    show_checklist(console, runbook, state, step.id)


def _show_text(console: Console, step: Step) -> None:
    if step.prose:
        console.say(plain_prose(step.prose, width=WIDTH))
        console.say()
    guidance = (
        ("Why", step.why),
        ("Expect", step.expect),
        ("Time", step.time),
        ("Undo", step.undo),
        ("Call", step.call),
    )
    for name, text in guidance:
        if text:
            console.say_filled(f"{name}: {plain_words(text)}")


def show_checklist(console: Console, runbook: Runbook, state: RunState, step_id: str = "") -> None:
    """Show where every item of a step, or of the open one, stands."""
    step = runbook.step(step_id or state.step)
    if step is None:
        return
    console.say("Checklist:")
    plain = {item.id: plain_words(item.text) for item in step.items}
    for line in words.checklist(state, step, plain):
        console.say_filled(line)


def output_lines(attempt: Attempt | None) -> list[str]:
    """The last lines that a command wrote; none when it wrote nothing or never ran."""
    if attempt is None:
        return []
    text = cleaned_bytes(attempt.output_tail(_OUTPUT_BYTES)).rstrip("\n")
    return [f"  | {line}" for line in text.split("\n")[-_OUTPUT_LINES:]] if text else []


def caught_up_lines(before: RunState, after: RunState) -> list[str]:
    """How commands ended that were running when the view of the run was lost."""
    lines = []
    for item in before.running:
        latest = latest_attempt(after, item)
        if latest is not None and isinstance(latest.end, Outcome | Told):
            status = after.status(item)
            lines.append(f"  {words.GLYPHS[status]} {status}: {item}: {words.ending(latest.end)}")
    return lines


def unanswered_lines(question: Question, refused: Refused | None, come_back: str) -> list[str]:
    """Why a run stops without a person, what to give, and how to come back.

    Where an answer was given and refused, that is the reason and the hint.
    """
    hint = question.hint if refused is None else f"{refused.reason}: {refused.hint}"
    lines = [f"Nobody is there to answer for {question.item}, so the run waits.", f"HINT: {hint}"]
    if question.example and refused is None:
        lines[-1] += ":"
        lines.append(f"    {question.example}")
    return [*lines, "Then come back with:", f"    {come_back}"]


def leaving_lines(state: RunState, come_back: str) -> list[str]:
    """What goes on without the operator, and how to come back."""
    lines = [f"{item} goes on running; its end will be recorded." for item in state.executing]
    if isinstance(state.ending, Living):
        lines += ["The run stays as it is. Come back with:", f"    {come_back}"]
    return lines
