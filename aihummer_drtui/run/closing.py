"""How a run ended, for the last screen: level, clocks against objectives, deviations, what is unproven."""

from typing import assert_never

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.objectives import clocks
from aihummer_drtui.run.state import Abandoned, Finished, Living, RunState
from aihummer_drtui.run.words import deviation_line
from aihummer_drtui.runbook.model import RecoveryLevel, Runbook


def closing_lines(runbook: Runbook, state: RunState) -> list[str]:
    """The end of a run, a sentence a line."""
    match state.ending:
        case Living():
            return ["The run is not finished."]
        case Abandoned(reason=reason):
            return [f"*** ABANDONED: {reason} ***"]
        case Finished():
            return _finished(runbook, state, state.ending)
        case _ as never:
            assert_never(never)


def exit_code(state: RunState) -> ExitCode:
    """0 only for a run that ended proven; what is short of that is not success."""
    ending = state.ending
    if isinstance(ending, Finished):
        return ExitCode.OK if ending.level is RecoveryLevel.PROVEN else ExitCode.FAILED
    return ExitCode.FAILED


def _finished(runbook: Runbook, state: RunState, ending: Finished) -> list[str]:
    exceptions = ", WITH EXCEPTIONS" if ending.with_exceptions else ""
    times = clocks(state, ending.at)
    lines = ["", f"*** COMPLETED{exceptions}. Recovery level: {ending.level.upper()} ***"]
    if ending.level is not RecoveryLevel.PROVEN:
        lines.append("AiHummer is NOT proven to be back.")
    lines.append(f"Since the incident: {_against(times.since_incident, runbook.rto, 'RTO')}")
    lines.append(f"Since the declaration: {duration_text(times.since_declared)}")
    for name, reached in (("serving", times.to_serving), ("proven", times.to_proven)):
        if reached is not None:
            lines.append(f"{name.capitalize()} after: {duration_text(reached)}")
    lines.append(
        f"In commands: {duration_text(times.in_commands)}, "
        f"waiting for people and checks: {duration_text(times.waiting)}"
    )
    lines.append(f"Deviations: {len(state.deviations) or 'none'}")
    lines += [deviation_line(one) for one in state.deviations]
    lines.append(f"Unproven: {', '.join(ending.unproven) or 'nothing'}")
    return lines


def _against(seconds: float, objective: float, name: str) -> str:
    within = "within" if seconds <= objective else "OVER"
    return f"{duration_text(seconds)}, {within} the {name} of {duration_text(objective)}"
