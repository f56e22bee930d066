"""Declaring a run from the command line: mode against target, runbook, one live run per target."""

import contextlib
import hashlib
import socket
from pathlib import Path

from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.engine.clock import SystemClock
from aihummer_drtui.engine.declare import Declaration, declare_run
from aihummer_drtui.engine.folder import RunFolder, state_dir
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.events import Mode


def declare(
    settings: Settings, *, mode: Mode, runbook: Path | None, incident_at: str, operator: str
) -> RunFolder:
    """Judge the mode by the target, read the runbook, and begin the run. Raises DrtuiError."""
    from aihummer_drtui.cli.pointer import keep_pointer
    from aihummer_drtui.cli.runbook_file import load_runbook

    target = load_target(settings.target_path)
    refuse_wrong_mode(mode, target)
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


def refuse_wrong_mode(mode: Mode, target: Target) -> None:
    """A real run never acts on a sandbox, a drill on nothing else. Raises PreconditionError."""
    if mode is Mode.REAL and target.sandbox is not None:
        raise PreconditionError(
            f"target `{target.name}` is a sandbox, and this is a real run",
            hint="name the real target with --target, or use `drill`",
        )
    if mode in {Mode.DRILL, Mode.TRAINING} and target.sandbox is None:
        raise PreconditionError(
            f"target `{target.name}` is not a sandbox, and this is a {mode}",
            hint="build one with `aihummer-drtui sandbox up`, or use `drill`, which does",
        )


def target_key(target: Target) -> str:
    """What makes two runs act on the same target: this host, its gateway.env, which sandbox it is."""
    place = f"{socket.gethostname()}\n{target.gateway_env.resolve()}"
    if target.sandbox is not None:
        # A sandbox that was built anew in the same folder is another target.
        place += f"\n{target.sandbox.id}"
    return hashlib.sha256(place.encode()).hexdigest()[:16]
