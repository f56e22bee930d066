"""Calling the real program at a terminal of its own, where it can ask without echo."""

import os
import select
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cli.calling import PROGRAM
from tests.cli.own_terminal import started_on_terminal


@dataclass(frozen=True, kw_only=True)
class Sat:
    """How a sitting ended, and everything its terminal showed."""

    returncode: int
    shown: str


def sit(*arguments: str | Path, target: Path, answers: list[tuple[str, str]]) -> Sat:
    """Run the program at a terminal; type each answer when its prompt is shown."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DRTUI_")}
    words = [str(PROGRAM), "--target", str(target), *map(str, arguments)]
    child, master = started_on_terminal(words, inherited)
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
