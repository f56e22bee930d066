"""What restored blobs take: beside the live folder, which is kept."""

import os
from contextlib import suppress
from typing import Final

from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.blobs.place import BlobPlace, Stage
from aihummer_drtui.recovery.blobs.scan import scan
from aihummer_drtui.recovery.space import Part

_HALF_A_BLOCK: Final = 2048
"""Bytes; a file takes whole blocks, and half of one more is the mean."""
_FOLDERS: Final = 20
"""Blobs to a folder: an assumption; fewer folders are needed as a rule."""


def blob_part(place: BlobPlace, manifest: Manifest) -> Part:
    """What the blobs of a set still need; what an earlier try brought is there already. Raises nothing."""
    blobs = manifest.blobs
    all_size = size = blobs.size + blobs.count * _HALF_A_BLOCK
    all_count = count = blobs.count + blobs.count // _FOLDERS + 1
    unknown = "" if manifest.knows(Fact.BLOBS) else "the set was sealed without blobs"
    try:
        if os.path.lexists(place.beside):
            for found in scan(place.beside):
                size -= found.size + _HALF_A_BLOCK
                count -= 1
    except (OSError, DrtuiError):
        # Then all of it is asked for.
        size, count = all_size, all_count
    return Part(
        name="blobs", place=place.live.parent, size=max(0, size), inodes=max(0, count), unknown=unknown
    )


def blob_part_to_come(place: BlobPlace, manifest: Manifest) -> Part:
    """As `blob_part`; of no size where the blobs in place came from this very set. Raises nothing."""
    with suppress(PreconditionError):
        mark = place.read_mark()
        if mark is not None and mark.stage is Stage.RESTORED and mark.set_id == place.set_id:
            return Part(name="blobs", place=place.live.parent)
    return blob_part(place, manifest)
