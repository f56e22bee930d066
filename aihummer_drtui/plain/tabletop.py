"""The questions of a tabletop exercise: what a check finds, how a command ended, what its probe sees.

Enter alone answers none of them, and nor does `--yes`: there is no default for what happened.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from aihummer_drtui.plain.answers import PROBED, TOLD, Answers
from aihummer_drtui.plain.asking import Parsed, Question
from aihummer_drtui.plain.verbs import Spoken, Verb, also
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import words
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import AnsweredState, RunState
from aihummer_drtui.run.tabletop import words_of
from aihummer_drtui.run.told_words import answer_text
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome
from aihummer_drtui.runbook.model import CheckItem, CommandItem, Runbook
from aihummer_drtui.runbook.prose import plain_words

T = TypeVar("T")
ANSWERS: Final = {"passed": Answer.PASSED, "failed": Answer.FAILED, "unproven": Answer.UNPROVEN}
OUTCOMES: Final = {
    "done": ToldOutcome.DONE,
    "failed": ToldOutcome.FAILED,
    "partly done": ToldOutcome.PARTLY,
    "partly": ToldOutcome.PARTLY,
    "unknown": ToldOutcome.UNKNOWN,
}
RESULTS: Final = {
    "done": ProbeResult.DONE,
    "not done": ProbeResult.NOT_DONE,
    "partial": ProbeResult.PARTIAL,
    "unknown": ProbeResult.UNKNOWN,
}
ANSWER_HOW: Final = "passed, failed or unproven, and in a few words what was said"
TELL_HOW: Final = (
    "done, failed, partly, or unknown (nobody saw how it ended); then `took 20m` if it is said how long it "
    "would have taken, and a few words"
)
_PROBE_HOW: Final = "done, not done, partial or unknown, and in a few words what was said"


def chosen(text: str, known: Mapping[str, T]) -> tuple[T, str] | None:
    """What a line begins with of the words that are known, and what follows; None when with none."""
    for word in sorted(known, key=len, reverse=True):
        begin, rest = text[: len(word)], text[len(word) :]
        if begin.lower() == word and (not rest or rest[0].isspace() or rest[0] in ":,;"):
            return known[word], rest.lstrip(" \t:,;")
    return None


def read_answer(item: str, text: str) -> Parsed:
    """`failed no room` as the answer of a check."""
    found = chosen(text, ANSWERS)
    if found is None:
        return f"Nothing is answered by itself. Type {ANSWER_HOW}."
    answer, said = found
    return r.AnswerCheck(item=item, answer=answer, said=said)


def read_outcome(item: str, text: str) -> Parsed:
    """`done took 20m all tables` as the end of a command."""
    found = chosen(text, OUTCOMES)
    if found is None:
        return f"Nothing is told by itself. Type {TELL_HOW}."
    outcome, rest = found
    spoken = words_of(rest)
    return r.TellOutcome(item=item, outcome=outcome, said=spoken.said, would_take=spoken.would_take)


def answer_it(item: CheckItem, state: RunState, answers: Answers) -> Question:
    """Ask what a check finds; while it is not green, what became of mending it."""
    known = state.items.get(item.id)
    lines = [f"CHECK {item.id}: {plain_words(item.text)}"]
    if isinstance(known, AnsweredState):
        fresh = "" if known.fresh else "before what happened since: "
        lines.append(f"  {words.GLYPHS[known.status]} {known.status}: {fresh}{answer_text(known)}")
    lines.append("Nobody looks. What does it find?")
    return Question(
        item=item.id,
        about="what it finds",
        lines=tuple(lines),
        answers=ANSWER_HOW,
        also=also(Verb.ANSWER, Verb.GIVE, Verb.RERUN, Verb.OVERRIDE, Verb.SKIP),
        parse=lambda text: read_answer(item.id, text),
        beforehand=answers.by_item.get(item.id),
        hint="say what the check finds, in an answers file",
        example=f'"{item.id}" = "passed"',
    )


def tell_end(item: CommandItem, state: RunState, answers: Answers) -> Question:
    """A command is rehearsed: ask how it ended."""
    latest = latest_attempt(state, item.id)
    number = 1 if latest is None else latest.number
    takes = f" By the runbook it takes {duration_text(item.estimate)}." if item.estimate else ""
    key = told_key(item.id, number)
    return Question(
        item=item.id,
        about=f"how attempt {number} ended",
        lines=(
            f"REHEARSED {item.id}: {plain_words(item.text)}",
            f"It would be running now; nothing is executed.{takes} How did it end?",
            f"Expect: {plain_words(item.expect)}",
        ),
        answers=TELL_HOW,
        also=also(Verb.ANSWER, Verb.NOTE, Verb.GO),
        parse=lambda text: read_outcome(item.id, text),
        beforehand=answers.by_item.get(key),
        hint="say how it ended, in an answers file",
        example=f'"{key}" = "done"',
    )


def told_key(item: str, attempt: int) -> str:
    """Under which name an answers file tells how an attempt ended."""
    return f"{TOLD}{item}" + ("" if attempt == 1 else f" attempt {attempt}")


def say_probe(item: CommandItem, state: RunState, answers: Answers) -> Question:
    """Nobody saw how a command ended: ask what its probe would see."""
    latest = latest_attempt(state, item.id)
    number = 1 if latest is None else latest.number
    return Question(
        item=item.id,
        about=f"what the probe of attempt {number} sees",
        lines=(
            f"UNKNOWN OUTCOME of {item.id}: {plain_words(item.text)}",
            "A real run would probe it now, by exactly this, which changes nothing:",
            *(f"    {line}" for line in item.probe.strip().split("\n")),
            "What does the probe see?",
        ),
        answers=_PROBE_HOW,
        also=also(Verb.NOTE),
        parse=lambda text: _read_probe(item.id, text),
        beforehand=answers.by_item.get(PROBED + item.id),
        hint="say what the probe sees, in an answers file",
        example=f'"{PROBED}{item.id}" = "not done"',
    )


def _read_probe(item: str, text: str) -> Parsed:
    found = chosen(text, RESULTS)
    if found is None:
        return f"Nothing is answered by itself. Type {_PROBE_HOW}."
    result, said = found
    return r.AnswerProbe(item=item, result=result, said=said)


def decide_told(item: CommandItem, asked: Question) -> Question:
    """The question for the decision, with a probe that is answered again instead of run again."""

    def parse(text: str) -> Parsed:
        word, _, rest = text.partition(" ")
        if not word or word.lower() == "probe":
            return _read_probe(item.id, rest) if rest else f"Type probe and {_PROBE_HOW}; or decide."
        return asked.parse(text)

    return replace(
        asked,
        about="what it counts as",
        answers="done REASON, not done REASON, or probe RESULT to answer the probe otherwise",
        also=also(Verb.NOTE),
        parse=parse,
    )


def told_request(spoken: Spoken, asked: str, runbook: Runbook) -> Parsed:
    """What `answer` and `tell` tell of the item that they name, or of the one that is asked about."""
    kind = CheckItem if spoken.verb is Verb.ANSWER else CommandItem
    items = [item for item in runbook.items if isinstance(item, kind)]
    word, _, rest = spoken.rest.partition(" ")
    named = [item for item in items if word in {item.id, item.id.partition("/")[2]}]
    if len(named) != 1:
        named, rest = [item for item in items if item.id == asked], spoken.rest
    how = ANSWER_HOW if spoken.verb is Verb.ANSWER else TELL_HOW
    if not named or not rest:
        what = "checks" if spoken.verb is Verb.ANSWER else "commands"
        names = ", ".join(item.id for item in items)
        return f"Type: {spoken.verb.typed}, with {how}. The {what}: {names}"
    read = read_answer if spoken.verb is Verb.ANSWER else read_outcome
    return read(named[0].id, rest.strip())
