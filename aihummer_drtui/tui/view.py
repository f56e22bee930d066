"""What the screens show: a run as far as its journal was read, what its commands do now, the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import Runbook


class Connection(Enum):
    """How it stands with the engine, in a word that fits the banner."""

    LIVE = "engine ok"
    SLOW = "JOURNAL SLOW"
    """The disk takes more than a second to store a record; nothing goes on before it has."""
    STARTING = "ENGINE STARTING"
    LOST = "NO ENGINE"


@dataclass(frozen=True, kw_only=True)
class Output:
    """The end of what one attempt of a command wrote, cleaned."""

    item: str
    attempt: int
    lines: tuple[str, ...] = ()
    size: int = 0
    """Bytes in the file, of which `lines` are the last."""
    is_part: bool = False
    """Whether the file holds more before `lines`."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One moment of a run. A screen is drawn from this and nothing else."""

    folder: RunFolder
    runbook: Runbook
    state: RunState
    connection: Connection
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """The last word of each running command."""
    output: Output | None = None
    """Of the command that is watched."""
