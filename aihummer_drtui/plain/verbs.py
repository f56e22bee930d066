"""Words that may be typed at any prompt, whatever it asks."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from aihummer_drtui.plain.running import elsewhere
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.overlap import going_refused
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import CommandItem, InputItem, Runbook


class Verb(Enum):
    """One intent of the operator, with how it is typed and what it does."""

    LIST = ("list", "list [STEP]", "show the checklist of this step or another")
    WHY = ("why", "why [STEP]", "show its text too")
    OUTPUT = ("output", "output [COMMAND]", "show the last lines a command wrote")
    SETS = ("sets", "sets", "show what there is to recover from: database, blobs, key")
    NOTE = ("note", "note TEXT", "put a word on record")
    GO = ("go", "go [STEP]", "go on with another step whose needs are met; alone: where there is work")
    SKIP = ("skip", "skip REASON", "leave this item out (a deviation)")
    OVERRIDE = ("override", "override REASON", "go on although it is not green (a deviation)")
    GIVE = ("give", "give VARIABLE VALUE", "give a value of this run anew")
    RERUN = ("rerun", "rerun COMMAND", "be asked once more to start a command that has run")
    ANSWER = ("answer", "answer [CHECK] ANSWER WORDS", "say what a check finds: passed, failed or unproven")
    TELL = (
        "tell",
        "tell [COMMAND] END WORDS",
        "say how a command ended: done, failed, partly or unknown; `took 20m` may stand before the words",
    )
    STOP = ("stop", "stop [COMMAND]", "end the running command")
    ABANDON = ("abandon", "abandon REASON", "give the run up")
    HELP = ("help", "help", "explain the answers")
    QUIT = ("quit", "quit", "leave; the run stays and commands go on")

    def __init__(self, word: str, typed: str, does: str) -> None:
        self.word = word
        self.typed = typed
        self.does = does


_OF_A_TABLETOP: Final = frozenset({Verb.ANSWER, Verb.TELL})
_OF_OTHERS: Final = frozenset({Verb.OUTPUT, Verb.STOP})
"""What means nothing where nothing is executed."""


def verbs(*, tabletop: bool) -> tuple[Verb, ...]:
    """The verbs of a run of this mode."""
    without = _OF_OTHERS if tabletop else _OF_A_TABLETOP
    return tuple(verb for verb in Verb if verb not in without)


def explained(*, tabletop: bool) -> str:
    """What each verb does, a line each."""
    return "\n".join(f"  {verb.typed}: {verb.does}" for verb in verbs(tabletop=tabletop))


def also(*verbs: Verb) -> str:
    """The verbs worth naming at a prompt; `help` names the rest."""
    return ", ".join(verb.typed for verb in (*verbs, Verb.HELP, Verb.QUIT))


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A verb with what was typed after it."""

    verb: Verb
    rest: str


def parse_verb(text: str, *, tabletop: bool) -> Spoken | None:
    """The verb a line begins with, or None when the line is an answer to the question."""
    word, _, rest = text.strip().partition(" ")
    if word == "?":
        word = Verb.HELP.word
    for verb in verbs(tabletop=tabletop):
        if word.lower() == verb.word:
            return Spoken(verb=verb, rest=rest.strip())
    return None


def request_of(spoken: Spoken, item: str, runbook: Runbook, state: RunState) -> r.Request | str:
    """The request that a verb makes about the item in question, or why it makes none."""
    match spoken.verb:
        case Verb.NOTE:
            return r.WriteNote(text=spoken.rest)
        case Verb.GO:
            return _going(spoken.rest, runbook, state)
        case Verb.SKIP:
            return r.Skip(item=item, reason=spoken.rest)
        case Verb.OVERRIDE:
            return r.Override(item=item, reason=spoken.rest)
        case Verb.GIVE:
            return _given(spoken.rest, runbook)
        case Verb.STOP:
            command = command_meant(spoken, item, runbook, state)
            return command if isinstance(command, str) else r.StopCommand(item=command.id)
        case Verb.ABANDON:
            return r.Abandon(reason=spoken.rest)
        case _:
            return f"{spoken.verb.word} asks nothing of the engine"


def _going(step_id: str, runbook: Runbook, state: RunState) -> r.Request | str:
    if not step_id:
        step = elsewhere(runbook, state)
        return "There is nowhere else to go to now." if step is None else r.ShowStep(step=step.id)
    refused = going_refused(runbook, state, step_id)
    if refused is not None:
        return f"REFUSED: {refused.reason}\nHINT: {refused.hint}"
    return r.ShowStep(step=step_id)


def _given(rest: str, runbook: Runbook) -> r.Request | str:
    variable, _, value = rest.partition(" ")
    inputs = {item.variable: item.id for item in runbook.items if isinstance(item, InputItem)}
    if variable not in inputs:
        names = ", ".join(inputs) or "there are none in this runbook"
        return f"Type: give VARIABLE VALUE. The variables: {names}"
    return r.GiveInput(item=inputs[variable], value=value.strip())


def command_named(spoken: Spoken, runbook: Runbook) -> CommandItem | str:
    """The command that a verb names, by its id or by its name alone, or what to say instead."""
    commands = [item for item in runbook.items if isinstance(item, CommandItem)]
    named = [item for item in commands if spoken.rest in {item.id, item.name}]
    if len(named) == 1:
        return named[0]
    word = spoken.verb.word
    return f"Type: {word} COMMAND. The commands: {', '.join(item.id for item in commands)}"


def command_meant(spoken: Spoken, item: str, runbook: Runbook, state: RunState) -> CommandItem | str:
    """The command that `output` or `stop` is about: the one named, else the one in question or running.

    Where several run, none of them is stopped without its name.
    """
    if spoken.rest:
        return command_named(spoken, runbook)
    asked = runbook.item(item)
    if spoken.verb is Verb.OUTPUT and isinstance(asked, CommandItem) and latest_attempt(state, item):
        return asked
    if len(state.running) == 1:
        return command_named(Spoken(verb=spoken.verb, rest=state.running[0]), runbook)
    if state.running:
        return f"Type: {spoken.verb.word} COMMAND. Running: {', '.join(state.running)}"
    return f"Nothing is running. To name a command, type: {spoken.verb.word} COMMAND"
