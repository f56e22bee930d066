"""How a long command says where it is: JSON lines, one `Progress` each, on a descriptor it inherits."""

from typing import Final

import msgspec

PROGRESS_DESCRIPTOR: Final = "DRTUI_PROGRESS_FD"
"""The environment variable that names the descriptor; absent = nobody listens."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A second count of the same phase: whole things, beside the bytes that they are made of."""

    done: int
    total: int
    unit: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a long command; `total` 0 means that the end is not known."""

    phase: str
    done: int
    total: int
    unit: str
    """`bytes`, `tables`, `blobs`: what is counted."""
    elapsed: float
    """Seconds since the phase began: rate and time left are those of the phase."""
    parts: Parts | None = None
    """As in "12 of 40 tables" beside so many bytes; None = there is nothing else to count."""

    @property
    def seconds_left(self) -> float | None:
        """An estimate by the rate so far, or None while there is nothing to judge by."""
        if self.total <= 0 or self.done <= 0 or self.elapsed <= 0:
            return None
        return max(0.0, (self.total - self.done) * self.elapsed / self.done)
