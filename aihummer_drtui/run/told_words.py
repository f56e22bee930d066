"""What is said of a tabletop: of all that was told it is said that it was told. Decides nothing."""

from typing import Final, assert_never

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import events as e
from aihummer_drtui.run.state import (
    AnsweredState,
    AttemptState,
    CommandState,
    ItemState,
    Lost,
    RunState,
    Told,
    Underway,
)
from aihummer_drtui.run.verdict import Answer, ToldOutcome
from aihummer_drtui.runbook.model import RecoveryLevel

NOTHING_PROVEN: Final = "tabletop: nothing was executed, nothing is proven"
_SIGNS: Final = {Answer.PASSED: "+", Answer.FAILED: "x", Answer.UNPROVEN: "~"}
_SAID: Final = 400
"""Characters of somebody's words that are shown."""


def told_mark(known: ItemState | None) -> str:
    """What stands beside a status that was told, in a word; nothing beside one that was seen."""
    match known:
        case AnsweredState():
            return "answered"
        case CommandState(attempts=(*_, AttemptState(rehearsed=True, end=Underway()))):
            return "rehearsed"
        case CommandState(attempts=(*_, AttemptState(rehearsed=True))):
            return "told"
        case _:
            return ""


def answer_text(known: AnsweredState) -> str:
    """What a check was said to find, and who said it."""
    return f"answered by {cleaned_line(known.by, 60)}: {known.answered}{said_text(known.said)}"


def told_ending(told: Told) -> str:
    """How a rehearsed command was said to have ended, and who said it."""
    took = "" if told.would_take is None else f"; it would have taken {duration_text(told.would_take)}"
    return f"told by {cleaned_line(told.by, 60)}: {told.told}{said_text(told.said)}{took}"


def why_unknown(attempt: AttemptState, lost: Lost) -> str:
    """Why nobody knows how an attempt ended."""
    if not attempt.rehearsed:
        return cleaned_line(lost.why, _SAID)
    return f"it was told so{said_text(lost.why)}"


def said_text(said: str) -> str:
    """Somebody's words behind what they answered; nothing when they gave none."""
    return f": {cleaned_line(said, _SAID)}" if said else ""


def told_event(what: e.CheckAnswered | e.OutcomeTold | e.ProbeAnswered | e.CommandRehearsed) -> str:
    """An event of a tabletop in a line, with its sign; who caused it is told by the record."""
    match what:
        case e.CheckAnswered(item=item, answer=answer, said=said):
            return f"{_SIGNS[answer]} {item}: answered: {answer}{said_text(said)}"
        case e.CommandRehearsed(item=item, attempt=attempt):
            return f"> {item}, attempt {attempt}, rehearsed: nothing is executed"
        case e.OutcomeTold(item=item, outcome=ToldOutcome.UNKNOWN, said=said):
            return f"? {item}: told: nobody saw how it ended{said_text(said)}"
        case e.OutcomeTold(item=item, outcome=outcome, said=said, would_take=seconds):
            took = "" if seconds is None else f"; it would have taken {duration_text(seconds)}"
            sign = "+" if outcome is ToldOutcome.DONE else "x"
            return f"{sign} {item}: told: {outcome}{said_text(said)}{took}"
        case e.ProbeAnswered(item=item, result=result, said=said):
            return f"? {item}: the probe, as answered: {result}{said_text(said)}"
        case _ as never:
            assert_never(never)


def level_text(state: RunState) -> str:
    """How far the recovery has come; of a tabletop only what was told, and that it proves nothing."""
    if state.declared.mode is not e.Mode.TABLETOP:
        return f"level {state.level}"
    told = state.told_level
    return NOTHING_PROVEN + ("" if told is RecoveryLevel.NONE else f" (level as told: {told})")
