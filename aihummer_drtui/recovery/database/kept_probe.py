"""Probes of the two commands on kept databases: was the restore taken back, is the old one gone?"""

from collections.abc import Mapping
from typing import Final

from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.sealed import sealed_manifest
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import connect, failures_named, owner_of
from aihummer_drtui.recovery.database.kept import Kept, kept_of
from aihummer_drtui.recovery.database.marker import Seen, Stage, databases_seen
from aihummer_drtui.recovery.probed import Probed
from aihummer_drtui.run.verdict import ProbeResult

KEPT: Final = "KEPT_DATABASE"
"""The value of a scene (and the environment variable) that names one kept database."""


def probe_undo(scene: Scene) -> Probed:
    """Whether `restore database --undo` has done its work. Raises nothing.

    Done: a database that was restored (from the set that BACKUP_SET names, if it does) is kept beside and
    another one is live. Not done: it is live. Partial: the live one was closed for the exchange. Where no
    restored one is to be seen at all, nobody can tell.
    """
    try:
        manifest = sealed_manifest(scene)
        database, there, kept = _seen(scene)
    except DrtuiError as error:
        return _unknown(error)
    wanted = manifest.set_id if manifest else ""
    live = there.get(database)
    if live and not live.allows_connections:
        return Probed(
            result=ProbeResult.PARTIAL,
            observed=cleaned_line(f"{live.name} was closed for the exchange, which did not happen"),
        )
    if live and live.marker and live.marker.stage is Stage.RESTORED:
        set_id = live.marker.set_id
        if not wanted or set_id == wanted:
            return Probed(
                result=ProbeResult.NOT_DONE,
                observed=cleaned_line(f"{database} is still that of set {set_id}"),
            )
    aside = next((each for each in kept if each.set_id and each.set_id == (wanted or each.set_id)), None)
    if live and aside:
        return Probed(
            result=ProbeResult.DONE,
            observed=cleaned_line(f"the restored database was put aside: {aside}", 300),
        )
    return Probed(result=ProbeResult.UNKNOWN, observed="no restored database is to be seen, live or kept")


def probe_drop(scene: Scene) -> Probed:
    """Whether `restore database --drop-old` has done its work: the kept database is gone. Raises nothing."""
    try:
        database, _, kept = _seen(scene)
    except DrtuiError as error:
        return _unknown(error)
    name = scene.values.get(KEPT, "")
    left = [each for each in kept if not name or each.name == name]
    if left:
        return Probed(result=ProbeResult.NOT_DONE, observed=cleaned_line(f"still there: {left[0]}", 300))
    told = f"{name} is not kept" if name else f"no database is kept that was {database}"
    return Probed(result=ProbeResult.DONE, observed=cleaned_line(told))


def _seen(scene: Scene) -> tuple[str, Mapping[str, Seen], list[Kept]]:
    owner = owner_of(scene.target)
    with (
        connect(owner, database=scene.target.maintenance_database, statement_seconds=10) as connection,
        failures_named("the server did not answer", owner),
    ):
        there = databases_seen(connection)
    return owner.database, there, kept_of(scene.target, owner.database, there.values())


def _unknown(error: DrtuiError) -> Probed:
    return Probed(result=ProbeResult.UNKNOWN, observed=cleaned_line(error.what, 300))
