"""An operator's desk: a state folder, a target, a runbook, a terminal; real processes, a scripted world."""

import os
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Orphaned, Running
from aihummer_drtui.engine.folder import RunFolder, list_runs
from aihummer_drtui.engine.journal_reading import inspect_journal, read_journal
from aihummer_drtui.engine.lock import holder_of
from aihummer_drtui.run.events import Event
from aihummer_drtui.run.fold import fold
from aihummer_drtui.run.state import RunState
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.testing import Script, ScriptedCatalogue, ScriptedCheck
from tests.cli import scripted_program
from tests.cli.own_terminal import started_on_terminal
from tests.engine.engine_house import gone

E = TypeVar("E", bound=Event)
WITHIN = 60.0
PHRASE = "db.example/aihummer"

_GUIDE = """**Why.** To know.
**Expect.** All well.
**Time.** A minute.
**Undo.** Nothing is changed.
**Call.** The team.
"""

BOOK = (
    """+++
id = "small"
title = "A small one"
version = "1"
owner = "Team"
reviewed = 2026-03-14
rto = "2h"
rpo = "1d"

[levels]
up = ["work/healthz"]
serving = ["work/healthz"]
proven = ["work/healthz", "done/confirm-1"]
+++

# A small one

## 1. Look {#look}

"""
    + _GUIDE
    + """
- [ ] `input:BACKUP_SET` Folder of the set.
- [ ] The users know.
- [ ] `check:gateway-env` The settings are complete.

## 2. Work {#work}

"""
    + _GUIDE
    + """
- [ ] `command:prepare` Prepare.

  ```sh
  @PREPARE@
  ```

  ```toml
  time-out = "1m"
  expect = "Prepared."
  undo = "None is needed."
  probe = "@PROBE@"
  ```

- [ ] `command:swap` Swap them.

  ```sh
  echo "swapped for $DRTUI_CONFIRM"
  ```

  ```toml
  time-out = "1m"
  expect = "Swapped."
  destructive = true
  destroys = "The old one."
  undo = "Swap again."
  probe = "exit 1"
  ```

- [ ] `check:healthz` It answers.

## 3. Done {#done}

"""
    + _GUIDE
    + """
- [ ] All is well.
"""
)


def passing(**others: ScriptedCheck) -> Script:
    """A world in which every check passes but those told otherwise (`_` for `-`)."""
    checks = {"gateway-env": ScriptedCheck(interval=0.2), "healthz": ScriptedCheck(interval=0.2)}
    return Script(checks=checks | {name.replace("_", "-"): check for name, check in others.items()})


def red(observed: str = "it is not so") -> ScriptedCheck:
    """A look that fails."""
    return ScriptedCheck(verdict=Verdict.FAILED, observed=observed, interval=0.2)


@dataclass(kw_only=True)
class Terminal:
    """A program on a terminal of its own. Nothing is echoed or translated: its bytes are seen as they are."""

    process: subprocess.Popen[bytes]
    master: int
    everything: bytearray = field(default_factory=bytearray)
    since: str = ""
    _seen: int = 0

    def expect(self, text: str) -> str:
        """Wait until that text comes, and give all that came since the last one, spaces made single.

        Lines are filled: a space in `text` may be a new line.
        """
        return self.expect_pattern(re.compile(r"\s+".join(re.escape(word) for word in text.split(" "))))

    def expect_pattern(self, pattern: re.Pattern[str]) -> str:
        """Wait until what fits the pattern comes; gives as `expect`."""
        wanted = re.compile(pattern.pattern.encode())
        deadline = time.monotonic() + WITHIN
        while (found := wanted.search(self.everything, self._seen)) is None:
            assert self.watch(deadline - time.monotonic()), f"no {wanted!r} in:\n{self.text}"
        came, self._seen = self.everything[self._seen : found.end()].decode(), found.end()
        return " ".join(came.split())

    def rest_of_question(self) -> str:
        """Wait for the prompt, and give what came before it."""
        self._prompt()
        return self.since

    def prompted(self, question: str) -> str:
        """Wait for the prompt of that question, and give all that came before it."""
        came = self.expect(question)
        self._prompt()
        return came + " " + self.since

    def _prompt(self) -> None:
        begin = self._seen
        deadline = time.monotonic() + WITHIN
        while (at := self.everything.find(b"\n> ", self._seen)) < 0:
            assert self.watch(deadline - time.monotonic()), f"no prompt in:\n{self.text}"
        self._seen = at + 3
        self.since = " ".join(self.everything[begin:at].decode().split())

    def type(self, text: str, *, enter: str = "\n") -> None:
        """Press keys."""
        os.write(self.master, (text + enter).encode())

    def answer(self, question: str, text: str) -> str:
        """Wait for the prompt of that question, type an answer, and give all that came before it."""
        came = self.prompted(question)
        self.type(text)
        return came

    def end(self) -> int:
        """Wait for the program's end and give its exit code; negative for a signal."""
        deadline = time.monotonic() + WITHIN
        while self.watch(deadline - time.monotonic()):
            pass
        return self.process.wait(WITHIN)

    def hang_up(self) -> None:
        """Close the terminal, as a connection that is lost does."""
        os.close(self.master)
        self.master = -1

    @property
    def text(self) -> str:
        """All that came."""
        return self.everything.decode()

    def watch(self, seconds: float) -> bool:
        """Take in what comes within that time; False when nothing came, or nothing will any more."""
        if not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self.master, 65_536)
        except OSError:
            # EIO: nobody has the other end open any more (pty(7)).
            data = b""
        self.everything += data
        return bool(data)


@dataclass(kw_only=True)
class Desk:
    """What an operator has."""

    place: Path
    world: ScriptedCatalogue
    before_engine: tuple[str, ...] = ()
    """Words in front of the engine's own, in every call from now on."""
    terminals: list[Terminal] = field(default_factory=list)

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.place / "state"

    @property
    def target(self) -> Path:
        """The target's configuration."""
        return self.place / "target.toml"

    @property
    def runbook(self) -> Path:
        """The team's own runbook."""
        return self.place / "book.md"

    def write_runbook(self, *, prepare: str = "echo prepared", probe: str = "exit 1") -> None:
        """Write the runbook with that script in its first command."""
        self.runbook.write_text(BOOK.replace("@PREPARE@", prepare).replace("@PROBE@", probe))
        self.runbook.chmod(0o600)

    def words(self, *arguments: str | Path) -> list[str]:
        """The words of a call of the command line with this desk's folder."""
        program = [sys.executable, scripted_program.__file__, "--state-dir", str(self.state)]
        return [*program, *map(str, arguments)]

    def run_words(self, *arguments: str | Path) -> list[str]:
        """The words that begin a run by this desk's runbook on its target."""
        return self.words("--target", self.target, "run", "--runbook", self.runbook, *arguments)

    def call(
        self, words: list[str], *, text: str = "", code: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the program to its end with that text as its input."""
        ended = subprocess.run(
            words,
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environment(),
        )
        if code is not None:
            assert ended.returncode == code, f"{ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def environment(self) -> dict[str, str]:
        """What the program finds in its environment."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DRTUI_")}
        given = {
            "SCRIPTED_WORLD": str(self.place / "world.json"),
            "BEFORE_ENGINE": shlex.join(self.before_engine),
        }
        return {**inherited, **given}

    def sit(self, words: list[str], *, ignore_hang_up: bool = False) -> Terminal:
        """Run the program on a terminal."""
        process, master = started_on_terminal(
            words, self.environment(), set_up=_as_it_is, ignore_hang_up=ignore_hang_up
        )
        terminal = Terminal(process=process, master=master)
        self.terminals.append(terminal)
        return terminal

    def resume(self, *arguments: str) -> Terminal:
        """Come back to the run on a terminal."""
        return self.sit(self.words("resume", *arguments))

    def folder(self) -> RunFolder:
        """The newest run: ids of one minute are in no order, so the first records tell."""
        begun = {inspect_journal(run.path).records[0].wall: run for run in list_runs(self.state)}
        return begun[max(begun)]

    def now(self) -> RunState:
        """The state of the newest run."""
        return fold(read_journal(self.folder().path))

    def of_kind(self, kind: type[E]) -> list[E]:
        """The events of that kind in the newest run."""
        return [one.what for one in read_journal(self.folder().path) if isinstance(one.what, kind)]

    def end_engine(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the newest run's engine a signal and wait until it is gone."""
        holder = holder_of(self.folder().lock)
        assert holder is not None
        os.kill(holder.process.pid, number)
        gone(holder.process)

    def pipe(self, name: str) -> Path:
        """A named pipe, by which a command and a test wait for each other."""
        path = self.place / name
        os.mkfifo(path)
        return path

    def clear(self) -> None:
        """End whatever the test left running."""
        for terminal in self.terminals:
            if terminal.process.poll() is None:
                terminal.process.kill()
                terminal.process.wait()
            if terminal.master >= 0:
                os.close(terminal.master)
        if not self.state.is_dir():
            return
        for folder in list_runs(self.state):
            holder = holder_of(folder.lock)
            if holder is not None:
                os.kill(holder.process.pid, signal.SIGTERM)
                gone(holder.process)
            for path in folder.path.glob("attempts/*"):
                seen = Attempt(path).look()
                if isinstance(seen, Running | Orphaned):
                    os.killpg(seen.child.pid, signal.SIGKILL)
                    gone(seen.child)


def _as_it_is(terminal: int) -> None:
    """Let the terminal echo and translate nothing."""
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, settings)


@contextmanager
def a_desk(place: Path) -> Iterator[Desk]:
    """A desk in a new folder: a real target, a small runbook, a world where all is well."""
    world = ScriptedCatalogue(place / "world.json")
    world.tell(passing())
    desk = Desk(place=place, world=world)
    desk.target.write_text(f'name = "shop"\ngateway-env = "{place}/gateway.env"\n')
    desk.target.chmod(0o600)
    desk.write_runbook()
    try:
        yield desk
    finally:
        desk.clear()


def linear(text: str) -> bool:
    """Whether a text goes only forward: no escape, no carriage return, no other control (case U02)."""
    return re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text) is None
