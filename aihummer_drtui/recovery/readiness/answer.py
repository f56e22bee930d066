"""The answer to "could we recover today?": one word, one line, from all the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aihummer_drtui.errors import ExitCode
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.recovery.readiness.limits import Limits
from aihummer_drtui.recovery.readiness.sets import Candidate
from aihummer_drtui.run.verdict import Observation, Verdict

_REASONS: Final = 3
"""Reasons that are told in the one line; the rows tell all."""


class Word(StrEnum):
    """Yes only if everything was seen to be well; no if one thing was seen that would stop a recovery."""

    YES = "yes"
    NO = "no"
    NOT_PROVEN = "not proven"

    @property
    def exit_code(self) -> ExitCode:
        """0, 1 or 4."""
        return {
            Word.YES: ExitCode.OK,
            Word.NO: ExitCode.FAILED,
            Word.NOT_PROVEN: ExitCode.UNKNOWN_OUTCOME,
        }[self]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that a recovery needs, and what was seen of it."""

    name: str
    title: str
    observation: Observation
    may_stay_open: bool = False
    """What cannot be known from this host is a warning, and no reason against a yes."""

    @property
    def is_open(self) -> bool:
        """Whether nothing was seen that would answer for it."""
        verdict = self.observation.verdict
        return verdict is Verdict.UNKNOWN or (verdict is Verdict.UNPROVEN and not self.may_stay_open)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer with its reasons."""

    word: Word
    line: str


def answer(rows: Sequence[Row], chosen: Candidate | None, limits: Limits) -> Answer:
    """Weigh the rows. One failure weighs more than anything unproven; what was not seen is never a yes."""
    failed = [row for row in rows if row.observation.verdict is Verdict.FAILED]
    open_rows = [row for row in rows if row.is_open]
    if failed:
        return Answer(word=Word.NO, line=f"NO: {_reasons(failed)}")
    if open_rows or chosen is None:
        return Answer(word=Word.NOT_PROVEN, line=f"NOT PROVEN: {_reasons(open_rows) or 'nothing was seen'}")
    at = chosen.moment.strftime("%Y-%m-%d %H:%M UTC")
    unseen = ", ".join(row.name for row in rows if row.observation.verdict is Verdict.UNPROVEN)
    return Answer(
        word=Word.YES,
        line=f"YES, we could recover today: to {at}, {duration_text(chosen.age)} ago "
        f"(RPO {duration_text(limits.rpo)})" + (f"; not known from here: {unseen}" if unseen else ""),
    )


def _reasons(rows: Sequence[Row]) -> str:
    told = [f"{row.name}: {cleaned_line(row.observation.observed, 120)}" for row in rows[:_REASONS]]
    more = f"; and {len(rows) - _REASONS} more" if len(rows) > _REASONS else ""
    return "; ".join(told) + more
