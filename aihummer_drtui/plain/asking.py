"""What a question of line mode is: its lines, which answers it takes, and what may answer it in advance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.run import requests as r

Parsed: TypeAlias = r.Request | str
"""A request, or what to tell the operator instead."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question. `parse` reads an answer; `beforehand` is an answer that was given in advance.

    The first of `lines` names it: it is repeated alone when the question is still open after a word.
    """

    item: str
    about: str = ""
    """What of the item is asked, where several things are: each is answered in advance once."""
    lines: tuple[str, ...]
    answers: str
    also: str
    """Verbs that make sense here, as they are typed."""
    parse: Callable[[str], Parsed]
    beforehand: str | None = None
    may_change_by_itself: bool = False
    without_answer: ExitCode = ExitCode.PRECONDITION
    hint: str
    """What is to be done where no person answers."""
    example: str = ""
    """What to give then, exactly as it is written."""
