"""A request that is with the engine: what is waited for, and for how long already. Pure."""

from dataclasses import dataclass
from typing import Final, assert_never

from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import requests as r

_LOOKS: Final = "; it looks at the target and at every check before it once more"

SILENT: Final = 20.0
"""Seconds without an answer after which it is said that there is none."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, and when it was sent (seconds of the monotonic clock)."""

    request: r.Request
    since: float

    def words(self, now: float, run: str) -> str:
        """What is waited for, said while it is waited for; and what to do when it stands still."""
        waited = now - self.since
        asked = f"Asking the engine to {request_words(self.request)} ({duration_text(waited // 1)})."
        if waited < SILENT:
            return f"{asked} All that only looks goes on."
        return f"{asked} If the engine stands still: `aihummer-drtui take {run}`, in another terminal."


def request_words(request: r.Request) -> str:  # noqa: PLR0912 - an arm for each
    """What the engine is asked to do."""
    match request:
        case r.StartCommand(item=item):
            return f"start {item}{_LOOKS}"
        case r.StopCommand(item=item):
            return f"end {item}"
        case r.LookAgain(item=item):
            return f"look at {item} again"
        case r.ProbeOutcome(item=item):
            return f"probe what became of {item}"
        case r.SettleOutcome(item=item):
            return f"record what became of {item}"
        case r.Skip(item=item):
            return f"skip {item}"
        case r.Override(item=item):
            return f"override {item}"
        case r.Confirm(item=item):
            return f"record that {item} was stated"
        case r.GiveInput(item=item):
            return f"take the value of {item}"
        case r.AnswerCheck(item=item):
            return f"record what {item} is said to find"
        case r.TellOutcome(item=item):
            return f"record how {item} is said to have ended"
        case r.AnswerProbe(item=item):
            return f"record what the probe of {item} is said to see"
        case r.ShowStep(step=step):
            return f"go to step {step}"
        case r.WriteNote():
            return "put the note on record"
        case r.Finish():
            return "finish the run"
        case r.Abandon():
            return "give the run up"
        case r.Attach():
            return "open the sitting"
        case r.AcceptRunbook():
            return "go on with the edited runbook"
        case _ as never:
            assert_never(never)
