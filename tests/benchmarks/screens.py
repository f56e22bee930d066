"""The screens over a real pty at 80x24, a real engine behind them, beside an empty Textual application."""

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aihummer_drtui.engine.journal_reading import JOURNAL
from aihummer_drtui.engine.record import decode_all, encode
from aihummer_drtui.run.events import CheckObserved, Record
from aihummer_drtui.run.verdict import Observation, Verdict
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.benchmarks.at_pty import QUIET, Seat, seated
from tests.benchmarks.side_by_side import (
    AtMost,
    Comparison,
    Contender,
    Measured,
    MemoryUnder,
    SecondsUnder,
    WireUnder,
)
from tests.benchmarks.subjects import Setting
from tests.cli.at_screens import ScreenTerminal
from tests.cli.desk import Desk, a_desk
from tests.cli.test_screens import walk_to_work

_EMPTY: Final = """
from textual.app import App
from textual.widgets import Static
class Empty(App[None]):
    ENABLE_COMMAND_PALETTE = False
    def compose(self):
        yield Static("ready")
Empty().run(mouse=False)
"""
_SHIPPED: Final = Path(__file__).parents[2] / "runbooks" / "disaster-recovery.md"
_FLOOD: Final = (
    'while :; do seq -f "restored %g rows of a table, and more are to come" 1 1000; sleep 0.1; done'
)
"""Ten thousand lines a second at most, as many as a shell alone writes without taking a whole core."""
_PAINT: Final = (
    "starting Python, Click, msgspec and Textual: of 0.48 s of processor time Textual's modules take 0.34"
)


@contextmanager
def screens(setting: Setting) -> Iterator[Sequence[Comparison]]:
    """A run of the shipped runbook, one of a flood, one of a hundred thousand events."""
    folders = [setting.folder / name for name in ("shipped", "flood", "long")]
    for folder in folders:
        folder.mkdir()
    with a_desk(folders[0]) as shipped, a_desk(folders[1]) as flooded, a_desk(folders[2]) as long:
        _take_shipped_runbook(shipped)
        _begin_second_step(shipped)
        flooded.write_runbook(prepare=_FLOOD)
        flooded.runbook.write_text(flooded.runbook.read_text().replace('time-out = "1m"', 'time-out = "1h"'))
        _begin_flood(flooded)
        _walk(long)
        _lengthen(long, 2_000 if setting.quick else 100_000)
        yield (
            _first_paint(shipped),
            _moving(shipped),
            _idle(shipped, seconds=3 if setting.quick else 20),
            _flood(flooded, seconds=5 if setting.quick else 15),
            _memory(flooded, minutes=0.1 if setting.quick else 2),
            _many_events(long),
        )


def _environment(desk: Desk) -> dict[str, str]:
    return {**desk.environment(), "TERM": "xterm-256color", "LANG": "C.UTF-8"}


def _take_shipped_runbook(desk: Desk) -> None:
    desk.runbook.write_bytes(_SHIPPED.read_bytes())
    from aihummer_drtui.recovery.catalogue import check_names

    desk.world.tell(Script(checks={name: ScriptedCheck(interval=30) for name in check_names()}))


def _begin_second_step(desk: Desk) -> None:
    with seated(desk.run_words("--mode", "real"), _environment(desk)) as seat:
        seat.read("BRIEFING", "Enter=go on")
        seat.terminal.press_while("Enter=go on", "\r")
        seat.read("Step 1 of")
        seat.pressed("2", lambda shown: "Step 2 of" in shown)


def _walk(desk: Desk) -> None:
    with seated(desk.run_words("--mode", "real"), _environment(desk)) as seat:
        walk_to_work(seat.terminal)


def _begin_flood(desk: Desk) -> None:
    with seated(desk.run_words("--mode", "real"), _environment(desk)) as seat:
        walk_to_work(seat.terminal)
        seat.terminal.enter_when("start work/prepare")
        seat.read("following")


def _lengthen(desk: Desk, count: int) -> None:
    """Give the run that many events more, as a check that is looked at for days leaves them."""
    desk.end_engine(signal.SIGTERM)
    journal = desk.folder().path / JOURNAL
    known = decode_all(journal.read_bytes())
    chain, last = known.chain, known.records[-1]
    with journal.open("ab") as file:
        for number in range(count):
            verdict = Verdict.PASSED if number % 2 else Verdict.FAILED
            seen = Observation(verdict=verdict, expected="it is so", observed=f"seen {number}")
            what = CheckObserved(item="look/gateway-env", observation=seen)
            record = Record(
                version=last.version,
                sequence=chain.sequence + 1,
                previous=chain.digest,
                boot_id=last.boot_id,
                boottime=last.boottime,
                wall=last.wall,
                actor="engine",
                what=what,
            )
            line, chain = encode(record, chain)
            file.write(line)


@dataclass(frozen=True, kw_only=True)
class _Painting:
    """A program, and what can be read once its first paint is of use."""

    words: Sequence[str]
    environment: dict[str, str]
    useful: tuple[str, ...]

    def measure(self) -> Measured:
        """Seconds until it can be read; bytes until nothing more comes of the first paint."""
        with seated(self.words, self.environment) as seat:
            seconds = seat.read(*self.useful)
            seat.watch(QUIET)
            return Measured(seconds=seconds, wire=seat.wrote())


def _first_paint(desk: Desk) -> Comparison:
    environment = _environment(desk)
    paints = {
        "empty Textual application": _Painting(
            words=[sys.executable, "-c", _EMPTY], environment=environment, useful=("ready",)
        ),
        "home": _Painting(
            words=desk.words("--target", desk.target), environment=environment, useful=("Enter: Resume",)
        ),
        "resume": _Painting(
            words=desk.words("resume"), environment=environment, useful=("Step 2 of", "Enter: ", "engine ok")
        ),
    }
    ours = ("home", "resume")
    return Comparison(
        name="first useful paint",
        baseline="empty Textual application",
        contenders=[Contender(name=name, run=each.measure) for name, each in paints.items()],
        goals=[goal for name in ours for goal in (AtMost(contender=name, times=1.3), _wire(name, 12_000))],
        limit=_PAINT,
    )


def _wire(name: str, size: int) -> WireUnder:
    return WireUnder(contender=name, size=size)


def _one(name: str, work: Contender, *goals: SecondsUnder | WireUnder | MemoryUnder) -> Comparison:
    return Comparison(name=name, baseline=work.name, contenders=(work,), goals=goals)


def _moving(desk: Desk) -> Comparison:
    def measure() -> Measured:
        with seated(desk.words("resume"), _environment(desk)) as seat:
            seat.read("Step 2 of", "Enter: ", "engine ok")
            seat.watch(QUIET)
            seconds, wire = [], []
            for key in ["\x1b[B"] * 3 + ["\x1b[A"] * 3:
                marked, before = _selected(seat.terminal), seat.wrote()
                seconds.append(seat.pressed(key, _moved_from(seat.terminal, marked)))
                seat.watch(0.3)
                wire.append(seat.wrote() - before)
            return Measured(seconds=statistics.median(seconds), wire=int(statistics.median(wire)))

    name = "moving the selection"
    work = Contender(name="Up and Down in a step", run=measure)
    return _one(
        name,
        work,
        SecondsUnder(contender=work.name, seconds=0.030),
        WireUnder(contender=work.name, size=1_000),
    )


def _moved_from(terminal: ScreenTerminal, row: int) -> Callable[[str], bool]:
    return lambda _: _selected(terminal) not in {row, -1}


def _selected(terminal: ScreenTerminal) -> int:
    """The row whose status is in reverse."""
    rows = range(3, terminal.screen.lines)
    return next((y for y in rows if terminal.screen.buffer[y][3].reverse), -1)


def _idle(desk: Desk, *, seconds: int) -> Comparison:
    def measure() -> Measured:
        with seated(desk.words("resume"), _environment(desk)) as seat:
            seat.read("Step 2 of", "engine ok")
            seat.watch(2 * QUIET)
            return Measured(seconds=seconds, wire=seat.watch(seconds) // seconds)

    work = Contender(name="bytes in a second, the clock ticking", run=measure)
    return _one("idle", work, WireUnder(contender=work.name, size=100))


def _flood(desk: Desk, *, seconds: int) -> Comparison:
    def measure() -> Measured:
        with seated(desk.words("resume"), _environment(desk)) as seat:
            _see_flood(seat)
            before, began = seat.wrote(), time.monotonic()
            answered = []
            while time.monotonic() - began < seconds:
                seat.watch(0.7)
                # The step's text, and back to the output: a pane of other rows.
                answered.append(seat.pressed("w", lambda shown: "THE STEP'S TEXT" in shown))
                seat.watch(0.7)
                answered.append(seat.pressed("w", lambda shown: "THE STEP'S TEXT" not in shown))
                answered.append(seat.pressed("o", lambda shown: "following" in shown))
            wire = (seat.wrote() - before) / (time.monotonic() - began)
            return Measured(seconds=max(answered), wire=int(wire))

    work = Contender(name="bytes in a second; the slowest key", run=measure)
    return _one(
        "10,000 lines a second",
        work,
        SecondsUnder(contender=work.name, seconds=0.100),
        WireUnder(contender=work.name, size=20_000),
    )


def _see_flood(seat: Seat) -> None:
    """Go past what happened while nobody was there, to the output."""
    seat.read("engine ok")
    seat.watch(QUIET)
    if "WHILE YOU" in seat.terminal.text:
        seat.terminal.press_while("WHILE YOU", "\r")
    if "following" not in seat.terminal.text:
        seat.pressed("o", lambda shown: "following" in shown)


def _memory(desk: Desk, *, minutes: float) -> Comparison:
    def measure() -> Measured:
        with seated(desk.words("resume"), _environment(desk)) as seat:
            _see_flood(seat)
            # What is loaded at first use, and the first garbage, are not growth.
            seat.watch(20 * minutes)
            before = seat.memory()
            seat.watch(60 * minutes)
            return Measured(seconds=60 * minutes, memory=max(0, seat.memory() - before))

    work = Contender(name="bytes that it grew by", run=measure)
    goal = MemoryUnder(contender=work.name, size=1_000_000)
    return replace(_one("two minutes of flood", work, goal), most_rounds=1)


def _many_events(desk: Desk) -> Comparison:
    def measure() -> Measured:
        with seated(desk.words("resume"), _environment(desk)) as seat:
            return Measured(seconds=seat.read("Step 2 of", "Enter: ", "engine ok"), wire=seat.wrote())

    def end_engine() -> None:
        # Each round starts the engine too.
        if desk.folder().lock.exists():
            _end(desk)

    alone = Contender(name="resume, its engine alive", run=measure)
    anew = Contender(name="resume, an engine started", run=measure, prepare=end_engine)
    return Comparison(
        name="a run of 100,000 events",
        baseline=anew.name,
        contenders=(anew, alone),
        goals=(SecondsUnder(contender=anew.name, seconds=2), SecondsUnder(contender=alone.name, seconds=2)),
    )


def _end(desk: Desk) -> None:
    from aihummer_drtui.engine.lock import holder_of
    from tests.engine.engine_house import gone

    holder = holder_of(desk.folder().lock)
    if holder is not None:
        os.kill(holder.process.pid, signal.SIGTERM)
        gone(holder.process)
