"""What a soak does, and what it demands. Pure."""

from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long, how much, how often; times in seconds."""

    seconds: float
    events: int
    """What the journal holds at the end."""
    sample_every: float = 1.0
    press_every: float = 2.0
    resize_every: float = 7.0
    timeline_every: float = 45.0
    reconnect_every: float = 60.0
    start_every: float = 1.0
    """Between two tries to start the flooding command again."""
    cold_resumes: int = 3
    """Resumes at the end, on the whole journal, with no engine there."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What must hold: seconds, and bytes from the soak's first fifth to its last."""

    engine_growth: float = 8 * MEGABYTE
    front_end_growth: float = 8 * MEGABYTE
    descriptors_growth: float = 0
    key: float = 0.5
    """95 of 100 keys are answered on the screen within that."""
    timeline: float = 2.0
    request: float = 0.5
    resume: float = 2.0


THE_HOUR: Final = Limits()
ON_A_BUSY_MACHINE: Final = Limits(
    engine_growth=32 * MEGABYTE,
    front_end_growth=32 * MEGABYTE,
    descriptors_growth=2,
    key=5.0,
    timeline=10.0,
    request=5.0,
    resume=15.0,
)
"""For a run among other tests: what does not depend on the load is asserted, time only when it is absurd."""
