"""How far database and blobs of a recovery point lie apart: what a recovery from it leaves dangling."""

from dataclasses import dataclass
from datetime import datetime

from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.point_in_time.model import Window


@dataclass(frozen=True, kw_only=True)
class SetSkew:
    """Of a backup set, as counted when it was made."""

    rows_without_blob: int
    """Rows whose blob was missing at the snapshot."""
    blobs_without_row: int
    """Copied blobs that no row refers to; fewer where several rows refer to one."""


def set_skew(manifest: Manifest) -> SetSkew | None:
    """The skew that a set was sealed with; None = it was not counted: no layout, no blobs, or unproven."""
    blobs = manifest.blobs
    if not manifest.knows(Fact.BLOBS) or not blobs.active or not blobs.referenced:
        return None
    found = blobs.referenced - blobs.referenced_missing
    return SetSkew(rows_without_blob=blobs.referenced_missing, blobs_without_row=max(0, blobs.count - found))


def window_skew(window: Window, manifests: list[Manifest]) -> float | None:
    """Seconds from the newest copy of the blobs to the window's end; less than 0 = the copy is younger.

    Rows written in them may refer to blobs that no set holds. None = there is no set with blobs, or the
    window's end is not known.
    """
    copied = [
        datetime.fromisoformat(manifest.blobs.copied_at)
        for manifest in manifests
        if manifest.knows(Fact.BLOBS) and manifest.blobs.active and _is_moment(manifest.blobs.copied_at)
    ]
    if not copied or window.latest is None:
        return None
    return (window.latest - max(copied)).total_seconds()


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
