"""What a runbook's commands find in their environment: an allow-list, the target's PATH, this program."""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.recovery.children import child_environment
from aihummer_drtui.recovery.drill_safety import MODE_VARIABLE
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.events import Mode

PROGRAM: Final = "aihummer-drtui"


def command_environment(
    *, target: Target, settings: Settings, state_dir: Path, mode: Mode, run: str
) -> dict[str, str]:
    """Give the environment of every command and probe of a run; values of inputs come on top."""
    environment = child_environment(target)
    environment["PATH"] = os.pathsep.join((*program_folders(), environment["PATH"]))
    environment |= {
        "DRTUI_AIHUMMER": target.aihummer,
        "DRTUI_STATE_DIR": str(state_dir),
        MODE_VARIABLE: mode.value,
        "DRTUI_RUN": run,
        "PYTHONUNBUFFERED": "1",
    }
    if settings.target_path is not None:
        environment["DRTUI_TARGET"] = str(settings.target_path.absolute())
    return environment


def program_folders() -> tuple[str, ...]:
    """Where this very program can be started by its name, so that a runbook's commands are these."""
    called = Path(sys.argv[0])
    places = (
        called.absolute().parent if called.name == PROGRAM else None,
        Path(sys.executable).parent,
        Path(sysconfig.get_path("scripts")),
    )
    return tuple(dict.fromkeys(str(one) for one in places if one is not None and (one / PROGRAM).is_file()))
