"""The question that line mode puts for each suggestion: what is shown, and what each answer asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from aihummer_drtui.errors import DrtuiError, ExitCode
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.plain import words
from aihummer_drtui.plain.answers import OUTCOME, Answers
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.legal import latest_attempt
from aihummer_drtui.run.state import CheckState, Lost, Outcome, RunState
from aihummer_drtui.run.verdict import TargetIdentity
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem
from aihummer_drtui.runbook.prose import plain_words


class Facts(Protocol):
    """What the composition root knows about the target."""

    def suggestion(self, variable: str) -> str | None:
        """A likely value of an input, or None."""
        ...

    def identity(self) -> TargetIdentity:
        """What an irreversible command would act on. Raises DrtuiError."""
        ...


Parsed: TypeAlias = r.Request | str
"""A request, or what to tell the operator instead."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. `parse` reads an answer; `beforehand` is an answer that was given in advance."""

    item: str
    lines: tuple[str, ...]
    answers: str
    parse: Callable[[str], Parsed]
    beforehand: str | None = None
    may_change_by_itself: bool = False
    without_answer: ExitCode = ExitCode.PRECONDITION
    hint: str
    """What somebody who runs this without a person should give."""


def give_value(item: InputItem, answers: Answers, facts: Facts) -> Question:
    """Ask for a value; Enter takes the suggested one."""
    suggested = facts.suggestion(item.variable) or ""
    known = answers.by_item.get(item.id) or (suggested if answers.yes else None)
    offer = f" [{cleaned_line(suggested)}]" if suggested else ""
    return Question(
        item=item.id,
        lines=(f"INPUT {item.id}: {plain_words(item.text)}{offer}",),
        answers="a value" + (", or Enter for the one in brackets" if suggested else ""),
        parse=lambda text: (
            r.GiveInput(item=item.id, value=text or suggested) if text or suggested else "A value is needed."
        ),
        beforehand=known or None,
        hint=f'give `"{item.id}" = "…"` in an answers file',
    )


def state_it(item: ConfirmItem, answers: Answers) -> Question:
    """Ask a person to state what they saw."""

    def parse(text: str) -> Parsed:
        if text.lower() in {"", "y", "yes"}:
            return r.Confirm(item=item.id, statement="yes")
        return "If it is not so, mend it first, or type: skip REASON"

    return Question(
        item=item.id,
        lines=(f"CONFIRM {item.id}: {plain_words(item.text)}",),
        answers="yes, or Enter, when it is so",
        parse=parse,
        beforehand=answers.by_item.get(item.id) or ("yes" if answers.yes else None),
        hint=f'run with --yes, or give `"{item.id}" = "yes"` in an answers file',
    )


def mend_check(item: CheckItem, state: RunState) -> Question:
    """Tell what is not green; it is looked at again by itself, and on request."""
    known = state.items.get(item.id)
    lines = [f"NOT GREEN {item.id}: {plain_words(item.text)}"]
    if isinstance(known, CheckState):
        lines += words.observation_lines(item.id, words.status_word(state, item), known.observation)
    return Question(
        item=item.id,
        lines=tuple(lines),
        answers="Enter to look again (it is also looked at by itself)",
        parse=lambda text: r.LookAgain(item=item.id) if text.lower() in {"", "again"} else "Not an answer.",
        may_change_by_itself=True,
        without_answer=ExitCode.FAILED,
        hint="mend what the check names",
    )


def start(item: CommandItem, answers: Answers, facts: Facts) -> Question:
    """Offer a command exactly as it will run; an irreversible one has a gate."""
    if item.destructive:
        return _gate(item, answers, facts)
    return Question(
        item=item.id,
        lines=_command_lines(item),
        answers="start, or Enter",
        parse=lambda text: _plain_start(item, text),
        beforehand=answers.by_item.get(item.id) or ("start" if answers.yes else None),
        hint=f'run with --yes, or give `"{item.id}" = "start"` in an answers file',
    )


def _plain_start(item: CommandItem, text: str) -> Parsed:
    if text.lower() in {"", "start", "y", "yes"}:
        return r.StartCommand(item=item.id)
    return "Type start, or a word from the list above."


def _gate(item: CommandItem, answers: Answers, facts: Facts) -> Question:
    lines = [*_command_lines(item), f"IRREVERSIBLE. It destroys: {item.destroys}", f"Undo: {item.undo}"]
    try:
        identity = facts.identity()
    except DrtuiError as error:
        lines += [f"The target cannot be identified: {error.what}", f"HINT: {error.hint}"]
        wanted = "HOST/DATABASE"
    else:
        lines += ["It acts on:", f"  host {identity.host}, database {identity.database}"]
        lines += [f"  {cleaned_line(fact)}" for fact in identity.facts]
        wanted = identity.phrase

    def parse(text: str) -> Parsed:
        if not text:
            return "Enter does not pass this gate: type host and database by hand, as HOST/DATABASE."
        return r.StartCommand(item=item.id, confirmation=text)

    return Question(
        item=item.id,
        lines=tuple(lines),
        answers="the target's host and database, typed by hand as HOST/DATABASE",
        parse=parse,
        beforehand=answers.by_item.get(item.id) or answers.confirm or None,
        hint=f"name the target with --confirm {wanted}",
    )


def _command_lines(item: CommandItem) -> tuple[str, ...]:
    estimate = f" It takes about {duration_text(item.estimate)}." if item.estimate else ""
    script = [f"    {line}" for line in item.script.strip().split("\n")]
    return (f"COMMAND {item.id}: {plain_words(item.text)}{estimate}", *script, f"Expect: {item.expect}")


def start_again(item: CommandItem, state: RunState, output: list[str], facts: Facts) -> Question:
    """A command failed: show its end, and offer it again. Nothing is run twice unless somebody says so."""
    latest = latest_attempt(state, item.id)
    end = latest.end if latest is not None else None
    how = f"exit code {end.code}" if isinstance(end, Outcome) and end.kind == "exited" else "see below"
    again = start(item, Answers(), facts)
    lines = (f"FAILED {item.id} ({how}). Its last lines:", *output, "Mend the cause, then start it again.")
    gate = again.lines if item.destructive else ()

    def parse(text: str) -> Parsed:
        if not item.destructive and text.lower() != "again":
            return "Type again to start it once more."
        return again.parse("start" if text.lower() == "again" and not item.destructive else text)

    return Question(
        item=item.id,
        lines=(*lines, *gate),
        answers=again.answers if item.destructive else "again",
        parse=parse,
        without_answer=ExitCode.FAILED,
        hint=f"see why {item.id} failed and mend it",
    )


def resolve_unknown(item: CommandItem, state: RunState, answers: Answers) -> Question:
    """Nobody saw how a command ended: tell what the probe saw, and let a person decide."""
    latest = latest_attempt(state, item.id)
    lines = [f"UNKNOWN OUTCOME of {item.id}: {plain_words(item.text)}"]
    if latest is not None:
        lines.append(f"  started {words.local_time(latest.at.wall)}, attempt {latest.number}")
        if isinstance(latest.end, Lost):
            lines.append(f"  why unknown: {cleaned_line(latest.end.why, 400)}")
            probed = latest.end.probed
            lines.append(
                f"  the probe says: {probed.result}: {cleaned_line(probed.observed, 400)}"
                if probed is not None
                else "  the probe has not answered yet"
            )
    lines.append("Safe to do: probe again. Decide what it was; only a person does that.")

    def parse(text: str) -> Parsed:
        answer, reason = text.strip(), "as the probe says"
        for word, done in (("not done", False), ("done", True)):
            if answer.lower() == word or answer.lower().startswith(word + " "):
                reason = answer[len(word) :].strip() or reason
                return r.SettleOutcome(item=item.id, done=done, reason=reason)
        if answer.lower() in {"", "probe"}:
            return r.ProbeOutcome(item=item.id)
        return "Type probe, done REASON, or not done REASON."

    return Question(
        item=item.id,
        lines=tuple(lines),
        answers="probe (or Enter), done REASON, not done REASON",
        parse=parse,
        beforehand=answers.by_item.get(OUTCOME + item.id),
        without_answer=ExitCode.UNKNOWN_OUTCOME,
        hint=f'decide it by hand, or give `"{OUTCOME}{item.id}" = "done"` (or "not done") in an answers file',
    )


def while_running(item: CommandItem) -> Question:
    """What may be said while a command runs."""
    return Question(
        item=item.id,
        lines=(),
        answers="nothing is asked",
        parse=lambda _: f"{item.id} is running. You may type: stop, output, note TEXT, go STEP, quit.",
        hint="wait for its end",
    )


def question_of(
    suggestion: s.Suggestion, state: RunState, answers: Answers, facts: Facts, output: list[str]
) -> Question | None:
    """The question that a suggestion puts, or None for one that asks nothing of a person."""
    match suggestion:
        case s.ResolveUnknown(item=item):
            return resolve_unknown(item, state, answers)
        case s.GiveValue(item=given):
            return give_value(given, answers, facts)
        case s.StateIt(item=stated):
            return state_it(stated, answers)
        case s.MendCheck(item=check):
            return mend_check(check, state)
        case s.Start(item=item):
            return start(item, answers, facts)
        case s.StartAgain(item=item):
            return start_again(item, state, output, facts)
        case s.AwaitCommand(item=item):
            return while_running(item)
        case s.OpenStep() | s.AwaitCheck() | s.FinishRun() | s.NothingLeft():
            return None
