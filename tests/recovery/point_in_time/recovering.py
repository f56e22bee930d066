"""Recovering a lost host in a test, in this process or in one that is killed at a chosen moment."""

import os
import signal
import traceback
from collections.abc import Callable
from typing import Any

from aihummer_drtui.recovery.point_in_time.mark import DataMark, Stage
from aihummer_drtui.recovery.point_in_time.model import Point, WalKeeper
from aihummer_drtui.recovery.point_in_time.place import DataPlace
from aihummer_drtui.recovery.point_in_time.restore import Recovered, Wanted, restore_point_in_time
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.progress import Progress
from tests.recovery.point_in_time.lost_host import TICKS, LostHost

ALL = list(range(1, TICKS + 1))
"""The rows of the live server."""


def restored(
    host: LostHost,
    point: Point,
    *,
    target: Target | None = None,
    keeper: WalKeeper | None = None,
    reporter: Reporter | None = None,
    **wanted: Any,
) -> Recovered:
    """Recover the host to a point."""
    return restore_point_in_time(
        target or host.target,
        Wanted(**{"point": point, "confirm": host.phrase, "mode": "", **wanted}),
        keeper or host.keeper,
        clock=host.clock,
        reporter=reporter or Reporter.silent(),
    )


def mark_of(host: LostHost) -> DataMark:
    """The mark beside the data directory."""
    mark = DataPlace(live=host.data).read()
    assert mark is not None
    return mark


def is_untouched(host: LostHost) -> bool:
    """Whether the live server runs as before, and nothing lies beside it."""
    return host.runs() and host.ticks() == ALL and host.names() == ["main"]


def is_to_go_on(host: LostHost) -> bool:
    """Whether the live server runs as before, and what the same command goes on from lies beside."""
    mark = mark_of(host)
    beside = ["main", "main.point-in-time.json", f"main.restoring-{mark.id}"]
    recovering = mark.stage is Stage.RECOVERING
    return recovering and host.runs() and host.ticks() == ALL and host.names() == beside


class Killer:
    """Hears of progress, and kills its own process when a phase begins."""

    interval = 0.0

    def __init__(self, phase: str) -> None:
        self.phase = phase

    def tell(self, progress: Progress, *, turn: bool) -> None:
        """Kill, or go on."""
        if turn and progress.phase == self.phase:
            os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        """Nothing."""


class AtPhase:
    """Hears of progress, and does something once when a phase begins or, with `later`, when it goes on."""

    interval = 0.0

    def __init__(self, phase: str, act: Callable[[], object], *, later: bool = False) -> None:
        self.phase = phase
        self.act = act
        self.turn = not later
        self.done = False

    def tell(self, progress: Progress, *, turn: bool) -> None:
        """Act, or go on."""
        if progress.phase == self.phase and turn is self.turn and not self.done:
            self.done = True
            self.act()

    def close(self) -> None:
        """Nothing."""


def killed_at(phase: str, work: Callable[[Reporter], object]) -> None:
    """Do the work in a process of its own, which is killed when the phase begins."""
    assert in_a_child(lambda: work(Reporter(Killer(phase)))) == -signal.SIGKILL


def in_a_child(work: Callable[[], object], *, uid: int = 0, gid: int = 0) -> int:
    """Do the work in a process of its own; give its exit code, 0 = it raised nothing, -n = signal n."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        if uid:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)
