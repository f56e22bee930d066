"""What is told of the commands that are running, whichever step is shown, and what can be done meanwhile."""

import time
from typing import Final

from aihummer_drtui.engine.session import Session
from aihummer_drtui.plain.pace import PROGRESS_EVERY, Pace
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.overlap import calling_step, running_in, steps_with_work
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import RunState
from aihummer_drtui.runbook.model import Runbook, Step
from aihummer_drtui.runbook.prose import plain_words

AT_A_PROMPT: Final = 30.0
"""Seconds between two words on a command while a question is open: they break into the reading of it."""
_MAY_TYPE: Final = "While it runs you may type: stop, output, note TEXT, quit. It goes on without you."


class Running:
    """How the running commands are spoken of in one sitting."""

    def __init__(self) -> None:
        self._paces: dict[str, Pace] = {}
        self._told: tuple[str, int, tuple[str, ...]] = ("", 0, ())
        """The attempt that is followed and the steps offered meanwhile, as last told."""

    def lines(self, session: Session, *, at_a_prompt: bool = False) -> list[str]:
        """What is due to be said now of each running command: how far it is, or that it lives."""
        now = time.monotonic()
        due = []
        for item in session.state.executing:
            number = _number(session.state, item)
            pace = self._paces.get(item)
            if pace is None or pace.attempt != number:
                pace = self._paces[item] = Pace.begin(item, number, now)
            every = AT_A_PROMPT if at_a_prompt else PROGRESS_EVERY
            due.append(pace.word(session.progress(item), now, every=every))
        return [line for line in due if line]

    def offer(self, session: Session, suggestion: s.AwaitCommand | s.WorkMeanwhile) -> list[str]:
        """What may be typed while that command is followed; told once, and again when there is more to do."""
        runbook, state = session.runbook, session.state
        followed = (suggestion.item.id, _number(state, suggestion.item.id))
        steps = steps_with_work(runbook, state) if isinstance(suggestion, s.WorkMeanwhile) else ()
        before, self._told = self._told, (*followed, tuple(step.id for step in steps))
        lines = [] if before[:2] == followed else [_MAY_TYPE]
        if steps and before != self._told:
            lines.append(meanwhile_line(runbook, steps))
        return lines

    def step_was_opened(self) -> None:
        """Make the offer again: the operator has come here from elsewhere."""
        self._told = ("", 0, ())


def meanwhile_line(runbook: Runbook, steps: tuple[Step, ...]) -> str:
    """Which steps can be gone on with, and how."""
    first, *others = steps
    more = "".join(f"; {_step_words(runbook, step)}: type go {step.id}" for step in others)
    where = _step_words(runbook, first)
    return f"Meanwhile you can go on with {where}: press Enter, or type go {first.id}{more}"


def elsewhere(runbook: Runbook, state: RunState) -> Step | None:
    """Where `go` alone leads: to a failure, to work, to a running command; never to the step shown."""
    calling = calling_step(runbook, state)
    waiting = (step for step in runbook.steps if running_in(state, step) is not None)
    others = (calling, *steps_with_work(runbook, state), *waiting)
    return next((step for step in others if step is not None and step.id != state.step), None)


def elsewhere_lines(state: RunState, item: str) -> list[str]:
    """What runs beside the question about `item`, in one line."""
    others = [running for running in state.running if running != item]
    if not others:
        return []
    are = "are" if len(others) > 1 else "is"
    running = "running" if state.executing else "rehearsed; nothing is executed"
    return [f"Meanwhile {' and '.join(others)} {are} {running}; `go` leads there."]


def calling_lines(runbook: Runbook, state: RunState) -> list[str]:
    """That a command failed elsewhere and comes next, while a question is still open."""
    calling = calling_step(runbook, state)
    if calling is None or calling.id == state.step:
        return []
    return [
        f"Its step, {_step_words(runbook, calling)}, comes next, once you have answered here; "
        f"to go there at once, type: go {calling.id}"
    ]


def _step_words(runbook: Runbook, step: Step) -> str:
    return f"step {runbook.steps.index(step) + 1} ({plain_words(step.title)})"


def _number(state: RunState, item: str) -> int:
    latest = latest_attempt(state, item)
    return 0 if latest is None else latest.number
