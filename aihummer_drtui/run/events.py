"""What can happen in a run. The journal holds these, in order, and nothing else is the truth."""

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from aihummer_drtui.run.verdict import Answer, Observation, ProbeResult, ToldOutcome
from aihummer_drtui.runbook.model import RecoveryLevel

ENGINE: Final = "engine"
"""The actor of what the engine records of itself; no operator is called that."""
NOTHING_TO_DO: Final = "nothing to do and nobody attached"
"""The reason of an engine that nobody asked to end."""


class Mode(StrEnum):
    """What a run is for. A drill or training run touches the sandbox only, a real run never does."""

    REAL = "real"
    DRILL = "drill"
    TABLETOP = "tabletop"
    TRAINING = "training"


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", forbid_unknown_fields=True):
    """The common shape: the type's name in kebab case is the word in the journal."""


class RunDeclared(_Event, frozen=True, kw_only=True, tag="run-declared"):
    """The first event of every journal."""

    run: str
    mode: Mode
    target: str
    """The target's name, for people."""
    target_key: str
    """What makes two runs act on the same target."""
    runbook: str
    runbook_version: str
    runbook_sha256: str
    runbook_source: str
    """The file it was read from; empty = the one that ships with the program."""
    incident_at: str
    """ISO 8601 with zone; when the operator says the outage began."""
    program_version: str


class SittingOpened(_Event, frozen=True, kw_only=True, tag="sitting-opened"):
    """An operator attached. Every check that had passed is to be looked at again."""

    sitting: str
    operator: str
    host: str
    front_end: str


class SittingClosed(_Event, frozen=True, kw_only=True, tag="sitting-closed"):
    """An operator left, or the connection was lost."""

    sitting: str
    reason: str


class EngineStarted(_Event, frozen=True, kw_only=True, tag="engine-started"):
    """A new engine process took up the journal."""

    pid: int
    start_ticks: int


class EngineStopped(_Event, frozen=True, kw_only=True, tag="engine-stopped"):
    """The engine ended by itself. An engine that was killed leaves no such event."""

    reason: str


class JournalRepaired(_Event, frozen=True, kw_only=True, tag="journal-repaired"):
    """A torn last record was cut off after a copy was kept."""

    bytes_cut: int
    copy: str


class LockTaken(_Event, frozen=True, kw_only=True, tag="lock-taken"):
    """The run was taken over from a holder that stood still, by an operator who typed its lock's id."""

    holder: str
    reason: str


class RunbookAccepted(_Event, frozen=True, kw_only=True, tag="runbook-accepted"):
    """The operator accepted a runbook that was edited between sittings. A deviation."""

    sha256: str
    difference: str
    reason: str


class StepShown(_Event, frozen=True, kw_only=True, tag="step-shown"):
    """An operator opened a step."""

    step: str


class CheckObserved(_Event, frozen=True, kw_only=True, tag="check-observed"):
    """A look whose answer is new, or is due to be recorded again."""

    item: str
    observation: Observation
    costly: bool = False
    """Whether such a look takes minutes or hours: it stands until it is seen anew, where others do not."""


class ItemConfirmed(_Event, frozen=True, kw_only=True, tag="item-confirmed"):
    """A person stated what they saw."""

    item: str
    statement: str


class InputGiven(_Event, frozen=True, kw_only=True, tag="input-given"):
    """A value the run needs. Never a secret."""

    item: str
    variable: str
    value: str
    outdates: tuple[str, ...] = ()
    """Statements that come after it (`outdating.stated_after`): they were made with another value in view."""


class CommandIntended(_Event, frozen=True, kw_only=True, tag="command-intended"):
    """Durable before anything starts. Without an outcome it means: unknown."""

    item: str
    attempt: int
    """Counts from 1 for each command."""
    script: str
    values: dict[str, str]
    """The environment variables the command is given; never a secret."""
    outdates: tuple[str, ...] = ()
    """Items that come after it (`outdating.outdated_by`): what was seen of them before no longer counts."""
    rests_on: tuple[str, ...] = ()
    """Checks that came before it (`outdating.rests_on`): once it ran well they have served."""


class CommandStarted(_Event, frozen=True, kw_only=True, tag="command-started"):
    """The process of a command was seen alive; which one it is stays certain across reboots."""

    item: str
    attempt: int
    pid: int
    start_ticks: int
    boot_id: str


class EndKind(StrEnum):
    """How a process ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    TIMED_OUT = "timed out"
    STOPPED = "stopped"
    """By the operator's request."""
    NOT_STARTED = "not started"
    """The program could not be executed; nothing happened."""


class CommandEnded(_Event, frozen=True, kw_only=True, tag="command-ended"):
    """The true end of a command, as its supervisor stored it."""

    item: str
    attempt: int
    kind: EndKind
    code: int
    """Exit code for `exited`, signal number otherwise, errno for `not started`."""
    took: float
    """Seconds."""


class OutcomeLost(_Event, frozen=True, kw_only=True, tag="outcome-lost"):
    """A command was intended and nobody saw how it ended."""

    item: str
    attempt: int
    why: str


class OutcomeProbed(_Event, frozen=True, kw_only=True, tag="outcome-probed"):
    """What the read-only probe of a lost outcome saw."""

    item: str
    attempt: int
    result: ProbeResult
    observed: str


class OutcomeSettled(_Event, frozen=True, kw_only=True, tag="outcome-settled"):
    """The operator decided what a lost outcome was, after the probe."""

    item: str
    attempt: int
    done: bool
    reason: str


class CheckAnswered(_Event, frozen=True, kw_only=True, tag="check-answered"):
    """Tabletop: somebody said what a check would find. Nobody looked, so it proves nothing."""

    item: str
    answer: Answer
    said: str
    """In their words; may be empty."""


class CommandRehearsed(_Event, frozen=True, kw_only=True, tag="command-rehearsed"):
    """Tabletop: the operator would start the command now. Nothing was started."""

    item: str
    attempt: int
    """Counts from 1 for each command."""
    script: str
    values: dict[str, str]
    """The environment variables the command would be given; never a secret."""
    outdates: tuple[str, ...] = ()
    """As in `CommandIntended`."""


class OutcomeTold(_Event, frozen=True, kw_only=True, tag="outcome-told"):
    """Tabletop: somebody said how a rehearsed command would have ended."""

    item: str
    attempt: int
    outcome: ToldOutcome
    said: str
    """In their words; may be empty."""
    would_take: float | None = None
    """Seconds that it would have taken; None = nobody said."""


class ProbeAnswered(_Event, frozen=True, kw_only=True, tag="probe-answered"):
    """Tabletop: somebody said what the probe of an unknown outcome would see."""

    item: str
    attempt: int
    result: ProbeResult
    said: str
    """In their words; may be empty."""


class LevelTold(_Event, frozen=True, kw_only=True, tag="level-told"):
    """Tabletop: the level that there would be, if all that was told were so, has changed."""

    level: RecoveryLevel


class ItemSkipped(_Event, frozen=True, kw_only=True, tag="item-skipped"):
    """A deviation: the item was left out."""

    item: str
    reason: str


class ItemOverridden(_Event, frozen=True, kw_only=True, tag="item-overridden"):
    """A deviation: the operator goes on although the item is not green."""

    item: str
    reason: str


class NoteWritten(_Event, frozen=True, kw_only=True, tag="note-written"):
    """A word of the operator for the record."""

    text: str


class LevelReached(_Event, frozen=True, kw_only=True, tag="level-reached"):
    """The recovery level that what was seen supports has changed, up or down."""

    level: RecoveryLevel


class RunFinished(_Event, frozen=True, kw_only=True, tag="run-finished"):
    """The last event of a run that came to its end."""

    level: RecoveryLevel
    with_exceptions: bool
    unproven: tuple[str, ...]
    """Items that nobody could prove here."""


class RunAbandoned(_Event, frozen=True, kw_only=True, tag="run-abandoned"):
    """The last event of a run that was given up."""

    reason: str


Event: TypeAlias = (
    RunDeclared
    | SittingOpened
    | SittingClosed
    | EngineStarted
    | EngineStopped
    | JournalRepaired
    | LockTaken
    | RunbookAccepted
    | StepShown
    | CheckObserved
    | ItemConfirmed
    | InputGiven
    | CommandIntended
    | CommandStarted
    | CommandEnded
    | OutcomeLost
    | OutcomeProbed
    | OutcomeSettled
    | CheckAnswered
    | CommandRehearsed
    | OutcomeTold
    | ProbeAnswered
    | LevelTold
    | ItemSkipped
    | ItemOverridden
    | NoteWritten
    | LevelReached
    | RunFinished
    | RunAbandoned
)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event as the journal keeps it. Order is by `sequence`; wall time is only a label."""

    version: int
    sequence: int
    """Counts from 1 without a gap."""
    previous: str
    """SHA-256 of the previous record's JSON; 64 zeros for the first."""
    boot_id: str
    boottime: float
    """Seconds of CLOCK_BOOTTIME: comparable within one boot, goes on during suspend."""
    wall: str
    """ISO 8601, UTC."""
    actor: str
    """Who caused it: an operator's name, or `engine`."""
    what: Event
