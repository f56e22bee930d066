"""What the restore of a dump still takes: nothing more once its database is in place."""

from typing import TYPE_CHECKING

from aihummer_drtui.recovery.backup.manifest import Manifest
from aihummer_drtui.recovery.database.connection import Owner
from aihummer_drtui.recovery.database.marker import Stage, databases_seen
from aihummer_drtui.recovery.database.storage import database_parts
from aihummer_drtui.recovery.space import Part

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


def database_parts_to_come(
    connection: "Connection[TupleRow]", owner: Owner, manifest: Manifest
) -> tuple[Part, ...]:
    """As `database_parts`; none where the live database came from this very set: its room is used up.

    Raises psycopg's errors.
    """
    live = databases_seen(connection).get(owner.database)
    mark = live.marker if live is not None else None
    if mark is not None and mark.stage is Stage.RESTORED and mark.set_id == manifest.set_id:
        return ()
    return database_parts(connection, owner, manifest)
