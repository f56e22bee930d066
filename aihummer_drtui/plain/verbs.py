"""Words that may be typed at any prompt, whatever it asks."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from aihummer_drtui.run import requests as r
from aihummer_drtui.runbook.model import CommandItem, InputItem, Runbook


class Verb(Enum):
    """One intent of the operator, with how it is typed and what it does."""

    LIST = ("list", "list", "show this step's checklist")
    WHY = ("why", "why", "show this step's text")
    OUTPUT = ("output", "output", "show the last lines a command wrote")
    NOTE = ("note", "note TEXT", "put a word on record")
    GO = ("go", "go STEP", "open another step")
    SKIP = ("skip", "skip REASON", "leave this item out (a deviation)")
    OVERRIDE = ("override", "override REASON", "go on although it is not green (a deviation)")
    GIVE = ("give", "give VARIABLE VALUE", "give a value of this run anew")
    RERUN = ("rerun", "rerun COMMAND", "be asked once more to start a command that has run")
    STOP = ("stop", "stop", "end the running command")
    ABANDON = ("abandon", "abandon REASON", "give the run up")
    HELP = ("help", "help", "explain the answers")
    QUIT = ("quit", "quit", "leave; the run stays and commands go on")

    def __init__(self, word: str, typed: str, does: str) -> None:
        self.word = word
        self.typed = typed
        self.does = does


EXPLAINED: Final = "\n".join(f"  {verb.typed}: {verb.does}" for verb in Verb)


def also(*verbs: Verb) -> str:
    """The verbs worth naming at a prompt; `help` names the rest."""
    return ", ".join(verb.typed for verb in (*verbs, Verb.HELP, Verb.QUIT))


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A verb with what was typed after it."""

    verb: Verb
    rest: str


def parse_verb(text: str) -> Spoken | None:
    """The verb a line begins with, or None when the line is an answer to the question."""
    word, _, rest = text.strip().partition(" ")
    if word == "?":
        word = Verb.HELP.word
    for verb in Verb:
        if word.lower() == verb.word:
            return Spoken(verb=verb, rest=rest.strip())
    return None


def request_of(spoken: Spoken, item: str, runbook: Runbook) -> r.Request | str:
    """The request that a verb makes about the item in question, or why it makes none."""
    match spoken.verb:
        case Verb.NOTE:
            return r.WriteNote(text=spoken.rest)
        case Verb.GO:
            return r.ShowStep(step=spoken.rest)
        case Verb.SKIP:
            return r.Skip(item=item, reason=spoken.rest)
        case Verb.OVERRIDE:
            return r.Override(item=item, reason=spoken.rest)
        case Verb.GIVE:
            return _given(spoken.rest, runbook)
        case Verb.STOP:
            return r.StopCommand(item=item)
        case Verb.ABANDON:
            return r.Abandon(reason=spoken.rest)
        case _:
            return f"{spoken.verb.word} asks nothing of the engine"


def _given(rest: str, runbook: Runbook) -> r.Request | str:
    variable, _, value = rest.partition(" ")
    inputs = {item.variable: item.id for item in runbook.items if isinstance(item, InputItem)}
    if variable not in inputs:
        names = ", ".join(inputs) or "there are none in this runbook"
        return f"Type: give VARIABLE VALUE. The variables: {names}"
    return r.GiveInput(item=inputs[variable], value=value.strip())


def command_named(spoken: Spoken, runbook: Runbook) -> CommandItem | str:
    """The command that `rerun` names, by its id or by its name alone, or what to say instead."""
    commands = [item for item in runbook.items if isinstance(item, CommandItem)]
    named = [item for item in commands if spoken.rest in {item.id, item.name}]
    if len(named) == 1:
        return named[0]
    return f"Type: rerun COMMAND. The commands: {', '.join(item.id for item in commands)}"
