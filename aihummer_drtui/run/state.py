"""The state of a run: what the journal's events fold to. Everything a front end shows comes from here."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from aihummer_drtui.run.events import EndKind, RunDeclared
from aihummer_drtui.run.verdict import Answer, Observation, ProbeResult, ToldOutcome
from aihummer_drtui.runbook.model import RecoveryLevel


class Status(StrEnum):
    """Where an item stands."""

    PENDING = "pending"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """Started, outcome never recorded; or a look that came to no answer."""
    UNPROVEN = "unproven"
    DRIFTED = "drifted"
    """Passed once, no longer true."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A point in time as the journal knows it."""

    boot_id: str
    boottime: float
    wall: str


class Deviation(msgspec.Struct, frozen=True, kw_only=True):
    """A departure from the runbook, with the operator's reason."""

    what: str
    item: str
    """The item's id, or empty where the run as a whole is meant."""
    reason: str
    actor: str
    at: Moment
    stood: Status = Status.PENDING
    """Where the item stood when the operator departed from it: what the reason was given for."""


class CheckState(msgspec.Struct, frozen=True, kw_only=True):
    """A check of which something is known: an `ObservedState` or an `AnsweredState`."""

    status: Status
    at: Moment
    passed_once: bool
    fresh: bool
    """False when it is out of date and has to be repeated before it counts: it is of an earlier sitting (a
    look only, and of a costly one only where the host was restarted since), with other values, or from before
    the end of a command that this check comes after."""
    deviation: Deviation | None = None


class ObservedState(CheckState, frozen=True, kw_only=True):
    """A check that was looked at."""

    observation: Observation
    costly: bool = False
    """Whether a look takes minutes or hours; see `fresh`."""


class AnsweredState(CheckState, frozen=True, kw_only=True):
    """A check of a tabletop: somebody said what it would find, and nobody looked."""

    answered: Answer
    said: str
    by: str
    """Who said it."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended, as its supervisor stored it."""

    kind: EndKind
    code: int
    took: float


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe of a lost outcome saw."""

    result: ProbeResult
    observed: str


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody saw how the attempt ended."""

    why: str
    probed: Probed | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The operator decided what a lost outcome was."""

    done: bool
    reason: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody said how a rehearsed attempt would have ended; nothing was executed."""

    told: ToldOutcome
    said: str
    by: str
    """Who said it."""
    at: Moment
    would_take: float | None
    """Seconds that it would have taken; None = nobody said."""


class Underway(msgspec.Struct, frozen=True, kw_only=True):
    """Intended, perhaps started; not ended as far as the journal knows."""

    pid: int
    """0 until the process was seen."""


AttemptEnd: TypeAlias = Underway | Outcome | Lost | Settled | Told


class AttemptState(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a command."""

    number: int
    at: Moment
    script: str
    end: AttemptEnd
    values: Mapping[str, str] = MappingProxyType({})
    """The environment variables it was given."""
    outdates: tuple[str, ...] = ()
    """Items of which nothing is known any more once it ran."""
    rests_on: tuple[str, ...] = ()
    """Checks that have served once it ran well: what they saw may well be otherwise now."""
    rehearsed: bool = False
    """A tabletop's: nothing was executed, and what is known of its end was told."""


class CommandState(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was intended at least once, or skipped."""

    status: Status
    attempts: tuple[AttemptState, ...]
    deviation: Deviation | None = None


class ConfirmState(msgspec.Struct, frozen=True, kw_only=True):
    """A person's statement."""

    status: Status
    statement: str
    at: Moment
    deviation: Deviation | None = None


class InputState(msgspec.Struct, frozen=True, kw_only=True):
    """A value that was given."""

    status: Status
    variable: str
    value: str
    at: Moment
    deviation: Deviation | None = None


class LeftOutState(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was skipped or overridden before anything was seen of it."""

    status: Status
    deviation: Deviation


ItemState: TypeAlias = ObservedState | AnsweredState | CommandState | ConfirmState | InputState | LeftOutState


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """One attachment of an operator."""

    id: str
    operator: str
    host: str
    front_end: str
    opened: Moment


class LevelMoment(msgspec.Struct, frozen=True, kw_only=True):
    """When a recovery level was reached first."""

    level: RecoveryLevel
    at: Moment


class Living(msgspec.Struct, frozen=True, kw_only=True):
    """The run goes on."""


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The run came to its end."""

    level: RecoveryLevel
    with_exceptions: bool
    unproven: tuple[str, ...]
    at: Moment


class Abandoned(msgspec.Struct, frozen=True, kw_only=True):
    """The run was given up."""

    reason: str
    at: Moment


Ending: TypeAlias = Living | Finished | Abandoned


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run at one sequence number."""

    declared: RunDeclared
    declared_at: Moment
    declared_by: str
    sequence: int
    latest: Moment
    runbook_sha256: str
    """Of the text in force: the declared one, or the one accepted last."""
    items: Mapping[str, ItemState] = MappingProxyType({})
    step: str = ""
    """The step shown last; empty before the first."""
    calling: tuple[str, ...] = ()
    """Commands that failed while another step was shown, and since then no step was opened."""
    sittings: tuple[Sitting, ...] = ()
    """Those open now."""
    sittings_opened: int = 0
    deviations: tuple[Deviation, ...] = ()
    level: RecoveryLevel = RecoveryLevel.NONE
    reached: tuple[LevelMoment, ...] = ()
    told_level: RecoveryLevel = RecoveryLevel.NONE
    """Tabletop: the level there would be, if all that was told were so. Nothing of it is proven."""
    told_reached: tuple[LevelMoment, ...] = ()
    first_command: Moment | None = None
    ending: Ending = Living()

    def status(self, item: str) -> Status:
        """Where the item stands; `pending` for one that nothing happened to."""
        state = self.items.get(item)
        return Status.PENDING if state is None else state.status

    @property
    def running(self) -> tuple[str, ...]:
        """Commands that are running as far as the journal knows, or are rehearsed as if they were."""
        return tuple(item for item, state in self.items.items() if state.status is Status.RUNNING)

    @property
    def executing(self) -> tuple[str, ...]:
        """Commands that are running as far as the journal knows: none of a tabletop ever is."""
        return tuple(item for item in self.running if not self.rehearsed(item))

    def rehearsed(self, item: str) -> bool:
        """Whether the command's latest attempt is a tabletop's: nothing of it was executed."""
        known = self.items.get(item)
        return isinstance(known, CommandState) and bool(known.attempts) and known.attempts[-1].rehearsed

    @property
    def lost(self) -> tuple[str, ...]:
        """Commands whose outcome nobody saw and nobody decided."""
        return tuple(
            item
            for item, state in self.items.items()
            if isinstance(state, CommandState) and state.status is Status.UNKNOWN
        )

    @property
    def values(self) -> dict[str, str]:
        """Inputs by variable; where two items give the same one, what was given last."""
        return {state.variable: state.value for state in self.items.values() if isinstance(state, InputState)}


def with_item(state: RunState, item: str, item_state: ItemState) -> RunState:
    """Give the state in which that one item stands otherwise."""
    return replace(state, items=MappingProxyType({**state.items, item: item_state}))
