"""What a soak found: the figures, what was counted, and whether the limits were met."""

from dataclasses import dataclass, field

from tests.soak.plan import MEGABYTE, Limits
from tests.soak.series import Series


def _bytes(name: str) -> Series:
    return Series(name=name, unit="MB")


def _seconds(name: str) -> Series:
    return Series(name=name, unit="s")


@dataclass(kw_only=True)
class Account:
    """Filled while the soak goes on."""

    engine_memory: Series = field(default_factory=lambda: _bytes("engine, memory"))
    engine_descriptors: Series = field(
        default_factory=lambda: Series(name="engine, descriptors", unit="count")
    )
    front_end_memory: Series = field(default_factory=lambda: _bytes("screens, memory"))
    key: Series = field(default_factory=lambda: _seconds("key to screen"))
    timeline: Series = field(default_factory=lambda: _seconds("timeline opened"))
    request: Series = field(default_factory=lambda: _seconds("request to reply"))
    resume: Series = field(default_factory=lambda: _seconds("resume, engine there"))
    cold_resume: Series = field(default_factory=lambda: _seconds("resume, no engine"))
    load: Series = field(default_factory=lambda: Series(name="load of the machine", unit="load"))
    """Runnable processes, over a minute: what the times have to be seen against. No limit."""
    events: int = 0
    attempts: int = 0
    output: int = 0
    """Bytes that the flooding command wrote."""
    resizes: int = 0
    reconnects: int = 0
    faults: list[str] = field(default_factory=list)
    """What went wrong."""

    def missed(self, limits: Limits, events: int) -> list[str]:
        """What does not hold, a sentence each; nothing when all does."""
        found = list(self.faults)
        if self.events < events:
            found.append(f"the journal holds {self.events} events, not {events}")
        for series, limit in (
            (self.engine_memory, limits.engine_growth),
            (self.front_end_memory, limits.front_end_growth),
            (self.engine_descriptors, limits.descriptors_growth),
        ):
            if not series.taken:
                found.append(f"{series.name}: nothing was taken")
            elif series.growth > limit:
                found.append(f"{series.name}: grew by {_told(series, series.growth)}")
        for series, limit in (
            (self.key, limits.key),
            (self.timeline, limits.timeline),
            (self.request, limits.request),
            (self.resume, limits.resume),
            (self.cold_resume, limits.resume),
        ):
            if not series.taken:
                found.append(f"{series.name}: nothing was taken")
            elif series.percentile(95) > limit:
                found.append(
                    f"{series.name}: {_told(series, series.percentile(95))}, limit {_told(series, limit)}"
                )
        return found

    def table(self) -> list[str]:
        """The figures, a line each."""
        heads = "".join(f"{head:>10}" for head in ("min", "median", "95 %", "max", "growth"))
        head = f"{'':<22}{'count':>7}{heads}{'per hour':>11}"
        return [head, *(_line(series) for series in self._series()), *self._counts()]

    def _series(self) -> list[Series]:
        return [
            self.engine_memory,
            self.engine_descriptors,
            self.front_end_memory,
            self.key,
            self.timeline,
            self.request,
            self.resume,
            self.cold_resume,
            self.load,
        ]

    def _counts(self) -> list[str]:
        return [
            f"{self.events} events, {self.attempts} attempts of the flooding command, "
            f"{self.output / MEGABYTE:.0f} MB of output,",
            f"{self.resizes} resizes, {self.reconnects} reconnects",
        ]


def _line(series: Series) -> str:
    if not series.taken:
        return f"{series.name:<22}{0:>7}"
    values = series.values
    figures = (min(values), series.median, series.percentile(95), max(values), series.growth)
    told = "".join(f"{_told(series, value):>10}" for value in figures)
    return f"{series.name:<22}{len(values):>7}{told}{_told(series, series.slope):>11}"


def _told(series: Series, value: float) -> str:
    match series.unit:
        case "MB":
            return f"{value / MEGABYTE:.1f} MB"
        case "s":
            return f"{value:.3f} s"
        case "load":
            return f"{value:.2f}"
        case _:
            return f"{value:.0f}"
