"""The telling side of a sitting: news as it comes, the open step when it is opened, what commands wrote."""

from aihummer_drtui.engine.session import Growth, Session
from aihummer_drtui.plain import showing
from aihummer_drtui.plain.console import Console
from aihummer_drtui.plain.news import lines_of
from aihummer_drtui.run import suggestion as s


class Teller:
    """Says things on the console. Decides nothing, and asks nothing of anybody."""

    def __init__(self, session: Session, console: Console) -> None:
        self._session = session
        self._console = console
        self._steps_shown: set[str] = set()
        self._step_told = ""

    def go_on(self, session: Session) -> None:
        """Take up the run again under a new engine; tell what was not seen in between."""
        before, self._session = self._session.state, session
        self.say(showing.caught_up_lines(before, session.state))

    def say(self, lines: list[str]) -> None:
        """Say each line, filled."""
        for line in lines:
            self._console.say_filled(line)

    def tell(self, news: list[Growth], coming: s.Suggestion) -> None:
        """Tell the news but for what the coming question shows."""
        self.say(self.news(news, coming))

    def news(self, news: list[Growth], coming: s.Suggestion | None) -> list[str]:
        """The news as lines."""
        return lines_of(news, self._session.runbook, coming, self.output)

    def output(self, item: str) -> list[str]:
        """The last lines that a command wrote."""
        return showing.output_lines(self._session.attempt(item))

    def show_step(self, step: str = "", *, only_list: bool = False) -> None:
        """Show a step that was asked for, its text too or its checklist alone; else the open one."""
        runbook, state = self._session.runbook, self._session.state
        if only_list:
            showing.show_checklist(self._console, runbook, state, step)
        else:
            showing.show_step(self._console, runbook, state, step)

    def show_open_step_once(self, *, brief: bool = False) -> None:
        """Show the open step when it was opened since; its text only the first time."""
        step = self._session.state.step
        if step != self._step_told:
            brief = brief or step in self._steps_shown
            showing.show_step(self._console, self._session.runbook, self._session.state, brief=brief)
            self._steps_shown.add(step)
            self._step_told = step

    def step_was_opened(self) -> None:
        """Show the open step again: somebody asked to go there."""
        self._step_told = ""
