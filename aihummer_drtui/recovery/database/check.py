"""After a restore: is the database there that was sealed? And the probe of a restore nobody saw end."""

from collections.abc import Mapping
from typing import Final

from aihummer_drtui.errors import DrtuiError, FailedError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import no_set_named, sealed_manifest
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.beside import leftovers
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_of
from aihummer_drtui.recovery.database.content import row_counts
from aihummer_drtui.recovery.database.marker import Seen, Stage, databases_seen
from aihummer_drtui.recovery.probed import Probed
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, ProbeResult, Verdict

_SECONDS: Final = 60.0
_HINT: Final = "run `restore database` with this backup set; the database before it is kept beside"


def look_at_restored(scene: Scene) -> Observation:
    """Look whether the live database came from this backup set and has at least the sealed rows."""
    expected = "the database of this backup set, with the rows that were sealed"
    if scene.recovery_point:
        from aihummer_drtui.recovery.point_in_time.check import look_at_recovered

        return look_at_recovered(scene)
    try:
        manifest = sealed_manifest(scene)
        if manifest is None:
            return no_set_named(expected)
        owner = owner_of(scene.target)
        live = _databases(scene.target, owner).get(owner.database)
        unlike = _not_from(live, manifest)
        if unlike:
            return Observation(
                verdict=Verdict.FAILED, expected=expected, observed=cleaned_line(unlike), hint=_HINT
            )
        if not manifest.knows(Fact.ROWS):
            return _rows_unproven(expected, manifest)
        return _rows_compared(expected, manifest, _live_rows(owner))
    except DrtuiError as error:
        return Observation(
            verdict=Verdict.UNKNOWN if isinstance(error, FailedError) else Verdict.FAILED,
            expected=expected,
            observed=cleaned_line(error.what, 300),
            hint=error.hint,
        )


def _not_from(live: Seen | None, manifest: Manifest) -> str:
    """Why the live database is not the restored one, or nothing."""
    if live is None:
        return "there is no database of that name"
    if live.marker is None or live.marker.stage is not Stage.RESTORED:
        return f"database {live.name} does not carry the mark of a restore"
    if live.marker.point:
        return f"database {live.name} was recovered to {live.marker.point}, not restored from this set"
    if live.marker.set_id != manifest.set_id:
        return f"database {live.name} was restored from another set: {live.marker.set_id}"
    return ""


def _rows_unproven(expected: str, manifest: Manifest) -> Observation:
    return Observation(
        verdict=Verdict.UNPROVEN,
        expected=expected,
        observed=f"set {cleaned_line(manifest.set_id)} was restored; no row counts were sealed with it",
        hint="look by eye at what should be there: the newest conversations, the number of agents",
    )


def _rows_compared(expected: str, manifest: Manifest, found: Mapping[str, int]) -> Observation:
    sealed = manifest.database.tables
    fewer = sorted(name for name, rows in sealed.items() if found.get(name, -1) < rows)
    if fewer:
        first = fewer[0]
        return Observation(
            verdict=Verdict.FAILED,
            expected=expected,
            observed=cleaned_line(
                f"{len(fewer)} tables have fewer rows than were sealed, first {first}: "
                f"{found.get(first, 'missing')}, sealed {sealed[first]}"
            ),
            hint="something deleted rows after the restore: find out what before you restore again",
        )
    total, before = sum(found.values()), sum(sealed.values())
    grown = (
        f", {total - before} rows more than sealed: it has been written to since" if total > before else ""
    )
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=f"set {cleaned_line(manifest.set_id)}: {total} rows in {len(found)} tables{grown}",
    )


def probe_database(scene: Scene) -> Probed:
    """Whether `restore database` has done its work. Raises nothing.

    Done: the live database carries this set's mark and no table has fewer rows than sealed. Partial: a
    database of an unfinished restore stands beside, or the live one was closed for the exchange.
    """
    if scene.recovery_point:
        from aihummer_drtui.recovery.point_in_time.probe import probe_point_in_time

        return probe_point_in_time(scene)
    try:
        manifest = sealed_manifest(scene)
        owner = owner_of(scene.target)
        there = _databases(scene.target, owner)
        live = there.get(owner.database)
        if left := leftovers(owner.database, there):
            return Probed(
                result=ProbeResult.PARTIAL,
                observed=cleaned_line(
                    f"{left[0]} is the remainder of a restore that did not end; the live database was not "
                    "exchanged by it; `restore database` drops it"
                ),
            )
        if live and not live.allows_connections:
            return Probed(
                result=ProbeResult.PARTIAL,
                observed=cleaned_line(f"{live.name} was closed for the exchange, which did not happen"),
            )
        return _probed(owner, live, manifest)
    except DrtuiError as error:
        return Probed(result=ProbeResult.UNKNOWN, observed=cleaned_line(error.what, 300))


def _probed(owner: Owner, live: Seen | None, manifest: Manifest | None) -> Probed:
    if manifest is None:
        return Probed(result=ProbeResult.UNKNOWN, observed="no backup set was named to compare with")
    unlike = _not_from(live, manifest)
    if unlike:
        return Probed(result=ProbeResult.NOT_DONE, observed=cleaned_line(unlike))
    if not manifest.knows(Fact.ROWS):
        # The mark is set in the transaction of the exchange: it alone tells that the restore was done.
        return Probed(result=ProbeResult.DONE, observed=_rows_unproven("", manifest).observed)
    seen = _rows_compared("", manifest, _live_rows(owner))
    result = ProbeResult.DONE if seen.verdict is Verdict.PASSED else ProbeResult.UNKNOWN
    return Probed(result=result, observed=seen.observed)


def _databases(target: Target, owner: Owner) -> Mapping[str, Seen]:
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=_SECONDS) as connection,
        failures_named("the server did not answer", owner),
    ):
        return databases_seen(connection)


def _live_rows(owner: Owner) -> Mapping[str, int]:
    with (
        connect(owner, statement_seconds=_SECONDS) as connection,
        failures_named("the rows could not be counted", owner),
    ):
        return row_counts(connection)


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="database-restored",
            title="The sealed database is in place",
            proves="the live database came from this backup set, and no table has fewer rows than sealed",
            interval=30.0,
            time_out=_SECONDS + 10,
        ),
        look=look_at_restored,
    ),
)
