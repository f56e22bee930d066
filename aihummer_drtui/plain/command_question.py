"""The questions about a command: start it, pass its gate, start it again, decide what became of it."""

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.errors import DrtuiError, ExitCode
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.plain.answers import AGAIN, OUTCOME, Answers
from aihummer_drtui.plain.asking import Parsed, Question
from aihummer_drtui.plain.verbs import Verb, also
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import requests as r
from aihummer_drtui.run import words
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import Lost, Outcome, Probed, RunState, Told
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.run.told_words import said_text, why_unknown
from aihummer_drtui.run.verdict import ProbeResult
from aihummer_drtui.runbook.model import CommandItem
from aihummer_drtui.runbook.prose import plain_words


def start(item: CommandItem, state: RunState, answers: Answers, facts: Facts) -> Question:
    """Offer a command exactly as it will run; an irreversible one has a gate."""
    if item.destructive:
        return _gate(item, state, answers, facts)
    return Question(
        item=item.id,
        lines=_command_lines(item, state),
        answers="start, or Enter",
        also=also(Verb.SKIP),
        parse=lambda text: _plain_start(item, text),
        beforehand=answers.by_item.get(item.id) or ("start" if answers.yes else None),
        hint="run with --yes, or answer in an answers file",
        example=f'"{item.id}" = "start"',
    )


def _plain_start(item: CommandItem, text: str) -> Parsed:
    if text.lower() in {"", "start", "y", "yes"}:
        return r.StartCommand(item=item.id)
    return "Type start, or press Enter, to start it."


def _gate(item: CommandItem, state: RunState, answers: Answers, facts: Facts) -> Question:
    lines = [
        *_command_lines(item, state),
        f"IRREVERSIBLE. It destroys: {item.destroys}",
        f"Undo: {item.undo}",
    ]
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
        if "/" not in text:
            return "This gate takes host and database, typed by hand as HOST/DATABASE; nothing was started."
        return r.StartCommand(item=item.id, confirmation=text)

    return Question(
        item=item.id,
        lines=tuple(lines),
        answers="the target's host and database, typed by hand as HOST/DATABASE",
        also=also(Verb.SKIP),
        parse=parse,
        beforehand=answers.by_item.get(item.id) or answers.confirm or None,
        hint="name the target on the command line",
        example=f"--confirm {wanted}",
    )


def _command_lines(item: CommandItem, state: RunState) -> tuple[str, ...]:
    estimate = f" It takes about {duration_text(item.estimate)}." if item.estimate else ""
    script = [f"    {line}" for line in item.script.strip().split("\n")]
    given = (f"  {line}" for line in words.given_lines(state, item))
    rehearsed = ("Nothing of it is executed: start it where you would start it now.",)
    return (
        f"COMMAND {item.id}: {plain_words(item.text)}{estimate}",
        *script,
        *given,
        *(rehearsed if is_tabletop(state) else ()),
        f"Expect: {item.expect}",
    )


def start_again(
    item: CommandItem, state: RunState, answers: Answers, output: list[str], facts: Facts
) -> Question:
    """A command failed: show its end, and offer it again. Nothing is run twice unless somebody says so.

    Said beforehand, it names the attempt, so that one word never starts a command over and over.
    """
    latest = latest_attempt(state, item.id)
    attempt = f"attempt {latest.number + 1 if latest is not None else 1}"
    end = latest.end if latest is not None else None
    how = words.ending(end) if isinstance(end, Outcome | Told) else "it did not pass"
    written = ("Its last lines:", *output) if output else ("It has written nothing.",)
    said = () if is_tabletop(state) else written
    again = start(item, state, Answers(), facts)
    lines = (f"FAILED {item.id}: {how}.", *said, "Mend the cause, then start it again.")
    gate = again.lines if item.destructive else ()

    def parse(text: str) -> Parsed:
        if not item.destructive and text.lower() != "again":
            return "Type again to start it once more; Enter alone starts nothing that has failed."
        return again.parse("start" if text.lower() == "again" and not item.destructive else text)

    return Question(
        item=item.id,
        about=attempt,
        lines=(*lines, *gate),
        answers=again.answers if item.destructive else "again, when the cause is mended",
        also=also(*(() if is_tabletop(state) else (Verb.OUTPUT,)), Verb.SKIP, Verb.OVERRIDE),
        parse=parse,
        beforehand=_again_beforehand(item, answers, attempt),
        without_answer=ExitCode.FAILED,
        hint=f"see why {item.id} failed and mend it; to start it once more, say so in an answers file",
        example=f'"{AGAIN}{item.id}" = "{attempt}"',
    )


def _again_beforehand(item: CommandItem, answers: Answers, attempt: str) -> str | None:
    if answers.by_item.get(AGAIN + item.id) != attempt:
        return None
    return (answers.by_item.get(item.id) or answers.confirm or None) if item.destructive else "again"


def resolve_unknown(item: CommandItem, state: RunState, answers: Answers) -> Question:
    """Nobody saw how a command ended: tell what the probe saw, and let a person decide."""
    latest = latest_attempt(state, item.id)
    lost = latest.end if latest is not None and isinstance(latest.end, Lost) else None
    probed = None if lost is None else lost.probed
    lines = [f"UNKNOWN OUTCOME of {item.id}: {plain_words(item.text)}"]
    if latest is not None and lost is not None:
        lines.append(f"  started {words.local_time(latest.at.wall)}, attempt {latest.number}")
        lines.append(f"  why unknown: {why_unknown(latest, lost)}")
    says = "the probe, as answered" if is_tabletop(state) else "the probe says"
    lines.append(
        f"  {says}: {probed.result}{said_text(probed.observed)}"
        if probed is not None
        else "  the probe has not answered yet"
    )
    lines.append("Nothing is run again by itself. Probe it again, or decide what it was: done, or not done.")
    return Question(
        item=item.id,
        lines=tuple(lines),
        answers="probe (or Enter), done REASON, not done REASON",
        also=also(Verb.OUTPUT),
        parse=lambda text: _settled(item, text, probed),
        beforehand=answers.by_item.get(OUTCOME + item.id),
        without_answer=ExitCode.UNKNOWN_OUTCOME,
        hint="decide it by hand, or (done or not done) in an answers file",
        example=f'"{OUTCOME}{item.id}" = "done REASON"',
    )


def _settled(item: CommandItem, text: str, probed: Probed | None) -> Parsed:
    """Read a decision. Against the probe, or without it, only with a reason in the operator's words."""
    for word, done, result in (
        ("not done", False, ProbeResult.NOT_DONE),
        ("done", True, ProbeResult.DONE),
    ):
        if text.lower() == word or text.lower().startswith(word + " "):
            agrees = probed is not None and probed.result is result
            reason = text[len(word) :].strip() or ("as the probe says" if agrees else "")
            if not reason:
                return f"The probe does not say so: give your reason, as: {word} REASON"
            return r.SettleOutcome(item=item.id, done=done, reason=reason)
    if text.lower() in {"", "probe"}:
        return r.ProbeOutcome(item=item.id)
    return "Type probe, done REASON, or not done REASON."
