"""What a runbook is: Runbook > Step > Item. Read from Markdown by `reader`, judged by `lint`."""

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

LONGEST_DURATION: Final = 30 * 86_400.0
"""Seconds. Nothing in a recovery is planned, or told, to take longer than 30 days."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the runbook's text something stands; lines and columns count from 1."""

    line: int
    column: int = 1


class CheckItem(msgspec.Struct, frozen=True, kw_only=True, tag="check"):
    """Something the engine looks at and never changes."""

    id: str
    """`step/name`, unique in the runbook."""
    check: str
    text: str
    place: Place


class CommandItem(msgspec.Struct, frozen=True, kw_only=True, tag="command"):
    """Something that changes the world, exactly as a person could paste it."""

    id: str
    name: str
    text: str
    place: Place
    script: str
    """Text for `sh -eu`; values arrive as environment variables only."""
    time_out: float
    """Seconds after which it is ended."""
    estimate: float | None
    """Seconds it is expected to take."""
    expect: str
    """What a person sees when it went well."""
    probe: str
    """Read-only text for `sh -eu`: exit 0 done, 1 not done, 10 partial, anything else unknown."""
    destructive: bool
    destroys: str
    undo: str


class ConfirmItem(msgspec.Struct, frozen=True, kw_only=True, tag="confirm"):
    """Something a person states to have seen or done."""

    id: str
    text: str
    place: Place


class InputItem(msgspec.Struct, frozen=True, kw_only=True, tag="input"):
    """A value the run needs; commands see it as the environment variable of the same name."""

    id: str
    variable: str
    text: str
    place: Place


Item: TypeAlias = CheckItem | CommandItem | ConfirmItem | InputItem


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One screen: prose, then a checklist."""

    id: str
    title: str
    place: Place
    needs: tuple[str, ...]
    """Ids of the steps that must be done before a command of this one starts."""
    estimate: float | None
    prose: str
    """The operator's Markdown, without the guidance paragraphs and the checklist."""
    why: str
    expect: str
    time: str
    undo: str
    call: str
    """Whom to call."""
    items: tuple[Item, ...]


class RecoveryLevel(StrEnum):
    """How far a recovery has come; each level takes in the ones before it."""

    NONE = "none"
    UP = "up"
    SERVING = "serving"
    PROVEN = "proven"


class LevelProof(msgspec.Struct, frozen=True, kw_only=True):
    """The items that must all have passed before a level is reached."""

    level: RecoveryLevel
    items: tuple[str, ...]


class Runbook(msgspec.Struct, frozen=True, kw_only=True):
    """A whole runbook as it was read."""

    id: str
    title: str
    version: str
    owner: str
    reviewed: str
    """ISO date of the last review by a person."""
    rto: float
    """Seconds; the objective for the time to recovery."""
    rpo: float
    """Seconds; the objective for the loss of data."""
    levels: tuple[LevelProof, ...]
    """In rising order: up, serving, proven."""
    prose: str
    """What stands before the first step."""
    steps: tuple[Step, ...]
    sha256: str
    """Of the text it was read from."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Every item in reading order."""
        return tuple(item for step in self.steps for item in step.items)

    def step(self, step_id: str) -> Step | None:
        """The step of that id, or None."""
        return next((step for step in self.steps if step.id == step_id), None)

    def item(self, item_id: str) -> Item | None:
        """The item of that id, or None."""
        return next((item for item in self.items if item.id == item_id), None)

    def step_of(self, item_id: str) -> Step | None:
        """The step that holds the item, or None."""
        return self.step(item_id.partition("/")[0])


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a runbook's text."""

    place: Place
    what: str
    hint: str
