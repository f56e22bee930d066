"""Probes of the way back and its end, where a recovery to a point put a whole data directory aside.

Where none did, they are those of a database (`recovery.database.kept_probe`).
"""

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.kept_probe import KEPT, probe_drop, probe_undo
from aihummer_drtui.recovery.point_in_time.mark import Stage
from aihummer_drtui.recovery.point_in_time.undo import kept_data_directories, mark_of, stands_at_a_point
from aihummer_drtui.recovery.probed import Probed
from aihummer_drtui.run.verdict import ProbeResult


def probe_undo_of_either(scene: Scene) -> Probed:
    """Whether `restore database --undo` has done its work, whatever the restore put aside. Raises nothing."""
    try:
        return _undo(scene)
    except DrtuiError as error:
        return _unknown(error)


def probe_drop_of_either(scene: Scene) -> Probed:
    """Whether `restore database --drop-old` has done its work. Raises nothing."""
    try:
        folders = () if scene.values.get(KEPT) else kept_data_directories(scene.target)
    except DrtuiError as error:
        return _unknown(error)
    if folders:
        return Probed(result=ProbeResult.NOT_DONE, observed=cleaned_line(f"still there: {folders[-1]}", 300))
    return probe_drop(scene)


def _unknown(error: DrtuiError) -> Probed:
    return Probed(result=ProbeResult.UNKNOWN, observed=cleaned_line(error.what, 300))


def _undo(scene: Scene) -> Probed:
    found = None if scene.values.get(KEPT) else mark_of(scene.target)
    mark = found and found.standing
    if mark is not None and mark.stage is Stage.UNDOING:
        return Probed(
            result=ProbeResult.PARTIAL,
            observed="the way back was begun and not ended; the same command goes on where it was",
        )
    if mark is not None and stands_at_a_point(scene.target):
        return Probed(
            result=ProbeResult.NOT_DONE,
            observed=cleaned_line(f"the server recovered to {mark.point} is still in place", 300),
        )
    if mark is not None and mark.stage is Stage.UNDONE:
        return Probed(
            result=ProbeResult.DONE,
            observed=cleaned_line(f"the server before the recovery to {mark.point} is back in place", 300),
        )
    return probe_undo(scene)
