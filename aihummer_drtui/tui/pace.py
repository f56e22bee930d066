"""Telling a hand from a paste: a terminal that knows no bracketed paste sends a paste as keys."""

from math import inf
from typing import Final

BY_HAND: Final = 0.03
"""Seconds between two keys at least: nobody's hand is faster, but a paste is."""


class Pace:
    """How fast keys came, in the seconds of `textual.events.Key.time`."""

    def __init__(self) -> None:
        self.last = -inf
        """When the last key came."""
        self.gap = inf
        """Seconds between the last two."""
        self._widest = 0.0

    def key(self, at: float) -> None:
        """Note a key that came then."""
        self.gap, self.last = at - self.last, at

    def letter(self, at: float, *, first: bool) -> None:
        """Note a key of a line; `first` is one that comes into an empty line."""
        self.key(at)
        self._widest = 0.0 if first else max(self._widest, self.gap)

    def came_at_once(self, limit: float) -> bool:
        """Whether no two letters of the line were as far apart as a hand's: it was pasted, not typed."""
        return self._widest < limit
