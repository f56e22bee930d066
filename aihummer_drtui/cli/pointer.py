"""Which target a run acts on, found again in a later sitting, and never taken for another one.

The journal holds what makes the target the same (`target_key`). The path of its configuration is
only a pointer for convenience, kept beside the journal; whatever it leads to is held against the key.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from aihummer_drtui.cli.run_folder import declared_in
from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.target_key import target_key
from aihummer_drtui.durable import write_durably
from aihummer_drtui.engine.folder import RunFolder
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.target_file import load_target
from aihummer_drtui.run.events import Mode

POINTER: Final = "target"
_LIMIT: Final = 4_096


def keep_pointer(folder: RunFolder, target: Path | None) -> None:
    """Note where the target's configuration lies; None = wherever the default is. Raises OSError."""
    if target is not None:
        write_durably(folder.path / POINTER, os.fsencode(target.absolute()))


def settings_of(folder: RunFolder, settings: Settings) -> Settings:
    """The settings for acting on a run: its own target, unless one was named; a tabletop acts on none.

    Raises PreconditionError when the target is not the one the run was declared on.
    """
    declared = declared_in(folder)
    if declared.mode is Mode.TABLETOP:
        return settings
    settings = replace(settings, target_path=settings.target_path or _pointed_at(folder))
    target = load_target(settings.target_path)
    if target_key(target) != declared.target_key:
        raise PreconditionError(
            f"target `{target.name}` is not the one that run {folder.id} was declared on "
            f"(`{declared.target}`), or this is another host",
            where=str(settings.target_path or "the default target"),
            hint="name the run's own target with --target; on another host or sandbox, declare a new run",
        )
    return settings


def own_settings(folder: RunFolder, settings: Settings) -> Settings:
    """The settings with the run's own target, where its configuration is still there; else as they are.

    For a list of runs: an option that was given for the list names none of their targets.
    """
    own = _pointed_at(folder)
    return settings if own is None or not own.exists() else replace(settings, target_path=own)


def _pointed_at(folder: RunFolder) -> Path | None:
    try:
        with (folder.path / POINTER).open("rb") as file:
            return Path(os.fsdecode(file.read(_LIMIT)))
    except OSError:
        return None
