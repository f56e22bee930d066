"""What a check is made of: a description, and a function that looks at a scene and never changes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a check or a probe may look at: the target, and the values the run was given."""

    target: Target
    values: Mapping[str, str]
    """Inputs by variable: `BACKUP_SET`, `KEY_FILE`."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A named look at one thing. `look` bounds its own time and raises nothing but DrtuiError."""

    description: CheckDescription
    look: Callable[[Scene], Observation]
