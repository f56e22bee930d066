"""What a check is made of: a description, and a function that looks at a scene and never changes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.recovery_set import RECOVERY_POINT, THE_DUMP
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

__all__ = ["RECOVERY_POINT", "THE_DUMP"]  # of the run's model; here is where checks look for them


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a check or a probe may look at: the target, and the values the run was given."""

    target: Target
    values: Mapping[str, str]
    """Inputs by variable: `BACKUP_SET`, `KEY_FILE`, `RECOVERY_POINT`."""

    @property
    def recovery_point(self) -> str:
        """The operator's words for the point in time to recover to; empty = the dump is meant."""
        said = self.values.get(RECOVERY_POINT, "").strip()
        return "" if said == THE_DUMP else said


@dataclass(frozen=True, kw_only=True)
class Check:
    """A named look at one thing. `look` bounds its own time and raises nothing but DrtuiError."""

    description: CheckDescription
    look: Callable[[Scene], Observation]


def failed_by(expected: str, error: DrtuiError) -> Observation:
    """What a look saw that an error ended: where, what, and the error's own hint."""
    return Observation(
        verdict=Verdict.FAILED,
        expected=expected,
        observed=cleaned_line(error.where_and_what, 300),
        hint=error.hint,
    )
