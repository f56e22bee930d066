"""One sitting: connect to the engine; in line mode talk, take up a new engine when one died, leave."""

import hashlib
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aihummer_drtui.cli.environment import PROGRAM, program_folders
from aihummer_drtui.cli.pointer import settings_of
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.world import facts_of
from aihummer_drtui.engine.client import EngineGoneError
from aihummer_drtui.engine.folder import RunFolder, find_run, state_dir
from aihummer_drtui.engine.launch import sit_down, this_program
from aihummer_drtui.engine.session import Reading, Session
from aihummer_drtui.errors import DrtuiError, ExitCode, PreconditionError
from aihummer_drtui.run.events import Record
from aihummer_drtui.run.requests import AcceptRunbook, Refused
from aihummer_drtui.run.state import Living

if TYPE_CHECKING:
    from aihummer_drtui.plain.answers import Answers
    from aihummer_drtui.plain.console import Console
    from aihummer_drtui.plain.dialogue import Dialogue

ENGINES: Final = 5
"""How many engines one sitting starts before it gives up on them."""


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """What a sitting needs to know."""

    settings: Settings
    run_id: str
    answers: "Answers"
    operator: str
    host: str
    as_json: bool
    accept_runbook: str

    def hold(self) -> ExitCode:
        """Talk until the run has ended or the operator leaves. Raises DrtuiError."""
        from aihummer_drtui.plain.console import Console

        folder = find_run(state_dir(self.settings.state_dir), self.run_id)
        settings = settings_of(folder, self.settings)
        console = Console.standard(talk=sys.stderr if self.as_json else sys.stdout)
        dialogue: Dialogue | None = None
        on_record = RecordPrinter() if self.as_json else None
        for tried in range(ENGINES):
            try:
                with self.attached(folder, settings, "line mode", on_record) as session:
                    if dialogue is None:
                        dialogue = self._begun(session, settings, console)
                    else:
                        dialogue.go_on(session)
                    return self._talk(session, console, dialogue)
            except EngineGoneError:
                if tried == ENGINES - 1:
                    raise
                console.say("\nThe engine ended. Nothing is lost: a new one goes on from the journal.")
        raise AssertionError("the last try returns or raises")

    def attached(
        self,
        folder: RunFolder,
        settings: Settings,
        front_end: str,
        on_record: Callable[[Record], None] | None,
    ) -> Session:
        """Sit down to the run, starting an engine where none lives. Raises DrtuiError."""
        from aihummer_drtui.cli.runbook_kept import kept_runbook

        words = engine_command(settings, folder)
        reading = Reading(folder, on_record)
        client = sit_down(
            folder,
            words,
            operator=self.operator,
            host=self.host,
            front_end=front_end,
            meanwhile=reading.read,
        )
        return Session(
            folder=folder, client=client, read=lambda text: kept_runbook(folder, text), reading=reading
        )

    def _begun(self, session: Session, settings: Settings, console: "Console") -> "Dialogue":
        from aihummer_drtui.plain.briefing import briefing_lines
        from aihummer_drtui.plain.dialogue import Dialogue
        from aihummer_drtui.plain.showing import greet

        come_back = coming_back(self.settings, session.folder)
        self.settle_runbook(session, come_back)
        greet(console, session.state, str(session.folder.path), come_back)
        self._name_strange_answers(session, console)
        facts = facts_of(session.state.declared, settings)
        if not session.state.step:
            for line in briefing_lines(session, facts):
                console.say_filled(line)
        return Dialogue(
            session=session,
            console=console,
            answers=self.answers,
            facts=facts,
            come_back=come_back,
            program=typed_program(settings),
        )

    def _talk(self, session: Session, console: "Console", dialogue: "Dialogue") -> ExitCode:
        try:
            return dialogue.run()
        except KeyboardInterrupt:
            from aihummer_drtui.plain.showing import leaving_lines

            console.end_prompt()
            for line in leaving_lines(session.state, coming_back(self.settings, session.folder)):
                console.say(line)
            return ExitCode.INTERRUPTED

    def _name_strange_answers(self, session: Session, console: "Console") -> None:
        """An answer to what is not in the runbook is a slip of the pen that would show at 3 a.m."""
        from aihummer_drtui.plain.answers import item_meant

        known = {item.id for item in session.runbook.items}
        strange = [name for name in self.answers.by_item if item_meant(name) not in known]
        if strange:
            console.say_filled(f"WARNING: the answers name what is not in this runbook: {', '.join(strange)}")

    def settle_runbook(self, session: Session, come_back: str) -> None:
        """A runbook edited since stops the resume until the operator accepts the difference.

        Raises PreconditionError with the difference, DrtuiError when there is no runbook to compare.
        """
        from aihummer_drtui.cli.runbook_file import runbook_of, trusted_text
        from aihummer_drtui.engine.runbook_text import runbook_difference, runbook_file, text_in_force

        if not isinstance(session.state.ending, Living):
            return
        source = session.state.declared.runbook_source
        where = source or "the shipped runbook"
        try:
            text = trusted_text(Path(source) if source else None)
        except DrtuiError as error:
            if not source or Path(source).exists():
                raise
            raise PreconditionError(
                "the runbook this run goes by is not there any more",
                where=source,
                hint=f"put it back; a copy is {runbook_file(session.folder, session.state.runbook_sha256)}",
            ) from error
        if hashlib.sha256(text.encode()).hexdigest() == session.state.runbook_sha256:
            return
        runbook_of(text, name=where)
        if not self.accept_runbook:
            difference = runbook_difference(text_in_force(session.folder, session.state), text)
            raise PreconditionError(
                f"the runbook was edited since this run went by it:\n{difference}",
                where=where,
                hint=f"{'put it back, or go' if source else 'go'} on with the new text, which counts as a "
                f"deviation: {come_back} --accept-runbook 'REASON'",
            )
        reply = session.ask(AcceptRunbook(text=text, reason=self.accept_runbook))
        if isinstance(reply, Refused):
            raise PreconditionError(reply.reason, where=where, hint=reply.hint)


def coming_back(settings: Settings, folder: RunFolder) -> str:
    """The command line that resumes the run, as it has to be typed here."""
    words = [_program()]
    if settings.state_dir is not None:
        words += ["--state-dir", str(folder.path.parent.parent)]
    return shlex.join([*words, "resume", folder.id])


def typed_program(settings: Settings) -> str:
    """This program as it has to be typed here to act on the target that it acts on now."""
    words = [_program()]
    if settings.target_path is not None:
        words += ["--target", str(settings.target_path.absolute())]
    return shlex.join(words)


def _program() -> str:
    folders = () if shutil.which(PROGRAM) else program_folders()
    return str(Path(folders[0]) / PROGRAM) if folders else PROGRAM


def engine_command(settings: Settings, folder: RunFolder) -> list[str]:
    """The words that start an engine for the run, with this command line's settings."""
    words = [*this_program()]
    if settings.target_path is not None:
        words += ["--target", str(settings.target_path.absolute())]
    return [*words, "--state-dir", str(folder.path.parent.parent), "engine", folder.id]


class RecordPrinter:
    """Prints every event of a run, one a line, on stdout: from the first on, and none twice."""

    def __init__(self) -> None:
        self._printed = 0

    def __call__(self, record: Record) -> None:
        """Print a record, unless it was printed before the engine was replaced."""
        from aihummer_drtui.cli.json_text import json_text

        if record.sequence > self._printed:
            self._printed = record.sequence
            sys.stdout.write(json_text(record) + "\n")
            sys.stdout.flush()
