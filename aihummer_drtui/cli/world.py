"""What a run is given of the world: its target's catalogue, or for a tabletop exercise nothing at all."""

from pathlib import Path
from typing import TYPE_CHECKING

from aihummer_drtui.cli.settings import Settings
from aihummer_drtui.cli.target_key import target_key
from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.run.events import Mode, RunDeclared

if TYPE_CHECKING:
    from aihummer_drtui.engine.facts import Facts
    from aihummer_drtui.engine.world import World


def world_of(declared: RunDeclared, settings: Settings, state_folder: Path) -> "World":
    """What the run's engine acts on.

    Raises PreconditionError when the target is not the one that the run was declared on, and DrtuiError.
    """
    from aihummer_drtui.cli.environment import command_environment
    from aihummer_drtui.engine.tabletop import Tabletop
    from aihummer_drtui.engine.world import Outside
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.target_file import load_target

    if declared.mode is Mode.TABLETOP:
        return Tabletop(declared.target)
    target = load_target(settings.target_path)
    if target_key(target) != declared.target_key:
        raise PreconditionError(
            f"run {declared.run} is on target `{cleaned_line(declared.target)}`, "
            f"not on `{cleaned_line(target.name)}`",
            hint="name the configuration of the run's own target with --target",
        )
    environment = command_environment(
        target=target, settings=settings, state_dir=state_folder, mode=declared.mode, run=declared.run
    )
    return Outside(Catalogue(target), environment)


def facts_of(declared: RunDeclared, settings: Settings) -> "Facts":
    """What a front end may tell of the run's target. Raises DrtuiError when it cannot be read."""
    from aihummer_drtui.engine.tabletop import TabletopFacts
    from aihummer_drtui.recovery.catalogue import Catalogue
    from aihummer_drtui.recovery.target_file import load_target

    if declared.mode is Mode.TABLETOP:
        return TabletopFacts(declared.target)
    return Catalogue(load_target(settings.target_path))
