"""How old things may be before they stop being an answer."""

from dataclasses import dataclass

from aihummer_drtui.quantities import parse_duration
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.runbook.model import Runbook


@dataclass(frozen=True, kw_only=True)
class Limits:
    """All in seconds."""

    rpo: float
    """The objective for the loss of data: the newest verified set may be so old."""
    rpo_warning: float
    """From this age on it is warned of; never above the RPO."""
    reviewed: float
    """Since a person last went through the runbook."""
    drilled: float
    """Since the last drill."""


def limits_of(target: Target, runbook: Runbook) -> Limits:
    """What `[readiness]` of target.toml says, else the runbook's RPO and the defaults."""
    told = target.readiness
    rpo = _seconds(told.rpo, otherwise=runbook.rpo)
    return Limits(
        rpo=rpo,
        rpo_warning=min(rpo, _seconds(told.rpo_warning, otherwise=rpo)),
        reviewed=_seconds(told.reviewed_within, otherwise=0.0),
        drilled=_seconds(told.drill_within, otherwise=0.0),
    )


def _seconds(text: str, *, otherwise: float) -> float:
    """A duration as target.toml writes it; what is no duration was refused when it was read."""
    found = parse_duration(text)
    return otherwise if found is None else found
