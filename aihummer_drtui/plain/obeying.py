"""What a verb does when it is typed: show something, ask something of the engine, run once more, or leave."""

from dataclasses import dataclass
from typing import TypeAlias

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.engine.session import Session
from aihummer_drtui.plain.asking import Question
from aihummer_drtui.plain.sets import set_lines
from aihummer_drtui.plain.tabletop import told_request
from aihummer_drtui.plain.telling import Teller
from aihummer_drtui.plain.verbs import (
    Spoken,
    Verb,
    command_meant,
    command_named,
    explained,
    request_of,
)
from aihummer_drtui.run.requests import Request
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.runbook.model import CommandItem


@dataclass(frozen=True, kw_only=True)
class Leave:
    """The operator goes."""


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """The operator wants to be asked once more to start a command."""

    command: CommandItem


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Something was shown or said; nothing else is to be done."""


Obeyed: TypeAlias = Leave | Rerun | Shown | Request


def obey(spoken: Spoken, question: Question, session: Session, teller: Teller, facts: Facts) -> Obeyed:
    """Show what the verb asks to be shown, or give what is to be done about it."""
    match spoken.verb:
        case Verb.QUIT:
            return Leave()
        case Verb.HELP:
            verbs = explained(tabletop=is_tabletop(session.state))
            return _said(f"Answers: {question.answers}.\n{verbs}", teller)
        case Verb.LIST | Verb.WHY:
            return _show_step(spoken, session, teller)
        case Verb.OUTPUT:
            return _show_output(spoken, question, session, teller)
        case Verb.SETS:
            teller.say(["  looking for what there is to recover from ..."])
            teller.say(set_lines(facts, session.runbook, session.state))
            return Shown()
        case Verb.RERUN:
            command = command_named(spoken, session.runbook)
            return _said(command, teller) if isinstance(command, str) else Rerun(command=command)
        case Verb.ANSWER | Verb.TELL:
            told = told_request(spoken, question.item, session.runbook)
            return _said(told, teller) if isinstance(told, str) else told
        case _:
            request = request_of(spoken, question.item, session.runbook, session.state)
            return _said(request, teller) if isinstance(request, str) else request


def _said(text: str, teller: Teller) -> Shown:
    teller.say([text])
    return Shown()


def _show_step(spoken: Spoken, session: Session, teller: Teller) -> Shown:
    if spoken.rest and session.runbook.step(spoken.rest) is None:
        known = ", ".join(step.id for step in session.runbook.steps)
        return _said(f"Type: {spoken.verb.word} STEP. The steps: {known}", teller)
    teller.show_step(spoken.rest, only_list=spoken.verb is Verb.LIST)
    return Shown()


def _show_output(spoken: Spoken, question: Question, session: Session, teller: Teller) -> Shown:
    command = command_meant(spoken, question.item, session.runbook, session.state)
    if isinstance(command, str):
        return _said(command, teller)
    teller.say(teller.output(command.id) or [f"  {command.id} has written nothing"])
    return Shown()
