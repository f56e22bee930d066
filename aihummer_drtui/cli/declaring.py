"""Declaring a run from the command line: mode against target, runbook, one live run per target."""

import contextlib
from pathlib import Path

from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.target_key import target_key
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import Declaration, declare_run
from aihummer_drtui.engine.folder import RunFolder, state_dir
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.events import Mode


def declare(
    settings: Settings, *, mode: Mode, runbook: Path | None, incident_at: str, operator: str
) -> RunFolder:
    """Judge the mode by the target, read the runbook, and begin the run. Raises DrtuiError."""
    from aihummer_drtui.cli.pointer import keep_pointer
    from aihummer_drtui.cli.runbook_file import load_runbook

    target = load_target(settings.target_path)
    refuse_wrong_mode(target, mode)
    text, read = load_runbook(runbook)
    declaration = Declaration(
        mode=mode,
        target=target.name,
        target_key=target_key(target),
        runbook=read,
        runbook_text=text,
        runbook_source=str(runbook.absolute()) if runbook is not None else "",
        incident_at=incident_at,
        operator=operator,
    )
    folder = declare_run(state_dir(settings.state_dir), declaration, SystemClock())
    with contextlib.suppress(OSError):
        # Without it the target has to be named again: no reason to stop a run that is declared.
        keep_pointer(folder, settings.target_path)
    return folder
