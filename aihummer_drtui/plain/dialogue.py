"""The dialogue of line mode: name the next thing, hear the operator, ask the engine, tell the news."""

import time
from typing import Final, assert_never

from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.errors import ExitCode
from aihummer_drtui.foreign import cleaned_bytes
from aihummer_drtui.plain import showing, words
from aihummer_drtui.plain.answers import Answers
from aihummer_drtui.plain.closing import closing_lines, exit_code
from aihummer_drtui.plain.console import Console, Line, News, Over, TimeUp
from aihummer_drtui.plain.question import Facts, Question, question_of
from aihummer_drtui.plain.verbs import EXPLAINED, SUMMARY, Spoken, Verb, parse_verb, request_of
from aihummer_drtui.run import suggestion as s
from aihummer_drtui.run.requests import Finish, Refused, Request, ShowStep

PROGRESS_EVERY: Final = 2.0
"""Seconds between two words on how far a command is."""
CHECK_WITHIN: Final = 5.0
"""Seconds after which waiting for a look is mentioned."""
_OUTPUT_BYTES: Final = 4_096
_OUTPUT_LINES: Final = 20


class Dialogue:
    """One sitting in line mode."""

    def __init__(self, *, session: Session, console: Console, answers: Answers, facts: Facts) -> None:
        self._session = session
        self._console = console
        self._answers = answers
        self._facts = facts
        self._answered: set[str] = set()
        self._progress_told = ""
        self._not_green_since: dict[str, float] = {}

    def run(self) -> ExitCode:
        """Go on until the run has ended, the operator leaves, or nobody can answer.

        Raises EngineGoneError when the engine ended meanwhile; nothing is lost then.
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
            case s.FinishRun():
                return self._ask(Finish())
            case s.OpenStep(step=step):
                self._ask(ShowStep(step=step.id))
                showing.show_step(self._console, self._session.runbook, self._session.state)
                return None
            case s.AwaitCheck(item=check):
                return self._await_look(suggestion, check.id)
            case s.AwaitCommand(item=command):
                return self._follow(suggestion, command.id)
            case _:
                return self._put(suggestion)

    def _suggestion(self) -> s.Suggestion:
        return s.sensible(self._session.runbook, self._session.state)

    def _question(self, suggestion: s.Suggestion) -> Question | None:
        output = self._output(suggestion.item.id) if isinstance(suggestion, s.StartAgain) else []
        return question_of(suggestion, self._session.state, self._answers, self._facts, output)

    def _put(self, suggestion: s.Suggestion) -> ExitCode | None:
        """Put the question, take the answer that was given beforehand, or hear one."""
        question = self._question(suggestion)
        if question is None:
            return None
        if question.may_change_by_itself and self._answers.given and not self._console.has_person:
            return self._wait_for_green(question)
        self._console.say()
        for line in question.lines:
            self._console.say_filled(line)
        if question.beforehand is not None and question.item not in self._answered:
            self._answered.add(question.item)
            self._console.say(f"> {question.beforehand}")
            return self._take(question, question.beforehand)
        self._console.say_filled(f"Answers: {question.answers}; or {SUMMARY}")
        return self._hear(suggestion, question)

    def _hear(self, suggestion: s.Suggestion, question: Question) -> ExitCode | None:
        self._console.prompt()
        while True:
            heard = self._console.hear(self._session, None)
            match heard:
                case Line(text=text):
                    if not self._console.has_person:
                        self._console.say(text)
                    return self._take(question, text)
                case News():
                    if self._overtaken(suggestion):
                        return None
                case TimeUp():
                    continue
                case Over():
                    return self._no_answer(question)
                case _ as never:
                    assert_never(never)

    def _overtaken(self, suggestion: s.Suggestion) -> bool:
        """Tell the news below the open prompt; True when another question is to be put now."""
        told = self._lines(self._session.wait(0))
        now = self._suggestion()
        if told or now != suggestion:
            self._console.end_prompt()
            self._say_all(told)
        if now == suggestion and told:
            self._console.prompt()
        return now != suggestion

    def _take(self, question: Question, text: str) -> ExitCode | None:
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
                self._console.say_filled(f"Answers: {question.answers}\n{EXPLAINED}")
            case Verb.LIST:
                showing.show_checklist(self._console, self._session.runbook, self._session.state)
            case Verb.WHY:
                showing.show_step(self._console, self._session.runbook, self._session.state)
            case Verb.OUTPUT:
                self._say_all(self._output(question.item) or ["  it has written nothing"])
            case _:
                request = request_of(spoken, question.item)
                if isinstance(request, str):
                    self._console.say(request)
                else:
                    self._ask(request)
                    if isinstance(request, ShowStep):
                        showing.show_step(self._console, self._session.runbook, self._session.state)
        return None

    def _await_look(self, suggestion: s.Suggestion, item: str) -> ExitCode | None:
        news = self._session.wait(CHECK_WITHIN)
        self._tell(news)
        if not news and self._suggestion() == suggestion:
            self._console.say(f"  looking at {item} ...")
        return None

    def _follow(self, suggestion: s.Suggestion, item: str) -> ExitCode | None:
        """Tell how a running command gets on until it ends or the operator says something."""
        heard = self._console.hear(self._session, PROGRESS_EVERY)
        match heard:
            case Line(text=text) if text and self._console.has_person:
                question = self._question(suggestion)
                return None if question is None else self._take(question, text)
            case Line(text=text) if text:
                # Lines that were piped in are answers to the questions to come.
                self._console.unread(text)
                self._tell(self._session.wait(PROGRESS_EVERY))
            case Over() | Line():
                self._tell(self._session.wait(PROGRESS_EVERY))
            case News() | TimeUp():
                self._tell(self._session.wait(0))
            case _ as never:
                assert_never(never)
        self._tell_progress(item)
        return None

    def _tell_progress(self, item: str) -> None:
        progress = self._session.progress(item)
        told = "" if progress is None else words.progress_text(progress)
        if told not in ("", self._progress_told) and item in self._session.state.running:
            self._console.say(f"  > {item}: {told}")
        self._progress_told = told

    def _wait_for_green(self, question: Question) -> ExitCode | None:
        """With nobody there, a check that is not green gets the time that was given for it."""
        since = self._not_green_since.setdefault(question.item, time.monotonic())
        left = self._answers.patience - (time.monotonic() - since)
        if left > 0:
            self._tell(self._session.wait(left))
            return None
        self._say_all(["", *question.lines])
        return self._no_answer(question)

    def _output(self, item: str) -> list[str]:
        attempt = self._session.attempt(item)
        if attempt is None:
            return []
        text = cleaned_bytes(attempt.output_tail(_OUTPUT_BYTES)).rstrip("\n")
        return [f"  | {line}" for line in text.split("\n")[-_OUTPUT_LINES:]] if text else []

    def _lines(self, news: list[Growth]) -> list[str]:
        return [line for one in news for line in words.news_lines(one.before, one.after, one.record)]

    def _tell(self, news: list[Growth]) -> None:
        self._say_all(self._lines(news))

    def _say_all(self, lines: list[str]) -> None:
        for line in lines:
            self._console.say(line)

    def _ask(self, request: Request) -> ExitCode | None:
        reply = self._session.ask(request)
        self._tell(self._session.wait(0))
        if isinstance(reply, Refused):
            self._console.say_filled(f"REFUSED: {reply.reason}\nHINT: {reply.hint}")
        return None

    def _close(self) -> ExitCode:
        self._say_all(closing_lines(self._session.runbook, self._session.state))
        self._console.say(f"The record lies in {self._session.folder.path}")
        return exit_code(self._session.state)

    def _leave(self) -> ExitCode:
        for line in showing.leaving_lines(self._session.state):
            self._console.say(line)
        return ExitCode.OK

    def _no_answer(self, question: Question) -> ExitCode:
        self._console.say()
        self._console.say_filled(
            f"Nobody is there to answer for {question.item}, so the run waits.\n"
            f"HINT: {question.hint}; then: aihummer-drtui resume {self._session.folder.id}"
        )
        return question.without_answer
