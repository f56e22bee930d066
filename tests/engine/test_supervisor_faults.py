"""A supervisor that is killed at any call, or whose calls fail: what is told of its command stays true."""

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from aihummer_drtui.engine import attempt as attempts
from aihummer_drtui.engine.attempt import Attempt
from aihummer_drtui.engine.attempt_seen import Ended, Look, Lost, NotStarted
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.run.events import EndKind
from tests.conftest import short_folder
from tests.faults.injecting import Fault, needs_strace, until_none_comes

Property = Callable[[str, object], None]
PATH: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
ITS_FILES: Final = (
    "order.json",
    ".ended",
    "ended.json",
    ".started.json",
    "started.json",
    "output",
    "progress",
    ".",
)


def tried(number: int, call: str, what: str, *, on_its_files: bool) -> bool:
    """One command under a supervisor whose call of that number is hit; False when it had none."""
    with short_folder() as place:
        return truth_is_told(place, place, number, call, what, on_its_files=on_its_files)


def truth_is_told(
    place: Path,
    disk: Path,
    number: int,
    call: str,
    what: str,
    *,
    on_its_files: bool,
    afterwards: Callable[[], object] = lambda: None,
) -> bool:
    """The same with the attempt on a disk to which something happens `afterwards`, before it is looked at."""
    one, ran = Attempt(disk / "attempts" / "x.1"), place / "ran"
    fault = Fault(
        call=call,
        what=what,
        when=str(number),
        log=place / "strace",
        paths=_names(one.folder) if on_its_files else (),
        children=True,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(attempts, "INTERPRETER", (*fault.words, *attempts.INTERPRETER))
        refused = _started(one, ran)
    came = fault.came
    with (one.folder / "lock").open("r+b") as lock:
        fcntl.fcntl(lock, fcntl.F_OFD_SETLKW, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    afterwards()
    _judge(one.look(), ran=ran.exists(), refused=refused)
    return came


def _names(folder: Path) -> tuple[Path | str, ...]:
    return (folder, *ITS_FILES, *(folder / each for each in ITS_FILES))


def _started(one: Attempt, ran: Path) -> bool:
    """Start a command that leaves a file when it runs; whether that was refused."""
    try:
        one.start(f"echo > {ran}", PATH, 60.0)
    except PreconditionError:
        return True
    return False


def _judge(seen: Look, *, ran: bool, refused: bool) -> None:
    """Everything is over by now: what ran was not denied, and what did not was not called done."""
    match seen:
        case NotStarted():
            assert not ran
        case Ended(kind=EndKind.NOT_STARTED):
            assert not ran
        case Ended(kind=EndKind.EXITED, code=0):
            assert ran
        case Ended() | Lost():
            pass
        case _:
            raise AssertionError(seen)
    if refused:
        assert not ran


@needs_strace
@pytest.mark.parametrize("call", ["rename", "fsync", "write", "pipe2", "setsid", "close", "execve"])
def test_j01_j02_truth_is_told_wherever_the_supervisor_is_killed(
    record_property: Property, call: str
) -> None:
    """`start` says `not started` only where the script never ran, and a stored end is never wrong."""
    kills = until_none_comes(lambda number: tried(number, call, "signal=KILL", on_its_files=False))
    assert kills >= 1
    record_property("injections", kills)


@needs_strace
@pytest.mark.parametrize(
    ("call", "error", "on_its_files"),
    [
        ("openat", "EMFILE", True),
        ("openat", "EROFS", True),
        ("read", "EIO", True),
        ("write", "ENOSPC", True),
        ("pwrite64", "EIO", True),
        ("fsync", "EIO", True),
        ("rename", "EROFS", True),
        ("fallocate", "ENOSPC", True),
        ("clone", "EAGAIN", False),
        ("pipe2", "EMFILE", False),
        ("dup2", "EMFILE", False),
        ("execve", "EIO", False),
    ],
)
def test_j08_j11_j15_truth_is_told_whatever_call_of_the_supervisor_fails(
    record_property: Property, call: str, error: str, on_its_files: bool
) -> None:
    """A command whose start, watching or end could not be stored is refused, or its end is true or lost."""
    failures = until_none_comes(
        lambda number: tried(number, call, f"error={error}", on_its_files=on_its_files)
    )
    assert failures >= 1
    record_property("injections", failures)
