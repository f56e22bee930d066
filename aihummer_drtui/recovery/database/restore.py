"""Bringing the database back from a dump: beside the live one, verified, then put in its place.

Read as a procedure: refuse, look, prove the dump (meanwhile the server makes a database beside), fill that
database, compare, exchange. Until the exchange the live database is not touched, and the exchange is one
transaction.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.dump_folder import dump_state, refuse_changed
from aihummer_drtui.recovery.backup.manifest import Fact
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.backup.verify import open_dump
from aihummer_drtui.recovery.database.alone import take_lock
from aihummer_drtui.recovery.database.beside import database_beside, drop_leftovers, durable_until_here
from aihummer_drtui.recovery.database.compare import compare
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_of
from aihummer_drtui.recovery.database.filling import Filling
from aihummer_drtui.recovery.database.identity import refuse_other_identity
from aihummer_drtui.recovery.database.kept import free_name, kept_until
from aihummer_drtui.recovery.database.marker import Stage, databases_seen, mark_text
from aihummer_drtui.recovery.database.ready import readiness
from aihummer_drtui.recovery.database.swap import swap
from aihummer_drtui.recovery.database.swiftness import VECTORS, cores
from aihummer_drtui.recovery.database.tools import find_tools
from aihummer_drtui.recovery.drill_safety import refuse_wrong_mode
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import read_gateway_env
from aihummer_drtui.recovery.key.proof import refuse_key_that_opens_nothing, refuse_other_key
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was done."""

    database: str
    kept_as: str
    """The old database's new name; empty = there was none."""
    kept_until: str
    """Before this `--drop-old` wants `--early` (ISO 8601, UTC); empty as `kept_as`."""
    rows: int
    tables: int
    compared: bool = True
    """False = the set was sealed without row counts: these are what was restored, nothing more."""
    tolerated: tuple[str, ...] = ()
    """Errors of pg_restore that are known to be benign, each with the reason."""
    warnings: tuple[str, ...] = ()


def restore_database(
    target: Target,
    backup: BackupSet,
    *,
    confirm: str,
    mode: str,
    reporter: Reporter,
    again: bool = False,
    jobs: int = 0,
) -> Restored:
    """Replace the target's database by the one in `backup`; the old one is kept under another name.

    `confirm` is the identity `host/database`; `mode` the run's, empty by hand; `jobs` 0 = one a core.
    Raises PreconditionError before anything is filled, LockedError when another restore is at work, and
    FailedError when the work breaks: the database beside is then dropped, the live one is as it was.
    """
    refuse_wrong_mode(target, mode)
    owner = owner_of(target)
    refuse_other_identity(owner, confirm)
    refuse_untrusted(target, backup)
    refuse_other_key(read_gateway_env(target.gateway_env), backup.manifest)
    refuse_key_that_opens_nothing(target, backup, reporter)
    tools = find_tools(target, at_least=backup.manifest.tools_major)
    with (
        ended_in_order(),
        connect(owner, database=target.maintenance_database, autocommit=True) as connection,
        failures_named("the restore broke off", owner),
    ):
        take_lock(connection, owner)
        _look(connection, owner, backup, again=again)
        jobs = jobs or cores()
        with database_beside(connection, owner, backup) as made:
            dump = open_dump(backup, reporter)
            try:
                state = dump_state(dump)
                beside = made()
                filled = Filling(
                    connection=connection,
                    owner=owner,
                    tools=tools,
                    dump=dump,
                    beside=beside,
                    sealed_size=backup.manifest.database.size,
                    vectors=VECTORS in backup.manifest.database.extensions,
                    jobs=jobs,
                    reporter=reporter,
                ).fill()
                refuse_changed(backup, dump, state)
            finally:
                os.close(dump)
            found = compare(owner, beside, backup.manifest, jobs=jobs, reporter=reporter)
            reporter.phase("exchanging the databases")
            durable_until_here(connection, beside, backup.manifest.set_id)
            kept_as = _exchange(connection, owner, beside, backup)
    return Restored(
        database=owner.database,
        kept_as=kept_as,
        kept_until=kept_until(target, datetime.now(UTC)).isoformat(timespec="seconds") if kept_as else "",
        rows=sum(found.rows.values()),
        tables=len(found.rows),
        compared=backup.manifest.knows(Fact.ROWS),
        tolerated=filled.tolerated,
        warnings=(*filled.warnings, *found.warnings),
    )


def _look(connection: "Connection[TupleRow]", owner: Owner, backup: BackupSet, *, again: bool) -> None:
    live = databases_seen(connection).get(owner.database)
    set_id = backup.manifest.set_id
    if live and live.marker and live.marker.set_id == set_id and not again:
        raise PreconditionError(
            f"this very backup set was already restored here at {cleaned_line(live.marker.at)}",
            where=owner.phrase,
            hint="what was written since would be lost; if that is meant, say --again",
        )
    drop_leftovers(connection, owner)
    found = readiness(connection, owner, backup.manifest)
    if found.problems:
        raise PreconditionError(
            "the server cannot take this dump: " + "; ".join(found.problems),
            where=owner.phrase,
            hint="mend each of these as a superuser of PostgreSQL, then try again; nothing was changed",
        )


def _exchange(connection: "Connection[TupleRow]", owner: Owner, beside: str, backup: BackupSet) -> str:
    """Put the database beside in place; the name of the old one, empty where there was none."""
    kept_as = free_name(connection, owner.database)
    set_id = backup.manifest.set_id
    replaced = swap(
        connection,
        owner,
        beside=beside,
        kept_as=kept_as,
        set_id=set_id,
        comment=mark_text(Stage.RESTORED, set_id),
    )
    return kept_as if replaced else ""
