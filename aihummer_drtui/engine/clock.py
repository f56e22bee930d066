"""Time that can be compared, and processes that can be told apart after their number was given again.

Wall clocks jump; CLOCK_BOOTTIME (clock_gettime(2)) only goes on, also during suspend, within one
boot. A process is named by its number, the tick it started at and the boot it ran in.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_STATE: Final = 3 - 3
_SESSION: Final = 6 - 3
_START_TICKS: Final = 22 - 3
"""Fields of /proc/pid/stat (proc_pid_stat(5)), counted from field 3, the first after the name."""
_DEAD_STATES: Final = frozenset("ZXx")
"""A zombie runs nothing any more; its number is only kept until somebody asks for its end."""


def boot_id() -> str:
    """What the kernel calls this boot; another value means the machine was restarted."""
    return _BOOT_ID.read_text("ascii").strip()


class Clock(Protocol):
    """What a journal stamps its records with."""

    def boot_id(self) -> str:
        """Name the current boot."""
        ...

    def boottime(self) -> float:
        """Give seconds that never go back within one boot."""
        ...

    def wall(self) -> str:
        """Give the wall clock as ISO 8601 in UTC."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        self._boot_id = boot_id()

    def boot_id(self) -> str:
        """Name the current boot."""
        return self._boot_id

    def boottime(self) -> float:
        """Give seconds of CLOCK_BOOTTIME."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> str:
        """Give the wall clock as ISO 8601 in UTC, to the millisecond: a label, never a proof of order."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ProcessIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """One process and no other, even after a restart of the machine or a reuse of its number."""

    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """Name the living process of that number. Raises ProcessLookupError when there is none."""
        seen = _state_and_start(pid)
        if seen is None or seen[0] in _DEAD_STATES:
            raise ProcessLookupError(f"no process {pid}")
        return cls(pid=pid, start_ticks=seen[1], boot_id=boot_id())

    def is_alive(self) -> bool:
        """Say whether this very process still runs; a zombie does not."""
        if self.boot_id != boot_id():
            return False
        seen = _state_and_start(self.pid)
        return seen is not None and seen[0] not in _DEAD_STATES and seen[1] == self.start_ticks

    def descriptor(self) -> int | None:
        """A descriptor of this very process (pidfd_open(2)); None when it is gone. The caller closes it.

        Opened by number first, then compared, so it is never another's.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.is_alive():
            return descriptor
        os.close(descriptor)
        return None


def session_members(leader: int) -> list[int]:
    """The living processes, by number, of the session that the process `leader` began, but for itself.

    Where it is dead, its number is not given again before they end.
    """
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(leader):
            fields = _fields(int(entry.name))
            if fields and fields[_STATE] not in _DEAD_STATES and int(fields[_SESSION]) == leader:
                members.append(int(entry.name))
    return sorted(members)


def _state_and_start(pid: int) -> tuple[str, int] | None:
    fields = _fields(pid)
    return None if fields is None else (fields[_STATE], int(fields[_START_TICKS]))


def _fields(pid: int) -> list[str] | None:
    """What stands behind the name in the process' stat; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses is chosen by the program and may itself hold spaces and parentheses.
    return stat.rpartition(")")[2].split()
