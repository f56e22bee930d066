"""What a read-only probe of a command says."""

from dataclasses import dataclass

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.verdict import ProbeResult


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The result, and what it was concluded from, in one line."""

    result: ProbeResult
    observed: str


def unknown_by(error: DrtuiError) -> Probed:
    """What a probe that an error ended says: where and what."""
    return Probed(result=ProbeResult.UNKNOWN, observed=cleaned_line(error.where_and_what))
