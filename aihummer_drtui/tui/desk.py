"""What the composition root gives the screens of a run, and what it gets back from them."""

from dataclasses import dataclass

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.tui.view import View


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What the screens of a run may not know themselves."""

    facts: Facts
    come_back: str
    """The command line that resumes the run."""
    program: str
    """This program as it has to be typed to act on the run's target."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """How the screens were left."""

    code: ExitCode
    view: View | None
    """The run as it was seen last."""
