"""strace in front of a program, to make its system calls fail or to end it there; and whether that came."""

import fcntl
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

STRACE: Final = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed: faults cannot be injected")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault in the calls of one kind: `error=EIO`, `signal=KILL`, both, or `delay_enter=…` (strace(1)).

    Calls are counted by thread. The main thread alone is looked at, or its `threads` as well, or whatever
    comes of it: `children`.
    """

    call: str
    what: str
    when: str
    log: Path
    """Where strace tells what it did."""
    paths: tuple[Path | str, ...] = ()
    """Only calls on these files; a name as the program gives it, or the whole path for a descriptor."""
    threads: bool = False
    children: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """What stands before the words of the program. Coverage is not measured: it would be hit as well."""
        assert STRACE is not None
        held = ("flock", "--close", str(self.log))
        unmeasured = ("env", "-u", "COVERAGE_PROCESS_START", "-u", "COVERAGE_PROCESS_CONFIG")
        only = tuple(word for path in self.paths for word in ("-P", str(path)))
        followed = ("-f",) if self.children else ("-f", "-b", "execve") if self.threads else ()
        inject = f"--inject={self.call}:{self.what}:when={self.when}"
        return (
            *held,
            *unmeasured,
            STRACE,
            "-q",
            *followed,
            *only,
            f"--trace={self.call}",
            inject,
            "-o",
            str(self.log),
        )

    @property
    def came(self) -> bool:
        """Whether a call was hit; waits for strace's own end."""
        return self.hits > 0

    @property
    def hits(self) -> int:
        """How many calls were hit; waits for strace's own end."""
        with self.log.open("a+", errors="replace") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            log.seek(0)
            told = log.read()
        return told.count("(INJECTED)") or told.count("killed by SIGKILL")


def until_none_comes(one: Callable[[int], bool], *, most: int = 200) -> int:
    """Try with 1, 2, 3 ... until the fault of that number does not come any more; give how many came."""
    for number in range(1, most + 1):
        if not one(number):
            return number - 1
    raise AssertionError(f"after {most} faults there is still one more")
