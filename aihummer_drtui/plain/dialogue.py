"""The dialogue of line mode: name the next thing, hear the operator, ask the engine, tell the news."""

import time
from typing import Final, assert_never

from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.plain import showing
from aihummer_drtui.plain.answers import Answers
from aihummer_drtui.plain.asking import Question
from aihummer_drtui.plain.console import Console, Garbled, Line, News, Over, TimeUp
from aihummer_drtui.plain.ending import ended_lines
from aihummer_drtui.plain.obeying import Leave, Rerun, Shown, obey
from aihummer_drtui.plain.question import question_of
from aihummer_drtui.plain.running import Running, calling_lines, elsewhere_lines
from aihummer_drtui.plain.telling import Teller
from aihummer_drtui.plain.verbs import parse_verb
from aihummer_drtui.plain.waiting import LOOK_WITHIN, Patience, Round, SlowDisk, is_probed, looked_again
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.closing import exit_code
from aihummer_drtui.run.hints import hint_lines
from aihummer_drtui.run.requests import Finish, LookAgain, ProbeOutcome, Refused, Request, ShowStep
from aihummer_drtui.run.state import Living
from aihummer_drtui.run.tabletop import is_tabletop
from aihummer_drtui.run.unattended import next_unattended
from aihummer_drtui.runbook.model import CheckItem, CommandItem

_BIDE: Final = 2.0
"""Seconds between two looks at how far something is."""


class Dialogue:
    """One sitting in line mode. `come_back` is the command line that resumes the run, `program` that of this
    program with what it has to be told of the target."""

    def __init__(
        self,
        *,
        session: Session,
        console: Console,
        answers: Answers,
        facts: Facts,
        come_back: str,
        program: str,
    ) -> None:
        self._session = session
        self._console = console
        self._answers = answers
        self._facts = facts
        self._come_back = come_back
        self._program = program
        self._answered: set[tuple[str, str]] = set()
        self._refused: Refused | None = None
        """The last request's refusal, if it was refused."""
        self._lines_put: tuple[str, ...] = ()
        self._wanted: CommandItem | None = None
        """What `rerun` asked for; it lasts until the next answer."""
        self._chosen = ""
        """The step that the operator went to by word; nobody is led away from there."""
        self._teller = Teller(session, console)
        self._running = Running()
        self._patience = Patience(seconds=answers.patience)
        self._round = Round.begin(session)

    def go_on(self, session: Session) -> None:
        """Take up the run again under a new engine; tell what was not seen in between."""
        self._session = session
        self._teller.go_on(session)
        self._round = Round.begin(session)
        # An answer that was on its way may not have come to the old engine.
        self._answered.clear()

    def run(self) -> ExitCode:
        """Go on until the run has ended, the operator leaves, or nobody can answer.

        Raises EngineGoneError when the engine ended meanwhile, and UnknownOutcomeError when it lives and
        does not answer; nothing is lost.
        """
        while True:
            self._take_news(0)
            ended = self._next()
            if ended is not None:
                return ended

    def _next(self) -> ExitCode | None:
        suggestion = self._suggestion()
        looking_again = self._round.under_way(self._session)
        match suggestion:
            case s.NothingLeft():
                return self._close()
            case s.AwaitCommand() | s.WorkMeanwhile():
                return self._follow(suggestion, looking_again=looking_again)
            case _ if looking_again:
                return self._await_round(min(self._round.left))
            case s.FinishRun():
                return self._ask(Finish())
            case s.OpenStep(step=step):
                return self._ask(ShowStep(step=step.id))
            case s.AwaitCheck(item=check):
                return self._await_look(suggestion, check.id)
            case s.ResolveUnknown(item=lost) if not is_probed(self._session.state, lost.id):
                self._console.say(f"  probing {lost.id} ...")
                return self._ask(ProbeOutcome(item=lost.id))
            case _:
                return self._put(suggestion)

    def _suggestion(self) -> s.Suggestion:
        """The one thing to do next. A person chooses where to go; without one the order is the runbook's."""
        runbook, state = self._session.runbook, self._session.state
        if self._wanted is not None:
            return s.Start(item=self._wanted)
        return s.sensible(runbook, state) if self._console.has_person else next_unattended(runbook, state)

    def _question(self, suggestion: s.Suggestion) -> Question | None:
        output = self._teller.output(suggestion.item.id) if isinstance(suggestion, s.StartAgain) else []
        return question_of(suggestion, self._session.state, self._answers, self._facts, output)

    def _put(self, suggestion: s.Suggestion) -> ExitCode | None:
        """Put the question, take the answer that was given beforehand, or hear one."""
        self._teller.show_open_step_once()
        question = self._question(suggestion)
        if question is None:
            return None
        waits = question.may_change_by_itself and not self._console.has_person
        if waits and (left := self._patience.left(question.item, time.monotonic())) > 0:
            self._take_news(min(left, _BIDE))
            self._teller.say(self._running.lines(self._session))
            return None
        self._console.say()
        if question.lines == self._lines_put:
            self._console.say_filled(f"Still open: {question.lines[0]}")
        else:
            asked_of = self._session.runbook.item(question.item)
            hints = () if asked_of is None else hint_lines(self._session.state, asked_of)
            self._teller.say([*question.lines, *hints])
        self._lines_put = question.lines
        asked = (question.item, question.about)
        if question.beforehand is not None and asked not in self._answered:
            self._answered.add(asked)
            self._console.say(f"> {question.beforehand}")
            return self._take(question, question.beforehand)
        self._teller.say(elsewhere_lines(self._session.state, question.item))
        self._console.say_filled(f"Answers: {question.answers}. Also: {question.also}")
        self._console.prompt()
        return self._hear(suggestion, question)

    def _hear(self, suggestion: s.Suggestion, question: Question) -> ExitCode | None:
        while True:
            heard = self._console.hear(self._session, _BIDE if self._session.state.executing else None)
            match heard:
                case Line(text=text):
                    if not self._console.has_person:
                        self._console.say(text)
                    return self._take(question, text)
                case Garbled(why=why):
                    self._console.say_filled(f"{why} Type the answer by hand.")
                    return None
                case News():
                    if self._overtaken(suggestion, question):
                        return None
                case TimeUp():
                    self._break_in(self._running.lines(self._session, at_a_prompt=True))
                case Over() if self._console.has_person:
                    self._console.end_prompt()
                    return self._leave()
                case Over():
                    self._console.end_prompt()
                    return self._no_answer(question)
                case _ as never:
                    assert_never(never)

    def _overtaken(self, suggestion: s.Suggestion, question: Question) -> bool:
        """Tell the news below the open prompt; True when another question is to be put now.

        What came up in another step waits until the answer that is being typed was given; only an
        outcome that nobody knows does not.
        """
        runbook = self._session.runbook
        news = self._session.wait(0)
        now = self._suggestion()
        stays = now == suggestion or (
            not isinstance(now, s.ResolveUnknown)
            and s.is_still_open(runbook, self._session.state, suggestion)
        )
        told = self._teller.news(news, None if stays else now)
        if stays and told:
            calling = calling_lines(runbook, self._session.state) if now != suggestion else []
            self._break_in([*told, *calling, f"Still open: {question.lines[0]}"])
        elif not stays:
            self._console.end_prompt()
            self._teller.say(told)
        return not stays

    def _break_in(self, lines: list[str]) -> None:
        """Say something below an open prompt and open it again; what is half typed still counts."""
        if lines:
            self._console.end_prompt()
            self._teller.say(lines)
            self._console.prompt_again()

    def _take(self, question: Question, text: str) -> ExitCode | None:
        self._wanted = None
        spoken = parse_verb(text, tabletop=is_tabletop(self._session.state))
        if spoken is None:
            parsed = question.parse(text)
            if isinstance(parsed, str):
                self._console.say_filled(parsed)
                return None
            return self._ask(parsed)
        obeyed = obey(spoken, question, self._session, self._teller, self._facts)
        match obeyed:
            case Leave():
                return self._leave()
            case Rerun(command=command):
                self._wanted = command
            case Shown():
                pass
            case _:
                self._chosen = obeyed.step if isinstance(obeyed, ShowStep) else self._chosen
                return self._ask(obeyed)
        return None

    def _bide(self, suggestion: s.Suggestion) -> ExitCode | None:
        """Let time pass until there is news, hearing a person meanwhile; piped lines wait for questions."""
        if not self._console.has_person:
            self._take_news(_BIDE)
            return None
        heard = self._console.hear(self._session, _BIDE)
        match heard:
            case Line(text=text):
                question = self._question(suggestion)
                asked = text or isinstance(suggestion, s.WorkMeanwhile)
                return self._take(question, text) if question is not None and asked else None
            case Garbled(why=why):
                self._console.say_filled(why)
            case News() | TimeUp():
                self._take_news(0)
            case Over():
                return self._leave()
            case _ as never:
                assert_never(never)
        return None

    def _await_round(self, item: str) -> ExitCode | None:
        check = self._session.runbook.item(item)
        return self._bide(s.AwaitCheck(item=check)) if isinstance(check, CheckItem) else None

    def _await_look(self, suggestion: s.Suggestion, item: str) -> ExitCode | None:
        self._teller.show_open_step_once()
        ended = self._bide(suggestion)
        self._teller.say(self._running.lines(self._session))
        if ended is None and self._suggestion() == suggestion:
            waited = self._patience.waited(item, time.monotonic())
            if waited:
                self._console.say(f"  looking at {item}, {duration_text(waited)} so far ...")
        return ended

    def _follow(
        self, suggestion: s.AwaitCommand | s.WorkMeanwhile, *, looking_again: bool
    ) -> ExitCode | None:
        """Tell how the running commands get on until one ends or the operator says something.

        Whoever gave the answers beforehand goes on meanwhile without being asked.
        """
        if looking_again:
            # What other steps there are to go to is known when it was seen again what still holds.
            suggestion = s.AwaitCommand(item=suggestion.item)
        beforehand = (self._answers.yes or self._answers.by_item) and self._chosen != self._session.state.step
        if isinstance(suggestion, s.WorkMeanwhile) and beforehand:
            return self._ask(ShowStep(step=suggestion.step.id))
        if self._console.has_person:
            self._teller.show_open_step_once(brief=True)
            offer = self._running.offer(self._session, suggestion)
            if offer and isinstance(suggestion, s.WorkMeanwhile):
                self._console.forget_typed()
            self._teller.say(offer)
        ended = self._bide(suggestion)
        self._teller.say(self._running.lines(self._session))
        return ended

    def _take_news(self, seconds: float) -> None:
        """Tell what happened, waiting for it at most so long."""
        news = self._session.wait(seconds)
        self._teller.tell(news, self._suggestion())

    def _ask(self, request: Request) -> ExitCode | None:
        reply = self._session.ask(request, storing=SlowDisk(self._console).tell)
        self._refused = reply if isinstance(reply, Refused) else None
        if isinstance(reply, Refused):
            try:
                self._take_news(0)
            finally:
                # Told also where the engine ended over it.
                self._console.say_filled(f"REFUSED: {reply.reason}\nHINT: {reply.hint}")
        elif isinstance(request, LookAgain):
            self._console.say(f"  looking at {request.item} ...")
            self._teller.tell(looked_again(self._session, request.item, LOOK_WITHIN), self._suggestion())
            self._lines_put = ()
        elif isinstance(request, ShowStep):
            self._teller.step_was_opened()
            self._running.step_was_opened()
        return None

    def _close(self) -> ExitCode:
        self._teller.say(ended_lines(self._session.runbook, self._session.state, self._facts, self._program))
        self._console.say(f"The record lies in {self._session.folder.path}")
        return exit_code(self._session.state)

    def _leave(self) -> ExitCode:
        for line in showing.leaving_lines(self._session.state, self._come_back):
            self._console.say(line)
        living = isinstance(self._session.state.ending, Living)
        return ExitCode.PRECONDITION if living else exit_code(self._session.state)

    def _no_answer(self, question: Question) -> ExitCode | None:
        if self._session.state.executing:
            self._await_ends(question)
            return None
        refused = self._refused if (question.item, question.about) in self._answered else None
        self._teller.say(showing.unanswered_lines(question, refused, self._come_back))
        return question.without_answer

    def _await_ends(self, question: Question) -> None:
        """Nobody is there to answer; leave nothing running behind this program's end."""
        running = " and ".join(self._session.state.executing)
        self._console.say_filled(
            f"Nobody is there to answer for {question.item}; waiting for {running} first."
        )
        while self._session.state.executing:
            self._take_news(_BIDE)
            self._teller.say(self._running.lines(self._session))
