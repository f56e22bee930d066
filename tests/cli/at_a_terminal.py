"""Calling the real program at a terminal of its own, where it can ask without echo."""

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cli.calling import PROGRAM

_BECOME = "import os, sys; os.login_tty(int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"


@dataclass(frozen=True, kw_only=True)
class Sat:
    """How a sitting ended, and everything its terminal showed."""

    returncode: int
    shown: str


def sit(*arguments: str | Path, target: Path, answers: list[tuple[str, str]]) -> Sat:
    """Run the program at a terminal; type each answer when its prompt is shown."""
    master, slave = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DRTUI_")}
    words = [str(PROGRAM), "--target", str(target), *map(str, arguments)]
    child = subprocess.Popen(
        [sys.executable, "-c", _BECOME, str(slave), *words], pass_fds=[slave], env=inherited
    )
    os.close(slave)
    shown = ""
    answered = 0
    deadline = time.monotonic() + 60
    try:
        while select.select([master], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                shown += os.read(master, 4_096).decode()
            except OSError:  # EIO: the program has closed the terminal
                break
            if answers and answers[0][0] in shown[answered:]:
                answered = len(shown)
                os.write(master, f"{answers.pop(0)[1]}\n".encode())
        return Sat(returncode=child.wait(timeout=10), shown=shown)
    finally:
        child.kill()
        child.wait()
        os.close(master)
