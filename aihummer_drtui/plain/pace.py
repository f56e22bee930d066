"""How often a running command is spoken of: often enough to show life, seldom enough to be listened to."""

from dataclasses import dataclass
from typing import Final

from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.progress import Progress
from aihummer_drtui.run.words import progress_text

PROGRESS_EVERY: Final = 10.0
"""Seconds between two words on how far a phase is; a new phase is told at once."""
LIFE_EVERY: Final = 30.0
"""Seconds of silence after which the silence itself is told."""


@dataclass
class Pace:
    """One command's attempt as far as it was told. Times are seconds of a clock that only goes on."""

    item: str
    attempt: int
    began: float
    told_at: float
    phase: str = ""
    text: str = ""

    @classmethod
    def begin(cls, item: str, attempt: int, now: float) -> "Pace":
        """Nothing was told of it yet."""
        return cls(item=item, attempt=attempt, began=now, told_at=now)

    def word(self, progress: Progress | None, now: float, *, every: float = PROGRESS_EVERY) -> str:
        """What is to be said now; empty for nothing. `every` is the least seconds between two of a phase."""
        text = "" if progress is None else progress_text(progress)
        silent = now - self.told_at
        if progress is not None and text != self.text:
            if progress.phase == self.phase and silent < every:
                return ""
            self.phase, self.text, self.told_at = progress.phase, text, now
            return f"  > {self.item}: {text}"
        if silent < LIFE_EVERY:
            return ""
        self.told_at = now
        where = f"; since its last word ({self.phase}) nothing new" if self.phase else ""
        return f"  > {self.item}: still running, {duration_text(now - self.began)} so far{where}"
