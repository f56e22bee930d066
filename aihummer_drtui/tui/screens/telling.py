"""What is told in a tabletop: what a check finds, how a command ended, what its probe sees."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from aihummer_drtui.engine.session import Growth
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.requests import (
    Accepted,
    AnswerCheck,
    AnswerProbe,
    Reply,
    Request,
    TellOutcome,
)
from aihummer_drtui.run.settled import latest_attempt
from aihummer_drtui.run.state import AnsweredState, Lost, RunState, Underway
from aihummer_drtui.run.tabletop import words_of
from aihummer_drtui.run.told_words import answer_text, said_text
from aihummer_drtui.run.verdict import Answer, ProbeResult, ToldOutcome
from aihummer_drtui.run.words import GLYPHS, given_lines
from aihummer_drtui.runbook.model import CheckItem, CommandItem
from aihummer_drtui.runbook.prose import plain_words
from aihummer_drtui.tui import paint
from aihummer_drtui.tui.describing import command_lines
from aihummer_drtui.tui.intents import BACK, HELP, Intent, bindings
from aihummer_drtui.tui.offer import OpenTold
from aihummer_drtui.tui.screens.reading import ReadingScreen
from aihummer_drtui.tui.view import View
from aihummer_drtui.tui.widgets.pane import Line
from aihummer_drtui.tui.widgets.rows import Rows
from aihummer_drtui.tui.widgets.word import Word

_TOOK: Final = "Begin with `took 20m` to say how long it would have taken."
_OPTIONAL: Final = "In a few words what was said, for the record; Enter alone leaves it at that."


@dataclass(frozen=True, kw_only=True)
class Told:
    """One of the things that can be told."""

    key: str
    word: str
    means: str


ANSWERS: Final = {
    Answer.PASSED: Told(key="p", word="passed", means="it is so"),
    Answer.FAILED: Told(key="f", word="failed", means="it is not so"),
    Answer.UNPROVEN: Told(key="u", word="unproven", means="it could not be known there"),
}
OUTCOMES: Final = {
    ToldOutcome.DONE: Told(key="d", word="done", means="it ended well"),
    ToldOutcome.FAILED: Told(key="f", word="failed", means="it ended with an error"),
    ToldOutcome.PARTLY: Told(key="y", word="partly done", means="a part of it was done, then it failed"),
    ToldOutcome.UNKNOWN: Told(key="u", word="unknown", means="nobody saw how it ended"),
}
RESULTS: Final = {
    ProbeResult.DONE: Told(key="d", word="done", means="it sees the whole effect"),
    ProbeResult.NOT_DONE: Told(key="o", word="not done", means="it sees nothing of it"),
    ProbeResult.PARTIAL: Told(key="y", word="partial", means="it sees a part of it"),
    ProbeResult.UNKNOWN: Told(key="u", word="unknown", means="it came to no answer"),
}


def _intents(choices: Iterable[Told]) -> tuple[Intent, ...]:
    letters = tuple(
        Intent(
            action=f"choose({n})", keys=one.key, shown=one.key, word=one.word, does=f"{one.word}: {one.means}"
        )
        for n, one in enumerate(choices)
    )
    return (
        HELP,
        *letters,
        Intent(action="move(-1)", keys="up", shown="Up, Down", does="select"),
        Intent(action="move(1)", keys="down", shown="Down", does=""),
        Intent(
            action="take", keys="enter", shown="Enter", does="tell what is selected; alone it tells nothing"
        ),
        Intent(action="page(1)", keys="pagedown", shown="PgUp, PgDn", does="scroll"),
        Intent(action="page(-1)", keys="pageup", shown="PgUp", does=""),
        BACK,
    )


class TellingScreen(ReadingScreen[None]):
    """A letter chooses, or arrows and Enter; then come words that may be left out. None is selected first."""

    DEFAULT_CSS = """
    TellingScreen Rows { height: 4; }
    TellingScreen #next { width: 1fr; }
    """
    choices: ClassVar[tuple[Told, ...]] = ()

    def __init__(self, title: str, *, words: str) -> None:
        """`words` is what is said of the words that can be added."""
        super().__init__(title)
        self._words = words
        self._at = -1

    def body(self) -> Iterable[Widget]:
        """What it is about, and what can be told of it."""
        yield from super().body()
        yield Rows()

    def foot(self) -> Iterable[Widget]:
        """What Enter does."""
        yield Word(id="next")

    @abstractmethod
    def request(self, number: int, said: str) -> Request:
        """What tells that choice, with those words."""
        ...

    @abstractmethod
    def is_open(self, state: RunState) -> bool:
        """Whether it is still to be told."""
        ...

    def show(self, view: View, news: list[Growth]) -> None:
        """Draw it; when somebody else told it meanwhile there is nothing left to choose."""
        if not self.is_open(view.state):
            self.dismiss()
            return
        super().show(view, news)
        rows = [f"{one.key}  {one.word}: {one.means}" for one in self.choices]
        self.query_one(Rows).show(rows, self._at)
        enter = (
            self.choices[self._at].word
            if self._at >= 0
            else "nothing yet: choose by its letter, or Up and Down"
        )
        self.query_one("#next", Word).say(Content.styled(f" Enter: {enter} ", paint.NEXT))

    def action_move(self, by: int) -> None:
        """Select the one above or below."""
        self._at = max(0, min(len(self.choices) - 1, self._at + by))
        self.draw([])

    def action_take(self) -> None:
        """Take what is selected."""
        if self._at < 0:
            self.notice("Nothing is told by Enter alone: choose one first.", paint.REFUSED)
        else:
            self.action_choose(self._at)

    def action_choose(self, number: int) -> None:
        """Choose, and ask for the words."""
        from aihummer_drtui.tui.screens.wording import WordingScreen

        self._at = number
        word = self.choices[number].word

        def given(text: str | None) -> None:
            if text is not None:
                self.run_app.ask(self.request(number, text))

        title = f"{self._title} {word.upper()}"
        screen = WordingScreen(
            title, (self._words,), prompt="what was said", enter=f"put {word} on record", may_be_empty=True
        )
        self.app.push_screen(screen, given)

    def answered(self, request: Request, reply: Reply | DrtuiError) -> None:
        """Go back when it was taken; else say why not."""
        told = isinstance(request, AnswerCheck | TellOutcome | AnswerProbe)
        if isinstance(reply, Accepted) and told:
            self.dismiss()
        else:
            super().answered(request, reply)


class AnswerScreen(TellingScreen):
    """What a check finds."""

    choices = tuple(ANSWERS.values())
    intents = _intents(choices)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, check: CheckItem) -> None:
        super().__init__(f"WHAT DOES {check.id} FIND?", words=_OPTIONAL)
        self._check = check
        self._before: AnsweredState | None = None
        self._is_read = False

    def request(self, number: int, said: str) -> Request:
        """The answer."""
        return AnswerCheck(item=self._check.id, answer=tuple(ANSWERS)[number], said=said)

    def is_open(self, state: RunState) -> bool:
        """Until there is another answer than the one that was there when this was opened."""
        known = state.items.get(self._check.id)
        answered = known if isinstance(known, AnsweredState) else None
        if not self._is_read:
            self._is_read, self._before = True, answered
        return answered is None or (self._before is not None and answered.at == self._before.at)

    def lines(self, view: View) -> tuple[Line, ...]:
        """The check, and what was answered before."""
        known = view.state.items.get(self._check.id)
        lines = [Line(text=plain_words(" ".join(self._check.text.split())), style=paint.LOUD)]
        if isinstance(known, AnsweredState):
            lines.append(Line(text=f"{GLYPHS[known.status]} {known.status}, {answer_text(known)}"))
            lines.append(Line(text="It may be answered otherwise: what was so may no longer be so."))
        lines.append(Line(text="Nobody looks: it is told, and proves nothing.", style=paint.QUIET))
        return tuple(lines)


class OutcomeScreen(TellingScreen):
    """How a rehearsed command ended."""

    choices = tuple(OUTCOMES.values())
    intents = _intents(choices)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, command: CommandItem) -> None:
        super().__init__(f"HOW DID {command.id} END?", words=f"{_OPTIONAL} {_TOOK}")
        self._command = command

    def request(self, number: int, said: str) -> Request:
        """The end, with how long it would have taken where that was said."""
        spoken = words_of(said)
        return TellOutcome(
            item=self._command.id,
            outcome=tuple(OUTCOMES)[number],
            said=spoken.said,
            would_take=spoken.would_take,
        )

    def is_open(self, state: RunState) -> bool:
        """As long as it has no end."""
        latest = latest_attempt(state, self._command.id)
        return latest is not None and isinstance(latest.end, Underway)

    def lines(self, view: View) -> tuple[Line, ...]:
        """What would be running now."""
        command = self._command
        takes = f" By the runbook it takes {duration_text(command.estimate)}." if command.estimate else ""
        return (
            Line(text=plain_words(" ".join(command.text.split())), style=paint.LOUD),
            *command_lines(command),
            *(Line(text=f"  {line}") for line in given_lines(view.state, command)),
            Line(text=f"Expect: {plain_words(command.expect)}", hang="        "),
            Line(text=f"It would be running now; nothing is executed.{takes}", style=paint.QUIET),
        )


class ProbeScreen(TellingScreen):
    """What the probe of an unknown outcome sees."""

    choices = tuple(RESULTS.values())
    intents = _intents(choices)
    BINDINGS: ClassVar[list[BindingType]] = bindings(intents)

    def __init__(self, command: CommandItem) -> None:
        super().__init__(f"WHAT DOES THE PROBE OF {command.id} SEE?", words=_OPTIONAL)
        self._command = command

    def request(self, number: int, said: str) -> Request:
        """The probe's answer."""
        return AnswerProbe(item=self._command.id, result=tuple(RESULTS)[number], said=said)

    def is_open(self, state: RunState) -> bool:
        """As long as the outcome is in doubt."""
        return self._command.id in state.lost

    def lines(self, view: View) -> tuple[Line, ...]:
        """What would be probed, and how."""
        latest = latest_attempt(view.state, self._command.id)
        lost = latest.end if latest is not None and isinstance(latest.end, Lost) else None
        probe = self._command.probe.strip("\n").split("\n")
        lines = [
            Line(text=plain_words(" ".join(self._command.text.split())), style=paint.LOUD),
            Line(text="Nobody saw how it ended. A real run would probe it now, by exactly this:"),
            *(Line(text=line, verbatim=True, style=paint.LOUD) for line in probe),
        ]
        if lost is not None and lost.probed is not None:
            before = f"{lost.probed.result}{said_text(lost.probed.observed)}"
            lines.append(Line(text=f"Answered before: {before}", style=paint.DOUBT))
        return tuple(lines)


def telling_screen(act: OpenTold) -> TellingScreen:
    """The screen in which that is told."""
    match act.item:
        case CheckItem():
            return AnswerScreen(act.item)
        case CommandItem() if act.probe:
            return ProbeScreen(act.item)
        case CommandItem():
            return OutcomeScreen(act.item)
