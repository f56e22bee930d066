"""An engine as the product's own, over a scripted world: `engine_program STATE RUN LINGER [POINT]`.

POINT makes it die by SIGKILL at a certain moment: `before:command-ended` is right before that event
is journalled, `after:command-ended` right after it is durable.
"""

import asyncio
import hashlib
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec

from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.folder import find_run
from aihummer_drtui.engine.journal import Journal
from aihummer_drtui.engine.launch import NotReady, Ready, announce
from aihummer_drtui.engine.lock import Holder, take_lock, take_target_lock
from aihummer_drtui.engine.process import Engine
from aihummer_drtui.engine.tabletop import Tabletop
from aihummer_drtui.engine.takeover import record_taking
from aihummer_drtui.engine.world import Outside, World
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.run.events import Event, Mode, Record, RunDeclared
from aihummer_drtui.run.fold import fold
from aihummer_drtui.runbook.model import Runbook
from aihummer_drtui.testing import ScriptedCatalogue

WORLD = "world.json"
PATH = "/usr/local/bin:/usr/bin:/bin"


def read_json_runbook(text: str) -> Runbook:
    """A runbook written as JSON: the form is no matter of the engine's."""
    try:
        runbook = msgspec.json.decode(text, type=Runbook)
    except msgspec.DecodeError as error:
        raise PreconditionError(f"no runbook: {error}", hint="mend it") from error
    return msgspec.structs.replace(runbook, sha256=hashlib.sha256(text.encode()).hexdigest())


class MortalJournal(Journal):
    """A journal that takes its process with it at the point named."""

    point = ""

    def append(self, event: Event, actor: str) -> Record:
        """Append, and die if it is the time."""
        tag = event.__struct_config__.tag
        if self.point == f"before:{tag}":
            os.kill(os.getpid(), signal.SIGKILL)
        record = super().append(event, actor)
        if self.point == f"after:{tag}":
            os.kill(os.getpid(), signal.SIGKILL)
        return record


def world_of(state: Path, declared: RunDeclared) -> World:
    """The scripted world, or none for a tabletop."""
    if declared.mode is Mode.TABLETOP:
        return Tabletop(declared.target)
    return Outside(ScriptedCatalogue(state / WORLD), {"PATH": PATH, "DRTUI_RUN": declared.run})


def main(state: Path, run: str, linger: float, point: str) -> None:
    """Take up the run and serve it."""
    MortalJournal.point = point
    clock = SystemClock()
    os.umask(0o077)
    try:
        with ExitStack() as held:
            folder = find_run(state, run)
            holder = Holder.this_process(run=folder.id, operator="engine", clock=clock)
            held.enter_context(take_lock(folder.lock, holder))
            journal = MortalJournal.open(folder.path, clock)
            held.callback(journal.close)
            record_taking(folder, journal)
            declared = fold(journal.found).declared
            held.enter_context(take_target_lock(state, declared.target_key, holder))
            engine = Engine(
                folder=folder,
                journal=journal,
                read=read_json_runbook,
                world=world_of(state, declared),
                clock=clock,
                linger=linger,
            )
            asyncio.run(engine.serve(lambda: announce(Ready(pid=os.getpid()))))
    except DrtuiError as error:
        announce(NotReady(what=error.what, where=error.where, hint=error.hint, exit_code=error.exit_code))
        # As the command line ends: whatever is no DrtuiError leaves a traceback, which tests look for.
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), *(sys.argv[4:] or [""]))
