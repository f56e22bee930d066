"""Taking the time and the memory of a program or of a function of ours, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.side_by_side import Measured

_STARTER: Final = """
import os, sys, time
told = int(sys.argv[1])
began = time.monotonic()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, told)])
_, status, used = os.wait4(child, 0)
seconds = time.monotonic() - began
os.write(told, b"%f %d %d" % (seconds, used.ru_maxrss, os.waitstatus_to_exitcode(status)))
"""
"""A small process between: ru_maxrss (getrusage(2), kilobytes) begins at what the parent of a child holds."""


def measure_program(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Measured:
    """Run a program to its end; its peak memory is that of the largest process among it and its children.

    What is under 10 MB is told as about that. Raises RuntimeError with what it said when it does not end
    with 0.
    """
    telling, told = os.pipe()
    with os.fdopen(telling, "rb") as answer:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _STARTER, str(told), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=folder,
            pass_fds=(told,),
            check=False,
        )
        os.close(told)
        words = answer.read().split()
    if len(words) != 3 or words[2] != b"0":
        raise RuntimeError(f"{arguments[0]} failed: {done.stdout.decode(errors='replace')[-2000:]}")
    return Measured(seconds=float(words[0]), memory=int(words[1]) * 1024)


def measure_shell(script: str, folder: Path) -> Measured:
    """Run a line of shell in `folder` (pipes included: any part that fails is a failure)."""
    return measure_program(["bash", "-o", "pipefail", "-ec", script], folder=folder)


def drop_caches() -> None:
    """Make the next reader ask the disk. Raises PermissionError where only root may, and is not."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")
