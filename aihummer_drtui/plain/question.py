"""The question that line mode puts for each suggestion: what is shown, and what each answer asks for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.errors import DrtuiError, ExitCode
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.plain.answers import Answers
from aihummer_drtui.plain.asking import Parsed, Question
from aihummer_drtui.plain.command_question import resolve_unknown, start, start_again
from aihummer_drtui.plain.tabletop import answer_it, decide_told, say_probe, tell_end
from aihummer_drtui.plain.verbs import Verb, also
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run import words
from aihummer_drtui.run.recovery_set import BACKUP_SET, RECOVERY_POINT
from aihummer_drtui.run.state import ObservedState, RunState
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.run.verdict import Choice
from aihummer_drtui.runbook.model import CheckItem, CommandItem, ConfirmItem, InputItem, Item, Step
from aihummer_drtui.runbook.prose import plain_words


def give_value(item: InputItem, answers: Answers, facts: Facts) -> Question:
    """Ask for a value; Enter takes the suggested one, a number one of the choices.

    What there is to choose from may not be seen: then that is told, and the value is typed.
    """
    suggested = facts.suggestion(item.variable) or ""
    known = answers.by_item.get(item.id) or (suggested if answers.yes else None)
    choices, unseen = ((), ()) if known else _choices(item, facts)
    offer = f" [{cleaned_line(suggested)}]" if suggested else ""

    def parse(text: str) -> Parsed:
        if text.isdecimal() and choices:
            number = int(text)
            if not 1 <= number <= len(choices):
                return f"There are {len(choices)} to choose from: 1 to {len(choices)}, or type the value."
            return r.GiveInput(item=item.id, value=choices[number - 1].value)
        value = text or suggested
        return r.GiveInput(item=item.id, value=value) if value else "A value is needed."

    kinds = ("a value", *(("a number of the list",) if choices else ()))
    return Question(
        item=item.id,
        lines=(f"INPUT {item.id}: {plain_words(item.text)}{offer}", *_choice_lines(choices), *unseen),
        answers=" or ".join(kinds) + (", or Enter for the one in brackets" if suggested else ""),
        also=also(*((Verb.SETS,) if item.variable in {BACKUP_SET, RECOVERY_POINT} else ()), Verb.SKIP),
        parse=parse,
        beforehand=known or None,
        hint="give the value in an answers file",
        example=f'"{item.id}" = "VALUE"',
    )


def _choices(item: InputItem, facts: Facts) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    """What there is to choose from, else the lines that say why that cannot be seen."""
    try:
        return facts.choices(item.variable), ()
    except DrtuiError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        return (), (f"What there is to choose from cannot be seen: {what}", f"HINT: {error.hint}")


def _choice_lines(choices: tuple[Choice, ...]) -> Iterator[str]:
    for number, choice in enumerate(choices, start=1):
        yield f"  {number}. {cleaned_line(choice.value, 300)}"
        yield from (f"   - {cleaned_line(line, 300)}" for line in choice.told)


def state_it(item: ConfirmItem, answers: Answers) -> Question:
    """Ask a person to state what they saw."""

    def parse(text: str) -> Parsed:
        if text.lower() in {"", "y", "yes"}:
            return r.Confirm(item=item.id, statement="yes")
        return "If it is not so, mend it first and then answer yes, or type: skip REASON"

    return Question(
        item=item.id,
        lines=(f"CONFIRM {item.id}: {plain_words(item.text)}",),
        answers="yes, or Enter, when it is so",
        also=also(Verb.SKIP),
        parse=parse,
        beforehand=answers.by_item.get(item.id) or ("yes" if answers.yes else None),
        hint="run with --yes, or answer in an answers file",
        example=f'"{item.id}" = "yes"',
    )


def mend_check(item: CheckItem, state: RunState, answers: Answers) -> Question:
    """Tell what is not green; it is looked at again by itself, and on request."""
    known = state.items.get(item.id)
    lines = [f"NOT GREEN {item.id}: {plain_words(item.text)}"]
    if isinstance(known, ObservedState):
        lines += words.observation_lines(item.id, words.status_word(state, item), known.observation)
    return Question(
        item=item.id,
        lines=tuple(lines),
        answers="again, or Enter, to look again when it is mended (it is also looked at by itself)",
        also=also(Verb.GIVE, Verb.RERUN, Verb.OVERRIDE, Verb.SKIP),
        parse=lambda text: (
            r.LookAgain(item=item.id)
            if text.lower() in {"", "again"}
            else "Mend what the check names, then press Enter; or correct a value: give VARIABLE VALUE; "
            "or type: override REASON"
        ),
        beforehand=answers.by_item.get(item.id),
        may_change_by_itself=True,
        without_answer=ExitCode.FAILED,
        hint="mend what the check names, or go on over it in an answers file",
        example=f'"{item.id}" = "override REASON"',
    )


def while_waiting(item: Item, what: str) -> Question:
    """What may be said while something is waited for."""
    return Question(
        item=item.id,
        lines=(f"{item.id} is {what}.",),
        answers="nothing is asked now",
        also=also(Verb.STOP, Verb.OUTPUT, Verb.NOTE, Verb.GO),
        parse=lambda _: (
            f"{item.id} is {what}; nothing is asked now. You may type: stop, output, note TEXT, quit"
        ),
        hint="wait for its end",
    )


def work_meanwhile(item: CommandItem, step: Step) -> Question:
    """What may be said while a command runs and another step can be gone on with."""
    waiting = while_waiting(item, "running")
    return replace(
        waiting,
        answers=f"Enter, to go on with step {step.id} meanwhile",
        parse=lambda text: r.ShowStep(step=step.id) if not text else waiting.parse(text),
    )


def question_of(
    suggestion: s.Suggestion, state: RunState, answers: Answers, facts: Facts, output: list[str]
) -> Question | None:
    """The question that a suggestion puts, or None for one that asks nothing of a person."""
    match suggestion:
        case s.SayProbe() | s.AnswerIt() | s.TellEnd():
            return _tabletop_question(suggestion, state, answers)
        case s.ResolveUnknown(item=item):
            asked = resolve_unknown(item, state, answers)
            return decide_told(item, asked) if is_tabletop(state) else asked
        case s.GiveValue(item=given):
            return give_value(given, answers, facts)
        case s.StateIt(item=stated):
            return state_it(stated, answers)
        case s.MendCheck(item=check):
            return mend_check(check, state, answers)
        case s.Start(item=item):
            return start(item, state, answers, facts)
        case s.StartAgain(item=item):
            return start_again(item, state, answers, output, facts)
        case s.AwaitCommand(item=item):
            return while_waiting(item, "running")
        case s.WorkMeanwhile(item=item, step=step):
            return work_meanwhile(item, step)
        case s.AwaitCheck(item=check):
            return while_waiting(check, "being looked at")
        case s.OpenStep() | s.FinishRun() | s.NothingLeft():
            return None


def _tabletop_question(
    suggestion: s.SayProbe | s.AnswerIt | s.TellEnd, state: RunState, answers: Answers
) -> Question:
    match suggestion:
        case s.SayProbe(item=item):
            return say_probe(item, state, answers)
        case s.AnswerIt(item=check):
            return answer_it(check, state, answers)
        case s.TellEnd(item=item):
            return tell_end(item, state, answers)
        case _ as never:
            assert_never(never)
