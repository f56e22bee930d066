"""The steps of the runbook: as a strip of one line where it is narrow, as a list where there is room."""

from textual.content import Content

from aihummer_drtui.run.overlap import open_steps, running_in
from aihummer_drtui.run.settled import step_done
from aihummer_drtui.run.state import RunState, Status
from aihummer_drtui.runbook.model import Runbook, Step
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.widgets.canvas import Canvas

WIDTH = 34
"""Columns of the list."""
_BAD = frozenset({Status.FAILED, Status.DRIFTED, Status.UNKNOWN})


def step_mark(runbook: Runbook, state: RunState, step: Step) -> tuple[str, str, str]:
    """Glyph, word and style of where a step stands."""
    statuses = [state.status(item.id) for item in step.items]
    if running_in(state, step) is not None:
        return ">", "running", paint.BUSY
    if step_done(state, step):
        return "+", "done", paint.GOOD
    if any(status is Status.UNKNOWN for status in statuses):
        return "?", "unknown", paint.DOUBT
    if any(status in _BAD for status in statuses):
        return "x", "not green", paint.BAD
    if step in open_steps(runbook, state):
        return ".", "open", paint.FOREGROUND
    return "-", "waits for its needs", paint.QUIET


def step_rows(runbook: Runbook, state: RunState) -> list[str]:
    """Every step with where it stands, a line each."""
    rows = []
    for number, step in enumerate(runbook.steps, 1):
        glyph, word, _ = step_mark(runbook, state, step)
        rows.append(f"{number} {glyph} {plain_words(step.title)} ({word})")
    return rows


class Steps(Canvas):
    """Where every step stands; the one that is shown is in brackets and in reverse."""

    DEFAULT_CSS = """
    Steps { height: 1; }
    """

    def __init__(self, *, as_list: bool, id: str) -> None:  # noqa: A002 - Textual's own word
        super().__init__(id=id)
        self._as_list = as_list
        self._marks: tuple[tuple[str, str, str, bool], ...] = ()

    def show(self, runbook: Runbook, state: RunState) -> None:
        """Show the steps of a run."""
        marks = tuple(
            (*step_mark(runbook, state, step)[::2], plain_words(step.title), step.id == state.step)
            for step in runbook.steps
        )
        self._marks = marks
        self.put(self._list() if self._as_list else [self._strip()])

    def _strip(self) -> Content:
        parts: list[Content | str] = ["Steps "]
        for number, (glyph, style, _, is_shown) in enumerate(self._marks, 1):
            parts.append(
                Content.styled(f"[{number} {glyph}]", f"{style} reverse")
                if is_shown
                else Content.styled(f" {number} {glyph} ", style)
            )
        return Content.assemble(*parts)

    def _list(self) -> list[Content]:
        rows = []
        for number, (glyph, style, title, is_shown) in enumerate(self._marks, 1):
            text = paint.cut(f"{number} {glyph} {title}", WIDTH - 2)
            rows.append(Content.styled(text, f"{style} reverse" if is_shown else style))
        return rows
