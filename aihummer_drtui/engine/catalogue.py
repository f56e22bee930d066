"""What the engine must be given to look at the world. It knows no recovery substance itself."""

from collections.abc import Mapping
from typing import Protocol

from aihummer_drtui.run.verdict import CheckDescription, Observation, TargetIdentity


class Catalogue(Protocol):
    """The checks of a target. Every method may block for a bounded time and raises nothing but DrtuiError."""

    def names(self) -> frozenset[str]:
        """Give the names of all checks."""
        ...

    def describe(self, name: str) -> CheckDescription | None:
        """Give what a check is for, or None for a name that is not there."""
        ...

    def look(self, name: str, values: Mapping[str, str]) -> Observation:
        """Look once; never raises: a look that breaks is an observation with the verdict `unknown`."""
        ...

    def secrets(self, values: Mapping[str, str]) -> frozenset[bytes]:
        """Give what must not be stored or shown, as far as it can be known now; raises nothing."""
        ...

    def identity(self) -> TargetIdentity:
        """Tell what an irreversible command would act on. Raises DrtuiError when it cannot be known."""
        ...
