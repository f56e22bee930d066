"""How long work says where it is: to whoever listens on the progress descriptor, else to a person.

Telling never holds up the work: a listener that went away or does not read is not waited for.
"""

import os
import select
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self, TextIO

import msgspec

from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text, duration_text
from aihummer_drtui.run.progress import PROGRESS_DESCRIPTOR, Parts, Progress

TWICE_A_SECOND = 0.5
SELDOM = 10.0
"""Seconds between lines where every line stays on the paper: a pipe, a serial console, a log."""


class Listener(Protocol):
    """Whoever is told; `interval` is the least time in seconds between two tellings of one phase."""

    interval: float

    def tell(self, progress: Progress, *, turn: bool) -> None:
        """Take one moment in; `turn` marks the first and the last of a phase."""

    def close(self) -> None:
        """The work is over."""


class Reporter:
    """Counts what a long command has done, phase by phase, and tells one listener. Safe across threads."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._told = 0.0
        self._phase = ""
        self._unit = ""
        self._done = 0
        self._total = 0
        self._parts: Parts | None = None
        self._at_a_turn = True

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, screen: TextIO | None = None
    ) -> Self:
        """One that tells the inherited progress descriptor if there is one, else `screen` (stderr)."""
        environment = os.environ if environment is None else environment
        descriptor = _open_descriptor(environment.get(PROGRESS_DESCRIPTOR, ""))
        if descriptor is not None:
            return cls(DescriptorListener(descriptor))
        redraw = environment.get("TERM", "dumb") not in {"", "dumb"}
        return cls(ScreenListener(screen or sys.stderr, redraw=redraw))

    @classmethod
    def silent(cls) -> Self:
        """One that tells nobody."""
        return cls(None)

    def phase(self, name: str, *, total: int = 0, unit: str = "", parts: Parts | None = None) -> None:
        """Begin a named part of the work; `total` 0 = its end is not known."""
        with self._lock:
            self._finish_phase()
            self._phase, self._unit, self._total, self._done = name, unit, total, 0
            self._parts = parts
            self._began = time.monotonic()
            self._tell(turn=True)

    def advance(self, count: int = 1) -> None:
        """`count` more of the phase's unit are done."""
        with self._lock:
            self._count(self._done + count)

    def reached(self, done: int, *, total: int | None = None, parts: Parts | None = None) -> None:
        """`done` of the phase's unit are done in all; told again with the same count it shows life.

        `total` is what the phase's end is now known to be (0 = not any more); None = as it was.
        """
        with self._lock:
            self._total = self._total if total is None else total
            self._parts = parts or self._parts
            self._count(done)

    def close(self) -> None:
        """Tell where the last phase ended, and no more."""
        with self._lock:
            self._finish_phase()
            if self._listener is not None:
                self._listener.close()
            self._listener = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _count(self, done: int) -> None:
        self._done = done
        self._at_a_turn = False
        if self._listener is not None and time.monotonic() - self._told >= self._listener.interval:
            self._tell(turn=False)

    def _finish_phase(self) -> None:
        if self._phase and not self._at_a_turn:
            self._tell(turn=True)

    def _tell(self, *, turn: bool) -> None:
        if self._listener is None:
            return
        self._told = time.monotonic()
        self._at_a_turn = turn
        moment = Progress(
            phase=self._phase,
            done=self._done,
            total=self._total,
            unit=self._unit,
            elapsed=round(self._told - self._began, 3),
            parts=self._parts,
        )
        self._listener.tell(moment, turn=turn)


class DescriptorListener:
    """JSON lines on an inherited descriptor; a line that does not fit right now is left out."""

    interval = TWICE_A_SECOND

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._writable = select.poll()
        self._writable.register(descriptor, select.POLLOUT)

    def tell(self, progress: Progress, *, turn: bool) -> None:  # noqa: ARG002
        """Write one line, unless the reader is slow or gone."""
        line = msgspec.json.encode(progress) + b"\n"
        # pipe(7): up to PIPE_BUF bytes go in whole, and poll says "writable" only if they fit.
        if self._descriptor is None or len(line) > select.PIPE_BUF:
            return
        try:
            if self._writable.poll(0):
                os.write(self._descriptor, line)
        except OSError:
            self._descriptor = None

    def close(self) -> None:
        """Nothing: the descriptor belongs to whoever gave it."""


class ScreenListener:
    """A line for a person: redrawn in place on a terminal, else a new line now and then."""

    def __init__(self, screen: TextIO, *, redraw: bool) -> None:
        self._screen = screen
        self._redraw = redraw and screen.isatty()
        self._drawn = 0
        self.interval = TWICE_A_SECOND if self._redraw else SELDOM

    def tell(self, progress: Progress, *, turn: bool) -> None:  # noqa: ARG002
        """Show one moment."""
        line = progress_line(progress)
        try:
            if self._redraw:
                line = line[: max(20, _columns(self._screen) - 1)]
                self._screen.write("\r" + line.ljust(self._drawn))
                self._drawn = len(line)
            else:
                self._screen.write(line + "\n")
            self._screen.flush()
        except (OSError, ValueError):
            # The terminal went away; the work goes on.
            self.interval = float("inf")

    def close(self) -> None:
        """Leave the last moment standing, and go to the next line."""
        if self._redraw and self._drawn:
            try:
                self._screen.write("\n")
                self._screen.flush()
            except (OSError, ValueError):
                self.interval = float("inf")


def progress_line(progress: Progress) -> str:
    """One moment in words: `copying blobs: 3/40 blobs, 8%, 1.5 blobs/s, 12 s, 25 s left`."""
    whole = progress.parts
    parts = [f"{whole.done}/{whole.total} {whole.unit}"] if whole else []
    if progress.total > 0:
        percent = min(100, progress.done * 100 // progress.total)
        done = _amount(progress.done, progress.unit if progress.unit == "bytes" else "")
        parts.append(f"{done}/{_amount(progress.total, progress.unit)}, {percent}%")
    elif progress.done:
        parts.append(_amount(progress.done, progress.unit))
    if progress.elapsed >= 1:
        if progress.done and progress.unit:
            parts.append(f"{_rate(progress.done / progress.elapsed, progress.unit)}/s")
        parts.append(duration_text(progress.elapsed))
    left = progress.seconds_left
    if left is not None and left >= 1:
        parts.append(f"{duration_text(left)} left")
    return cleaned_line(f"{progress.phase}: {', '.join(parts)}" if parts else progress.phase)


def _amount(count: int, unit: str) -> str:
    return bytes_text(count) if unit == "bytes" else f"{count} {unit}".rstrip()


def _rate(rate: float, unit: str) -> str:
    return bytes_text(int(rate)) if unit == "bytes" else f"{rate:.1f} {unit}"


def _open_descriptor(text: str) -> int | None:
    if not text.isdecimal():
        return None
    try:
        os.fstat(int(text))
    except (OSError, OverflowError):
        return None
    return int(text)


def _columns(screen: TextIO) -> int:
    try:
        return os.get_terminal_size(screen.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
