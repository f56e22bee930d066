"""What a front end must be given to put its questions well. Like the engine, it knows no recovery itself."""

from typing import Protocol

from aihummer_drtui.run.verdict import Choice, TargetIdentity


class Facts(Protocol):
    """What the composition root knows about the target."""

    def suggestion(self, variable: str) -> str | None:
        """A likely value of an input, or None."""
        ...

    def choices(self, variable: str) -> tuple[Choice, ...]:
        """What there is to choose from for an input, the best first; empty = nothing is known."""
        ...

    def identity(self) -> TargetIdentity:
        """What an irreversible command would act on. Raises DrtuiError."""
        ...
