"""Declaring a run from the command line: mode against target, runbook, one live run per target."""

import contextlib
from pathlib import Path
from typing import Final

from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.target_key import tabletop_key, target_key
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import Declaration, declare_run
from aihummer_drtui.engine.folder import RunFolder, state_dir
from aihummer_drtui.errors import UsageError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.events import Mode

A_NAME: Final = "tabletop"
"""What a tabletop's target is called where nobody names one."""
_LONGEST: Final = 60


def declare(
    settings: Settings,
    *,
    mode: Mode,
    runbook: Path | None,
    incident_at: str,
    operator: str,
    tabletop_name: str = "",
) -> RunFolder:
    """Judge the mode by the target, read the runbook, and begin the run. Raises DrtuiError.

    A tabletop has no target: it is declared by the name of the installation that is talked about.
    """
    from aihummer_drtui.cli.pointer import keep_pointer
    from aihummer_drtui.cli.runbook_file import load_runbook

    source = str(runbook.absolute()) if runbook is not None else ""
    if not source.isprintable():
        raise UsageError(
            "the path of the runbook holds control characters, or bytes that are no UTF-8",
            where=cleaned_line(source),
            hint="give it, or its folder, another name: the run's journal has to repeat it",
        )
    if mode is Mode.TABLETOP:
        name = tabletop_target(settings, tabletop_name)
        key = tabletop_key(name)
    else:
        target = load_target(settings.target_path)
        refuse_wrong_mode(target, mode)
        name, key = target.name, target_key(target)
    text, read = load_runbook(runbook)
    declaration = Declaration(
        mode=mode,
        target=name,
        target_key=key,
        runbook=read,
        runbook_text=text,
        runbook_source=source,
        incident_at=incident_at,
        operator=operator,
    )
    folder = declare_run(state_dir(settings.state_dir), declaration, SystemClock())
    if mode is Mode.TABLETOP:
        return folder
    with contextlib.suppress(OSError):
        # Without it the target has to be named again: no reason to stop a run that is declared.
        keep_pointer(folder, settings.target_path)
    return folder


def tabletop_target(settings: Settings, given: str) -> str:
    """The name of the installation that a tabletop is about: as given, as the target's file says, or ours.

    The file is read for its name; nothing that it tells of is looked at. Raises UsageError for a name that
    could not be typed at a gate, DrtuiError when a file was named and cannot be read.
    """
    name = given.strip()
    if not name:
        name = A_NAME if settings.target_path is None else load_target(settings.target_path).name
    if cleaned_line(name, _LONGEST) != name or "/" in name or not name.isprintable():
        raise UsageError(
            f"`{cleaned_line(name, _LONGEST)}` cannot be typed at a gate, as HOST/DATABASE",
            where="--name",
            hint=f"a name of at most {_LONGEST} characters without a slash, such as db1",
        )
    return name
