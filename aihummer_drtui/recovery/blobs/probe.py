"""The probe of a restore of blobs that nobody saw end."""

import os
from pathlib import Path

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.blobs.check import blob_folder_of
from aihummer_drtui.recovery.blobs.place import BlobPlace, Stage
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.probed import Probed
from aihummer_drtui.run.verdict import ProbeResult


def probe_blobs(scene: Scene) -> Probed:
    """Whether `restore blobs` has done its work. Raises nothing.

    Done: the folder in place is the one that was restored from this set. Partial: a folder of an
    unfinished restore stands beside, or the exchange was made and not marked.
    """
    try:
        manifest = sealed_manifest(scene)
        folder = blob_folder_of(scene)
    except DrtuiError as error:
        return Probed(result=ProbeResult.UNKNOWN, observed=cleaned_line(f"{error.where}: {error.what}"))
    if manifest is not None and not manifest.knows(Fact.BLOBS):
        return Probed(result=ProbeResult.UNKNOWN, observed="the set holds no blobs: sealed around a dump")
    if folder is None:
        return Probed(result=ProbeResult.DONE, observed="media service inactive: nothing to restore")
    if manifest is None:
        return Probed(result=ProbeResult.UNKNOWN, observed="no backup set was named to compare with")
    return _probed(BlobPlace(live=folder, set_id=manifest.set_id))


def _probed(place: BlobPlace) -> Probed:
    marker = place.read_mark()
    left = place.beside
    if marker and marker.stage is Stage.EXCHANGING:
        return Probed(
            result=ProbeResult.PARTIAL,
            observed=cleaned_line(f"{place.live} was exchanged, but not marked; run the restore again"),
        )
    if marker and marker.set_id == place.set_id and not left.exists():
        return Probed(
            result=ProbeResult.DONE, observed=cleaned_line(f"{place.live}: restored at {marker.at}")
        )
    if os.path.lexists(left):
        return Probed(
            result=ProbeResult.PARTIAL,
            observed=cleaned_line(f"{left} is what a restore left; run it again, and it goes on there"),
        )
    if not Path(place.live).exists():
        return Probed(result=ProbeResult.NOT_DONE, observed=cleaned_line(f"{place.live} is not there"))
    other = f"set {marker.set_id}" if marker else "no restore"
    return Probed(
        result=ProbeResult.NOT_DONE, observed=cleaned_line(f"{place.live} carries the mark of {other}")
    )
