"""The check `space`: will everything fit, before the first destructive command?"""

from collections.abc import Iterator
from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.backup.sealed import no_set_named, sealed_manifest
from aihummer_drtui.recovery.blobs.place import BlobPlace
from aihummer_drtui.recovery.blobs.room import blob_part_to_come
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.database.room import database_parts_to_come
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.space import Part, Space, measured
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

_ENVIRONMENT: Final = 1_000_000
"""Bytes; gateway.env is written beside and kept before it is replaced."""


def look_at_space(scene: Scene) -> Observation:
    """Look whether database, log, sorting, blobs and gateway.env fit, with the old ones kept.

    Raises DrtuiError where the set or gateway.env cannot be read.
    """
    expected = "room for all that will be written, on every file system, with the old data kept"
    manifest = sealed_manifest(scene)
    if manifest is None:
        return no_set_named(expected)
    space = measured(_parts(scene, manifest))
    return Observation(
        verdict=_verdict(space),
        expected=expected,
        observed=cleaned_line("; ".join(map(str, space.short or space.file_systems)), 600)
        or "nothing could be measured here",
        hint=_hint(space),
        warnings=space.doubts,
    )


def _verdict(space: Space) -> Verdict:
    if space.short:
        return Verdict.FAILED
    return Verdict.UNPROVEN if space.unknown else Verdict.PASSED


def _hint(space: Space) -> str:
    if space.short:
        return "make room there or mount a larger disk; do not drop the old data for it"
    return "look by hand (df -h, df -i) on the host that holds it" if space.unknown else ""


def _parts(scene: Scene, manifest: Manifest) -> Iterator[Part]:
    if scene.recovery_point:
        from aihummer_drtui.recovery.point_in_time.room import server_part

        yield server_part(scene)
    else:
        yield from _of_database(scene.target, manifest)
    env = read_gateway_env(scene.target.gateway_env)
    if manifest.blobs.active and env.blob_folder is None:
        yield Part(name="blobs", place=None, size=manifest.blobs.size, unknown="AIHUMMER_BLOB_DIR is not set")
    elif env.blob_folder is not None:
        yield blob_part_to_come(BlobPlace(live=env.blob_folder, set_id=manifest.set_id), manifest)
    yield Part(name="gateway.env", place=env.path.parent, size=_ENVIRONMENT, inodes=2)


def _of_database(target: Target, manifest: Manifest) -> tuple[Part, ...]:
    try:
        owner = owner_of(target)
        with (
            connect(owner, database=target.maintenance_database, statement_seconds=10) as connection,
            failures_named("the server did not answer", owner),
        ):
            return database_parts_to_come(connection, owner, manifest)
    except DrtuiError as error:
        # The rest is worth measuring all the same; that the server is away is told by its own check.
        size = manifest.database.size
        return (Part(name="restored database", place=None, size=size, unknown=error.what),)


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="space",
            title="Everything will fit",
            proves="each file system has room for its parts of the recovery beside the old data; what cannot "
            "be seen from here is unproven",
            interval=30.0,
            time_out=60.0,
        ),
        look=look_at_space,
    ),
)
