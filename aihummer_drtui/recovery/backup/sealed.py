"""What was sealed in the backup set of a run, for the checks that compare with it."""

from pathlib import Path
from typing import Final

from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.run.verdict import Observation, Verdict

NO_SET_HINT: Final = "name the backup set: the input BACKUP_SET of a run, or --backup-set"


def sealed_manifest(scene: Scene) -> Manifest | None:
    """The manifest of the set that BACKUP_SET names; None when it names none.

    Raises PreconditionError when the set cannot be read.
    """
    place = scene.values.get("BACKUP_SET", "")
    return open_set(Path(place)).manifest if place else None


def no_set_named(expected: str) -> Observation:
    """What a check says that would compare with a set, where none was named."""
    return Observation(
        verdict=Verdict.UNPROVEN, expected=expected, observed="no backup set was named", hint=NO_SET_HINT
    )
