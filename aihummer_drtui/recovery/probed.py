"""What a read-only probe of a command says."""

from dataclasses import dataclass

from aihummer_drtui.run.verdict import ProbeResult


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The result, and what it was concluded from, in one line."""

    result: ProbeResult
    observed: str
