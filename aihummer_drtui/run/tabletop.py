"""A tabletop exercise: nothing is executed and nothing is looked at; what would be seen is told.

Which requests belong to it, and to no other run; everything else is legal as in any run (`legal`).
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from aihummer_drtui.quantities import duration_text, parse_duration
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.requests import Refused
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.runbook.model import LONGEST_DURATION

_TOLD: Final = (e.CheckAnswered, e.CommandRehearsed, e.OutcomeTold, e.ProbeAnswered, e.LevelTold)
_SEEN: Final = (
    e.CheckObserved,
    e.CommandIntended,
    e.CommandStarted,
    e.CommandEnded,
    e.OutcomeLost,
    e.OutcomeProbed,
    e.LevelReached,
)
_TOOK: Final = re.compile(r"took\s+(?P<time>\S+)\s*(?P<said>.*)", re.IGNORECASE | re.DOTALL)
_TELL: Final = "say how it ended: `tell`"


@dataclass(frozen=True, kw_only=True)
class Words:
    """What somebody said of a command's end: their words, and how long it would have taken."""

    said: str
    would_take: float | None = None
    """Seconds; None = they did not say."""


def words_of(text: str) -> Words:
    """The words as they were typed: `took 20m the disk was slow` begins with a duration, others have none."""
    found = _TOOK.fullmatch(text.strip())
    seconds = None if found is None else parse_duration(found["time"])
    if found is None or seconds is None:
        return Words(said=text.strip())
    return Words(said=found["said"].strip(), would_take=seconds)


def is_tabletop(state: RunState) -> bool:
    """Whether nothing of this run is executed or looked at."""
    return state.declared.mode is e.Mode.TABLETOP


def belongs(what: e.Event, mode: e.Mode) -> bool:
    """Whether such an event can be one of a run of that mode.

    What was seen is none of a tabletop's, and what was told none of any other: neither counts as the other.
    """
    if isinstance(what, _TOLD):
        return mode is e.Mode.TABLETOP
    return mode is not e.Mode.TABLETOP or not isinstance(what, _SEEN)


def mode_refusal(state: RunState, request: r.Request) -> Refused | None:
    """Why the request means nothing in a run of this mode, or None."""
    match request:
        case r.LookAgain() if is_tabletop(state):
            return Refused(
                reason="a tabletop exercise looks at nothing", hint="say what the check finds: `answer`"
            )
        case r.ProbeOutcome() if is_tabletop(state):
            return Refused(
                reason="a tabletop exercise probes nothing", hint="say what the probe sees: `probe RESULT`"
            )
        case r.StopCommand() if is_tabletop(state):
            return Refused(
                reason="a tabletop exercise executes nothing, so nothing is to be stopped", hint=_TELL
            )
        case r.AnswerCheck() | r.TellOutcome() | r.AnswerProbe() if not is_tabletop(state):
            return Refused(
                reason=f"this is a {state.declared.mode} run: checks are looked at, commands are executed, "
                "and nothing is told instead",
                hint="for a talk about it begin a tabletop: `aihummer-drtui tabletop`",
            )
        case _:
            return None


def not_rehearsed(state: RunState, item_id: str) -> Refused | None:
    """Why nothing can be told of the command's end, or None."""
    if state.status(item_id) is Status.RUNNING:
        return None
    return Refused(
        reason=f"{item_id} is not under way, so it has no end that could be told",
        hint="start it first; of one that has ended, a check after it can be answered otherwise",
    )


def no_duration(seconds: float | None) -> Refused | None:
    """Why a command cannot have taken so long, or None."""
    if seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST_DURATION):
        return None
    longest = duration_text(LONGEST_DURATION)
    return Refused(reason="that is no duration", hint=f"at most {longest}, such as 1h 20m")


def under_way_hint(state: RunState) -> str:
    """What to do about a command that is under way, before something else can be done about it."""
    return _TELL if is_tabletop(state) else "wait for its end, or stop it first"
