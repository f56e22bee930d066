"""Being told to end: the signals become an exception, and our programs do not outlive us."""

import ctypes
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_PRCTL: Final = ctypes.CDLL(None, use_errno=True).prctl
"""Looked up before any fork: in the child another thread may have held the loader's lock for ever."""
_SYSTEM: Final = "/usr/bin:/bin:/usr/local/bin"
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Within the block SIGTERM, SIGHUP and SIGINT raise KeyboardInterrupt; later ones are let pass.

    A second signal must not cut short the cleaning up that the first one began. Outside the main
    thread nothing changes, for only there Python handles signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored stays ignored: under nohup a hang-up must not end the work.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


def bound_to_us(command: Sequence[str | Path], search: str | None) -> list[str]:
    """The command by setpriv(1), which has it killed when the thread that started it is gone (prctl(2)).

    By a program and not by `preexec_fn`: in a process with threads Python code between fork and exec can
    wait for ever for a lock that another thread held. Where there is no setpriv, or the command is not found
    in `search` (a PATH), it is the command alone. Its own children are not killed with it.
    """
    words = [str(word) for word in command]
    setpriv = shutil.which("setpriv", path=_SYSTEM)
    if setpriv is None or shutil.which(words[0], path=search) is None:
        return words
    return [setpriv, "--pdeathsig", "KILL", "--", *words]


def die_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """In a program about to be started (`preexec_fn`): let it be sent that signal when `parent`, us, is gone.

    Its own children are not. A change of account afterwards would undo it (prctl(2), PR_SET_PDEATHSIG).
    """
    _PRCTL(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(127)
