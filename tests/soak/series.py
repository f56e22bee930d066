"""Figures taken over time: how they lie, and whether they grow. Pure."""

import statistics
from dataclasses import dataclass, field

_ENDS = 5
"""Growth is told between the first and the last of so many parts of the time."""


@dataclass(kw_only=True)
class Series:
    """One figure, again and again; times in seconds since the soak began."""

    name: str
    unit: str
    taken: list[tuple[float, float]] = field(default_factory=list)
    """(time, value), in the order of time."""

    def take(self, at: float, value: float) -> None:
        """Add one figure."""
        self.taken.append((at, value))

    @property
    def values(self) -> list[float]:
        """The figures alone."""
        return [value for _, value in self.taken]

    @property
    def median(self) -> float:
        """The middle one. Raises StatisticsError when there is none."""
        return statistics.median(self.values)

    def percentile(self, percent: float) -> float:
        """The value that so many of a hundred do not exceed. Raises IndexError when there is none."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    @property
    def slope(self) -> float:
        """By how much it grows in an hour, by the line that fits best (least squares)."""
        if len({at for at, _ in self.taken}) < 2:
            return 0.0
        times = [at for at, _ in self.taken]
        return statistics.linear_regression(times, self.values).slope * 3600

    @property
    def growth(self) -> float:
        """The median of the last fifth of the figures less that of the first: a peak is no growth."""
        part = max(1, len(self.taken) // _ENDS)
        return statistics.median(self.values[-part:]) - statistics.median(self.values[:part])
