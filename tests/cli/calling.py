"""Calling the real program as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "aihummer-drtui"


def call(
    *arguments: str | Path, target: Path, text: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `aihummer-drtui --target TARGET …`; `text` is its standard input."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DRTUI_")}
    return subprocess.run(
        [PROGRAM, "--target", target, *arguments],
        input=text or "",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**inherited, **environment},
    )
