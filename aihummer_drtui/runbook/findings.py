"""What is wrong with a runbook, gathered while it is read: everything at once, in the text's order."""

from dataclasses import dataclass, field
from typing import Final

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.runbook.model import Place, Problem

MOST: Final = 500
"""Problems that are told; a text with more of them is told to have more."""


@dataclass(kw_only=True)
class Findings:
    """The problems found so far. Those that stop make a run unsafe; advice leaves it possible."""

    stopping: list[Problem] = field(default_factory=list)
    advice: list[Problem] = field(default_factory=list)

    def stop(self, place: Place, what: str, hint: str) -> None:
        """Note a problem with which no run may start."""
        self.stopping.append(Problem(place=place, what=what, hint=hint))

    def advise(self, place: Place, what: str, hint: str) -> None:
        """Note a problem that a tired reader would stumble over, but that stops no run."""
        self.advice.append(Problem(place=place, what=what, hint=hint))


def in_order(*groups: list[Problem]) -> tuple[Problem, ...]:
    """The problems of all groups by line and column, each once, at most `MOST` and a word on the rest."""
    each = {problem: None for group in groups for problem in group}
    ordered = sorted(each, key=lambda problem: (problem.place.line, problem.place.column))
    if len(ordered) <= MOST:
        return tuple(ordered)
    rest = Problem(
        place=ordered[MOST].place,
        what=f"{len(ordered) - MOST} more problems are not shown",
        hint="mend those above first",
    )
    return (*ordered[:MOST], rest)


def problem_text(file: str, problem: Problem) -> str:
    """The problem as compilers write it, `file:line:column: what`, with the hint on a line below."""
    place = f"{cleaned_line(file, 4096)}:{problem.place.line}:{problem.place.column}"
    return f"{place}: {problem.what}\n    HINT: {problem.hint}"


def quoted(text: str) -> str:
    """Foreign words inside a message: cleaned, one line, at most 60 characters, in backticks."""
    return f"`{cleaned_line(text, 60)}`"
