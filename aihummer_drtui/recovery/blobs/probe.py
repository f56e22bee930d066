"""The probe of a restore of blobs that nobody saw end."""

import os
from datetime import UTC, datetime
from pathlib import Path

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.blobs.check import blob_folder_of
from aihummer_drtui.recovery.blobs.drop import old_folders
from aihummer_drtui.recovery.blobs.place import BlobPlace, Stage
from aihummer_drtui.recovery.blobs.source import Source, parse_source, source_mark
from aihummer_drtui.recovery.blobs.undo import marked_place
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.probed import Probed, unknown_by
from aihummer_drtui.run.verdict import ProbeResult


def probe_blobs(scene: Scene) -> Probed:
    """Whether `restore blobs` has done its work. Raises nothing.

    Done: the folder in place is the one that was restored from this set. Partial: a folder of an
    unfinished restore stands beside, or the exchange was made and not marked.
    """
    place = scene.values.get("BLOBS_FROM", "")
    try:
        manifest = sealed_manifest(scene)
        folder = blob_folder_of(scene)
        source = parse_source(place) if place else None
        return _of_restore(manifest, folder, source)
    except DrtuiError as error:
        return unknown_by(error)


def _of_restore(manifest: Manifest | None, folder: Path | None, source: Source | None) -> Probed:
    if manifest is not None and not manifest.knows(Fact.BLOBS) and source is None:
        return Probed(result=ProbeResult.UNKNOWN, observed="the set holds no blobs: sealed around a dump")
    if folder is None:
        return Probed(result=ProbeResult.DONE, observed="media service inactive: nothing to restore")
    if manifest is not None:
        return _probed(BlobPlace(live=folder, set_id=manifest.set_id))
    if source is not None:
        return _probed(BlobPlace(live=folder, set_id=source_mark(source)))
    return Probed(result=ProbeResult.UNKNOWN, observed="no backup set or source was named to compare with")


def probe_undo(scene: Scene) -> Probed:
    """Whether `restore blobs --undo` has done its work. Raises nothing."""
    try:
        place = marked_place(scene.target)
        last, mark = place.last_mark(), place.read_mark()
    except DrtuiError as error:
        return unknown_by(error)
    if last is not None and last.stage is Stage.UNDOING and mark is None:
        return Probed(
            result=ProbeResult.PARTIAL,
            observed=cleaned_line(
                f"{place.live} is the old folder again, but not marked; run the undo again"
            ),
        )
    if mark is not None and mark.stage is Stage.UNDONE:
        return Probed(
            result=ProbeResult.DONE,
            observed=cleaned_line(f"{place.live}: the restore was undone at {mark.at}"),
        )
    return Probed(
        result=ProbeResult.NOT_DONE if mark else ProbeResult.UNKNOWN,
        observed=cleaned_line(f"{place.live} carries {f'the mark {mark.stage}' if mark else 'no mark'}"),
    )


def probe_drop(scene: Scene) -> Probed:
    """Whether `restore blobs --drop-old` has done its work. Raises nothing.

    What is kept and not due yet leaves it unknown: only with --early it would be gone.
    """
    try:
        found = old_folders(scene.target)
    except DrtuiError as error:
        return unknown_by(error)
    if not found:
        return Probed(result=ProbeResult.DONE, observed="no old blob folder is kept")
    first = next((one for one in found if one.dropping), found[0])
    until = f"{first.path} is kept until {first.until.isoformat(timespec='seconds')}"
    if first.dropping:
        return Probed(
            result=ProbeResult.PARTIAL,
            observed=cleaned_line(f"{first.path} is removed in part; run it again"),
        )
    due = any(one.may_go(datetime.now(UTC), early=False) for one in found)
    return Probed(result=ProbeResult.NOT_DONE if due else ProbeResult.UNKNOWN, observed=cleaned_line(until))


def _probed(place: BlobPlace) -> Probed:
    marker = place.read_mark()
    left = place.beside
    if marker and marker.stage in {Stage.UNDOING, Stage.UNDONE}:
        return Probed(
            result=ProbeResult.NOT_DONE,
            observed=cleaned_line(f"{place.live}: the restore was undone (mark of {marker.at})"),
        )
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
