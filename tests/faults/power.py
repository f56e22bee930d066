"""A disk of its own whose power can be cut: ext4 in a file, shut down without writing anything back.

Run as a program under `unshare -m`, so that no mount outlives it: `power CASE PLACE` prints how many
faults the case took, or raises.
"""

import fcntl
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from aihummer_drtui.durable import write_durably
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import declare_run
from aihummer_drtui.engine.folder import RunFolder, list_runs
from aihummer_drtui.engine.runbook_text import text_in_force
from aihummer_drtui.engine.standing_runs import unfinished_runs
from aihummer_drtui.errors import LockedError
from tests.engine.engine_house import a_declaration, kill_attempt
from tests.engine.test_supervisor_faults import truth_is_told
from tests.faults.injecting import Fault, until_none_comes
from tests.faults.small_drill import a_small_drill, drill_book

SHUTDOWN: Final = 0x8004587D
"""EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32) (fs/ext4/ext4.h)."""
NO_LOG_FLUSH: Final = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: what is not on the disk now never will be."""
LET_GO_WITHIN: Final = 10.0
SIZE: Final = 16 << 20
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
CANNOT: Final = 77
"""What the program ends with where it may not mount."""
CAN_MOUNT: Final = os.geteuid() == 0 and shutil.which("mkfs.ext4") and Path("/dev/loop-control").exists()
needs_disk = pytest.mark.skipif(
    not CAN_MOUNT, reason="no ext4 of its own can be mounted here (root, mkfs.ext4, /dev/loop-control)"
)


class Boot:
    """The name of the kernel's boot, as all see it who live in this mount namespace."""

    def __init__(self, place: Path) -> None:
        self._name = place / "boot_id"
        self.begin()
        subprocess.run(["mount", "--bind", str(self._name), str(BOOT_ID)], check=True)

    def begin(self) -> None:
        """From now on it is another boot."""
        self._name.write_text(f"{uuid.uuid4()}\n")


class CutDisk:
    """An ext4 mounted at `at`. Needs root, and a mount namespace that nobody else lives in."""

    def __init__(self, image: Path, at: Path, boot: Boot) -> None:
        self._image = image
        self.at = at
        self._boot = boot
        with image.open("wb") as file:
            file.truncate(SIZE)
        # No lazy initialisation: nothing but what is tested writes to it.
        made = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image)]
        subprocess.run(made, check=True)
        self.mount()

    def mount(self) -> None:
        """Bring it back; what its own journal holds is replayed."""
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.at)], check=True)

    def cut(self) -> None:
        """Cut the power: from now on every call on it fails, and only what was synced is left."""
        descriptor = os.open(self.at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def fail(self) -> None:
        """The power fails and comes back: another boot begins, on what is left of the disk."""
        self.cut()
        self.unmount()
        self._boot.begin()
        self.mount()

    def unmount(self) -> None:
        """Take it away. Who was killed may still be letting go of it; no event tells when that is over."""
        deadline = time.monotonic() + LET_GO_WITHIN
        while True:
            done = subprocess.run(["umount", str(self.at)], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.01)


def _require_loss(disk: CutDisk, at: Path) -> None:
    """The injector does what it is for: what was synced is there after the cut, the rest is not."""
    write_durably(at / "synced", b"synced")
    (at / "late").write_text("late")
    disk.fail()
    assert (at / "synced").read_text() == "synced"
    assert not (at / "late").exists()


def drill(place: Path, boot: Boot) -> int:
    """A drill whose engine ends at its n-th sync and whose disk loses power then, for all n."""
    return until_none_comes(lambda number: _drill_cut_at(place / str(number), number, boot))


def _drill_cut_at(place: Path, number: int, boot: Boot) -> bool:
    with _a_disk(place, boot) as disk, a_small_drill(place, marks=place / "marks") as one:
        fault = Fault(
            call="fdatasync",
            what="signal=KILL",
            when=str(number),
            log=place / "strace",
            paths=(one.house.folder.journal,),
        )

        def power_fails() -> None:
            assert fault.came
            kill_attempt(one.house.folder.path)
            disk.fail()

        one.meanwhile = power_fails
        one.run(*fault.words)
        one.judge()
        # What was finished is finished, whatever happens after.
        disk.fail()
        one.judge()
        return fault.came


def attempt(place: Path, boot: Boot) -> int:
    """A command whose supervisor ends at its n-th sync, and the disk with it, for all n."""
    return until_none_comes(lambda number: _attempt_cut_at(place / str(number), number, boot))


def _attempt_cut_at(place: Path, number: int, boot: Boot) -> bool:
    with _a_disk(place, boot) as disk:
        return truth_is_told(
            place, disk.at, number, "fsync", "signal=KILL", on_its_files=False, afterwards=disk.fail
        )


def declaration(place: Path, boot: Boot) -> int:
    """A run that is declared by a process which ends at its n-th sync, and its disk with it, for all n."""
    return until_none_comes(lambda number: _declared_cut_at(place / str(number), number, boot))


def _declared_cut_at(place: Path, number: int, boot: Boot) -> bool:
    with _a_disk(place, boot) as disk:
        state = place / "state"
        fault = Fault(call="fsync,fdatasync", what="signal=KILL", when=str(number), log=place / "strace")
        words = [*fault.words, sys.executable, "-m", "tests.faults.power", "declare", str(state)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        came = fault.came
        disk.fail()
        left = unfinished_runs(state)
        if not came:
            assert [one.declared.run for one in left] == done.stdout.split()
            assert [folder.id for folder in list_runs(state)] == done.stdout.split()
        # Either it was declared and goes on, or it never was and stands in nobody's way.
        if left:
            (folder,) = list_runs(state)
            assert hashlib.sha256(text_in_force(folder, left[0]).encode()).hexdigest()
            with pytest.raises(LockedError):
                declare(state)
        else:
            assert isinstance(declare(state), RunFolder)
        return came


def declare(state: Path) -> RunFolder:
    """Declare the small drill."""
    return declare_run(state, a_declaration(drill_book(state / "marks")), SystemClock())


@contextmanager
def _a_disk(place: Path, boot: Boot) -> Iterator[CutDisk]:
    """A disk for the runs of a state folder; what lies beside them is on a disk that nothing happens to."""
    runs = place / "state" / "runs"
    runs.mkdir(mode=0o700, parents=True)
    (place / "state").chmod(0o700)
    disk = CutDisk(place / "disk", runs, boot)
    try:
        yield disk
    finally:
        disk.unmount()
        shutil.rmtree(place)


def main(case: str, place: Path) -> None:
    """Do the case and print how many faults it took."""
    if case == "declare":
        print(declare(place).id)
        return
    try:
        boot = Boot(place)
        with _a_disk(place / "first", boot) as disk:
            _require_loss(disk, place / "first" / "state" / "runs")
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        sys.exit(CANNOT)
    print({"drill": drill, "attempt": attempt, "declaration": declaration}[case](place, boot))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
