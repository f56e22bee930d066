"""What a front end must be given to put its questions well. Like the engine, it knows no recovery itself."""

from collections.abc import Iterator
from typing import Protocol

from aihummer_drtui.run.leftovers import Leftovers
from aihummer_drtui.run.recovery_set import RecoverySets
from aihummer_drtui.run.verdict import Choice, Observation, TargetIdentity


class Facts(Protocol):
    """What the composition root knows about the target.

    Where nothing may be looked at, whatever can raise does.
    """

    def suggestion(self, variable: str) -> str | None:
        """A likely value of an input, or None."""
        ...

    def choices(self, variable: str) -> tuple[Choice, ...]:
        """What there is to choose from for an input, the best first; empty = nothing is known.

        Raises DrtuiError.
        """
        ...

    def recovery_sets(self, seconds: float) -> Iterator[RecoverySets]:
        """Every set and window that a recovery could use, told as it is found, within so many seconds.

        Each telling holds all of the one before; the last has nothing left in `looking`. Raises DrtuiError,
        also while it is gone through.
        """
        ...

    def recovery_point(self, text: str) -> Observation:
        """What words for a recovery point mean, and whether it is within reach. Raises DrtuiError."""
        ...

    def leftovers(self, seconds: float) -> Leftovers:
        """What recoveries have put aside and is still there, within so many seconds. Raises DrtuiError."""
        ...

    def identity(self) -> TargetIdentity:
        """What an irreversible command would act on. Raises DrtuiError."""
        ...
