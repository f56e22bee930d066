"""What a front end may ask of the engine: one line of JSON each, answered by one line of JSON."""

from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome

LONGEST_WORDS: Final = 4_000
"""Characters of a reason, a statement, a note or a value; what is longer is refused."""
LONGEST_NAME: Final = 200
"""Characters of an operator's, a host's or a front end's name; what is longer is cut."""


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="request", forbid_unknown_fields=True):
    """The common shape: the type's name in kebab case is the word on the socket."""


class Attach(_Request, frozen=True, kw_only=True, tag="attach"):
    """Open a sitting; it lasts as long as the connection."""

    operator: str
    host: str
    front_end: str


class ShowStep(_Request, frozen=True, kw_only=True, tag="show-step"):
    """Open a step: its checks are looked at from now on."""

    step: str


class LookAgain(_Request, frozen=True, kw_only=True, tag="look-again"):
    """Look at a check now."""

    item: str


class GiveInput(_Request, frozen=True, kw_only=True, tag="give-input"):
    """Answer an input. Never a secret."""

    item: str
    value: str


class Confirm(_Request, frozen=True, kw_only=True, tag="confirm"):
    """State what was seen."""

    item: str
    statement: str


class StartCommand(_Request, frozen=True, kw_only=True, tag="start-command"):
    """Start a command; an irreversible one needs the words of the gate."""

    item: str
    confirmation: str = ""


class StopCommand(_Request, frozen=True, kw_only=True, tag="stop-command"):
    """End a running command: TERM to its group, KILL after a grace."""

    item: str


class ProbeOutcome(_Request, frozen=True, kw_only=True, tag="probe-outcome"):
    """Run the read-only probe of a command whose outcome was lost."""

    item: str


class SettleOutcome(_Request, frozen=True, kw_only=True, tag="settle-outcome"):
    """Decide what a lost outcome was."""

    item: str
    done: bool
    reason: str


class AnswerCheck(_Request, frozen=True, kw_only=True, tag="answer-check"):
    """Tabletop: say what a check would find. It may be said again, otherwise."""

    item: str
    answer: Answer
    said: str = ""


class TellOutcome(_Request, frozen=True, kw_only=True, tag="tell-outcome"):
    """Tabletop: say how a command that was rehearsed would have ended."""

    item: str
    outcome: ToldOutcome
    said: str = ""
    would_take: float | None = None
    """Seconds; None = it is not said."""


class AnswerProbe(_Request, frozen=True, kw_only=True, tag="answer-probe"):
    """Tabletop: say what the probe of an unknown outcome would see."""

    item: str
    result: ProbeResult
    said: str = ""


class Skip(_Request, frozen=True, kw_only=True, tag="skip"):
    """Leave an item out; a deviation."""

    item: str
    reason: str


class Override(_Request, frozen=True, kw_only=True, tag="override"):
    """Go on although an item is not green; a deviation."""

    item: str
    reason: str


class WriteNote(_Request, frozen=True, kw_only=True, tag="write-note"):
    """Put a word on record."""

    text: str


class AcceptRunbook(_Request, frozen=True, kw_only=True, tag="accept-runbook"):
    """Go on with a runbook that was edited between sittings; a deviation."""

    text: str
    reason: str


class Finish(_Request, frozen=True, kw_only=True, tag="finish"):
    """End a run whose steps are all done."""


class Abandon(_Request, frozen=True, kw_only=True, tag="abandon"):
    """Give the run up."""

    reason: str


Request: TypeAlias = (
    Attach
    | ShowStep
    | LookAgain
    | GiveInput
    | Confirm
    | StartCommand
    | StopCommand
    | ProbeOutcome
    | SettleOutcome
    | AnswerCheck
    | TellOutcome
    | AnswerProbe
    | Skip
    | Override
    | WriteNote
    | AcceptRunbook
    | Finish
    | Abandon
)


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="reply", tag="accepted"):
    """The request was journalled; a front end that has folded up to `sequence` sees it."""

    sequence: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="reply", tag="refused"):
    """The request is not legal now; nothing happened."""

    reason: str
    hint: str


class Grew(msgspec.Struct, frozen=True, kw_only=True, tag_field="reply", tag="grew"):
    """Sent unasked to every attached front end: the journal has grown up to `sequence`."""

    sequence: int


Reply: TypeAlias = Accepted | Refused
Message: TypeAlias = Accepted | Refused | Grew
"""Everything an engine sends."""
