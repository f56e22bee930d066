"""The dialogue of line mode: name the next thing, hear the operator, ask the engine, tell the news."""

import time
from typing import Final, assert_never

from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.plain import showing
from aihummer_drtui.plain.answers import Answers
from aihummer_drtui.plain.closing import closing_lines, exit_code
from aihummer_drtui.plain.console import Console, Garbled, Line, News, Over, TimeUp
from aihummer_drtui.plain.news import lines_of
from aihummer_drtui.plain.pace import Pace
from aihummer_drtui.plain.question import Facts, Question, question_of
from aihummer_drtui.plain.verbs import EXPLAINED, Spoken, Verb, command_named, parse_verb, request_of
from aihummer_drtui.plain.waiting import Patience, is_probed, item_followed, looked_again, not_looked_again
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.legal import latest_attempt
from aihummer_drtui.run.requests import Finish, LookAgain, ProbeOutcome, Refused, Request, ShowStep
from aihummer_drtui.run.state import Living
from aihummer_drtui.runbook.model import CheckItem, CommandItem

_BIDE: Final = 2.0
"""Seconds between two looks at how far something is."""
_LOOK_WITHIN: Final = 30.0
"""Seconds to wait for a look that the operator asked for."""


class Dialogue:
    """One sitting in line mode. `come_back` is the command line that resumes the run."""

    def __init__(
        self, *, session: Session, console: Console, answers: Answers, facts: Facts, come_back: str
    ) -> None:
        self._session = session
        self._console = console
        self._answers = answers
        self._facts = facts
        self._come_back = come_back
        self._answered: set[str] = set()
        self._refused: Refused | None = None
        """The last request's refusal, if it was refused."""
        self._steps_shown: set[str] = set()
        self._step_told = ""
        self._lines_put: tuple[str, ...] = ()
        self._pace: Pace | None = None
        self._wanted: CommandItem | None = None
        """What `rerun` asked for; it lasts until the next answer."""
        self._patience = Patience(seconds=answers.patience)
        self._round = not_looked_again(session.runbook, session.state)
        self._round_since = time.monotonic()

    def go_on(self, session: Session) -> None:
        """Take up the run again under a new engine; tell what was not seen in between."""
        before, self._session = self._session.state, session
        self._say_all(showing.caught_up_lines(before, session.state))
        self._round = not_looked_again(session.runbook, session.state)
        self._round_since = time.monotonic()
        # An answer that was on its way may not have come to the old engine.
        self._answered.clear()

    def run(self) -> ExitCode:
        """Go on until the run has ended, the operator leaves, or nobody can answer.

        Raises EngineGoneError when the engine ended meanwhile, and UnknownOutcomeError when it lives and
        does not answer; nothing is lost.
        """
        while True:
            self._tell(self._session.wait(0))
            ended = self._next()
            if ended is not None:
                return ended

    def _next(self) -> ExitCode | None:
        suggestion = self._suggestion()
        match suggestion:
            case s.NothingLeft():
                return self._close()
            case s.AwaitCommand(item=command):
                return self._follow(suggestion, command.id)
            case _ if self._round:
                return self._await_round(min(self._round))
            case s.FinishRun():
                return self._ask(Finish())
            case s.OpenStep(step=step):
                self._ask(ShowStep(step=step.id))
                return None
            case s.AwaitCheck(item=check):
                return self._await_look(suggestion, check.id)
            case s.ResolveUnknown(item=lost) if not is_probed(self._session.state, lost.id):
                self._console.say(f"  probing {lost.id} ...")
                return self._ask(ProbeOutcome(item=lost.id))
            case _:
                return self._put(suggestion)

    def _suggestion(self) -> s.Suggestion:
        runbook, state = self._session.runbook, self._session.state
        running = item_followed(runbook, state)
        if running is not None:
            return s.AwaitCommand(item=running)
        return s.sensible(runbook, state) if self._wanted is None else s.Start(item=self._wanted)

    def _question(self, suggestion: s.Suggestion) -> Question | None:
        output = self._output(suggestion.item.id) if isinstance(suggestion, s.StartAgain) else []
        return question_of(suggestion, self._session.state, self._answers, self._facts, output)

    def _put(self, suggestion: s.Suggestion) -> ExitCode | None:
        """Put the question, take the answer that was given beforehand, or hear one."""
        self._show_step_once()
        question = self._question(suggestion)
        if question is None:
            return None
        waits = question.may_change_by_itself and not self._console.has_person
        if waits and (left := self._patience.left(question.item, time.monotonic())) > 0:
            self._tell(self._session.wait(left))
            return None
        self._console.say()
        if question.lines == self._lines_put:
            self._console.say_filled(f"Still open: {question.lines[0]}")
        else:
            self._say_all(list(question.lines))
        self._lines_put = question.lines
        if question.beforehand is not None and question.item not in self._answered:
            self._answered.add(question.item)
            self._console.say(f"> {question.beforehand}")
            return self._take(question, question.beforehand)
        self._console.say_filled(f"Answers: {question.answers}. Also: {question.also}")
        self._console.prompt()
        return self._hear(suggestion, question)

    def _hear(self, suggestion: s.Suggestion, question: Question) -> ExitCode | None:
        while True:
            heard = self._console.hear(self._session, None)
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
                    continue
                case Over() if self._console.has_person:
                    self._console.end_prompt()
                    return self._leave()
                case Over():
                    self._console.end_prompt()
                    return self._no_answer(question)
                case _ as never:
                    assert_never(never)

    def _overtaken(self, suggestion: s.Suggestion, question: Question) -> bool:
        """Tell the news below the open prompt; True when another question is to be put now."""
        news = self._session.wait(0)
        now = self._suggestion()
        told = self._lines(news, now if now != suggestion else None)
        if told or now != suggestion:
            self._console.end_prompt()
            self._say_all(told)
        if told and now == suggestion:
            self._console.say_filled(f"Still open: {question.lines[0]}")
            self._console.prompt_again()
        return now != suggestion

    def _take(self, question: Question, text: str) -> ExitCode | None:
        self._wanted = None
        spoken = parse_verb(text)
        if spoken is not None:
            return self._obey(spoken, question)
        parsed = question.parse(text)
        if isinstance(parsed, str):
            self._console.say_filled(parsed)
            return None
        return self._ask(parsed)

    def _obey(self, spoken: Spoken, question: Question) -> ExitCode | None:
        match spoken.verb:
            case Verb.QUIT:
                return self._leave()
            case Verb.HELP:
                self._console.say_filled(f"Answers: {question.answers}.\n{EXPLAINED}")
            case Verb.LIST:
                showing.show_checklist(self._console, self._session.runbook, self._session.state)
            case Verb.WHY:
                showing.show_step(self._console, self._session.runbook, self._session.state)
            case Verb.OUTPUT:
                self._say_all(self._output(question.item) or ["  it has written nothing"])
            case Verb.RERUN:
                command = command_named(spoken, self._session.runbook)
                if isinstance(command, str):
                    self._console.say_filled(command)
                else:
                    self._wanted = command
            case _:
                request = request_of(spoken, question.item, self._session.runbook)
                if isinstance(request, str):
                    self._console.say_filled(request)
                else:
                    self._ask(request)
        return None

    def _show_step_once(self) -> None:
        """Show the open step when it was opened since; its text only the first time."""
        step = self._session.state.step
        if step != self._step_told:
            brief = step in self._steps_shown
            showing.show_step(self._console, self._session.runbook, self._session.state, brief=brief)
            self._steps_shown.add(step)
            self._step_told = step

    def _bide(self, suggestion: s.Suggestion, seconds: float) -> ExitCode | None:
        """Let time pass until there is news, hearing a person meanwhile; piped lines wait for questions."""
        if not self._console.has_person:
            self._tell(self._session.wait(seconds))
            return None
        heard = self._console.hear(self._session, seconds)
        match heard:
            case Line(text=text):
                question = self._question(suggestion) if text else None
                return None if question is None else self._take(question, text)
            case Garbled(why=why):
                self._console.say_filled(why)
            case News() | TimeUp():
                self._tell(self._session.wait(0))
            case Over():
                return self._leave()
            case _ as never:
                assert_never(never)
        return None

    def _await_round(self, item: str) -> ExitCode | None:
        """What had passed before this sitting is looked at again first: what drifted shows the way."""
        check = self._session.runbook.item(item)
        if isinstance(check, CheckItem):
            ended = self._bide(s.AwaitCheck(item=check), _BIDE)
            left = not_looked_again(self._session.runbook, self._session.state)
            now = time.monotonic()
            if left != self._round:
                self._round, self._round_since = left, now
            elif now - self._round_since > _LOOK_WITHIN:
                # Looks that are silent for so long are waited for one by one, in their steps.
                self._round = frozenset()
            return ended
        return None

    def _await_look(self, suggestion: s.Suggestion, item: str) -> ExitCode | None:
        self._show_step_once()
        ended = self._bide(suggestion, _BIDE)
        if ended is None and self._suggestion() == suggestion:
            waited = self._patience.waited(item, time.monotonic())
            if waited:
                self._console.say(f"  looking at {item}, {duration_text(waited)} so far ...")
        return ended

    def _follow(self, suggestion: s.Suggestion, item: str) -> ExitCode | None:
        """Tell how a running command gets on until it ends or the operator says something."""
        latest = latest_attempt(self._session.state, item)
        number, now = (0 if latest is None else latest.number), time.monotonic()
        if self._pace is None or (self._pace.item, self._pace.attempt) != (item, number):
            self._pace = Pace.begin(item, number, now)
            if self._console.has_person:
                self._console.say_filled(
                    "While it runs you may type: stop, output, note TEXT, quit. It goes on without you."
                )
        ended = self._bide(suggestion, _BIDE)
        if item in self._session.state.running:
            said = self._pace.word(self._session.progress(item), time.monotonic())
            if said:
                self._console.say_filled(said)
        return ended

    def _output(self, item: str) -> list[str]:
        return showing.output_lines(self._session.attempt(item))

    def _tell(self, news: list[Growth]) -> None:
        self._say_all(self._lines(news, self._suggestion()))

    def _lines(self, news: list[Growth], coming: s.Suggestion | None) -> list[str]:
        return lines_of(news, self._session.runbook, coming, self._output)

    def _say_all(self, lines: list[str]) -> None:
        for line in lines:
            self._console.say_filled(line)

    def _ask(self, request: Request) -> ExitCode | None:
        reply = self._session.ask(request)
        self._refused = reply if isinstance(reply, Refused) else None
        if isinstance(reply, Refused):
            self._tell(self._session.wait(0))
            self._console.say_filled(f"REFUSED: {reply.reason}\nHINT: {reply.hint}")
        elif isinstance(request, LookAgain):
            self._console.say(f"  looking at {request.item} ...")
            self._tell(looked_again(self._session, request.item, _LOOK_WITHIN))
            self._lines_put = ()
        elif isinstance(request, ShowStep):
            self._step_told = ""
        return None

    def _close(self) -> ExitCode:
        self._say_all(closing_lines(self._session.runbook, self._session.state))
        self._console.say(f"The record lies in {self._session.folder.path}")
        return exit_code(self._session.state)

    def _leave(self) -> ExitCode:
        for line in showing.leaving_lines(self._session.state, self._come_back):
            self._console.say(line)
        living = isinstance(self._session.state.ending, Living)
        return ExitCode.PRECONDITION if living else exit_code(self._session.state)

    def _no_answer(self, question: Question) -> ExitCode:
        refused = self._refused if question.item in self._answered else None
        self._say_all(showing.unanswered_lines(question, refused, self._come_back))
        return question.without_answer
