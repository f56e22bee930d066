"""Whether the server can take the dump: asked before anything is touched, and again by the restore itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aihummer_drtui.errors import DrtuiError, FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.backup.manifest import Fact, Manifest
from aihummer_drtui.recovery.backup.sealed import no_set_named, sealed_manifest
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_of
from aihummer_drtui.recovery.database.content import one_number
from aihummer_drtui.recovery.database.marker import databases_seen
from aihummer_drtui.recovery.database.room import database_parts_to_come
from aihummer_drtui.recovery.space import measured
from aihummer_drtui.recovery.target import Target
from aihummer_drtui.run.verdict import CheckDescription, Observation, Verdict

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What stands in the way of a restore, and what could not be found out."""

    server: str
    problems: tuple[str, ...]
    doubts: tuple[str, ...]
    space: str
    """Free space in words; empty = not known."""


def readiness(connection: "Connection[TupleRow]", owner: Owner, manifest: Manifest) -> Readiness:
    """Given a connection to the maintenance database, return what a restore of `manifest` would meet.

    Raises psycopg's errors.
    """
    number = one_number(connection, "SHOW server_version_num")
    space = measured(database_parts_to_come(connection, owner, manifest))
    problems = [
        *_version_problems(number, manifest),
        *_extension_problems(connection, manifest),
        *_role_problems(connection, manifest),
        *_right_problems(connection, owner),
    ]
    problems += [f"not enough room: {each}" for each in space.short]
    doubts = list(space.doubts)
    if not one_number(connection, "SELECT (current_setting('fsync') = 'on')::int"):
        doubts.append("the server runs with fsync off: nothing in it survives a power cut")
    if not manifest.knows(Fact.ROLES):
        doubts.append("which roles the dump needs is unproven: aihummer and aihummer_app, as a rule")
    return Readiness(
        server=f"{number // 10_000}.{number % 10_000}",
        problems=tuple(problems),
        doubts=tuple(doubts),
        space="; ".join(f"{bytes_text(each.free)} free in {each.place}" for each in space.file_systems),
    )


def _version_problems(number: int, manifest: Manifest) -> Iterator[str]:
    if number // 10_000 < manifest.server_major:
        yield f"the server is PostgreSQL {number // 10_000}, the dump is of {manifest.server_major}"


def _extension_problems(connection: "Connection[TupleRow]", manifest: Manifest) -> Iterator[str]:
    available = {row[0] for row in connection.execute("SELECT name FROM pg_available_extensions")}
    # KNOWN: AiHummer's vault needs pgcrypto, whether or not the set was sealed with it.
    if missing := sorted({*manifest.database.extensions, "pgcrypto"} - available):
        yield f"extension {cleaned_line(', '.join(missing))} is not available (package postgresql-contrib)"


def _role_problems(connection: "Connection[TupleRow]", manifest: Manifest) -> Iterator[str]:
    there = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    if missing := [role for role in manifest.database.roles if role not in there]:
        yield f"role {cleaned_line(', '.join(missing))} is missing (a dump brings no roles: CREATE ROLE …)"


def _right_problems(connection: "Connection[TupleRow]", owner: Owner) -> Iterator[str]:
    row = connection.execute(
        "SELECT rolcreatedb OR rolsuper, rolname FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if not row or not row[0]:
        yield f"role {cleaned_line(owner.user)} may not create databases (ALTER ROLE … CREATEDB)"
    live = databases_seen(connection).get(owner.database)
    if live and not live.ours:
        yield (
            f"database {cleaned_line(live.name)} belongs to {cleaned_line(live.owner)}: "
            f"{cleaned_line(owner.user)} may not rename it"
        )


def look_at_reach(scene: Scene) -> Observation:
    """Look whether the database server answers the owner role, and whether the live database is there."""
    expected = "PostgreSQL answers AiHummer's owner role"
    try:
        owner = owner_of(scene.target)
    except DrtuiError as error:
        return _failed(expected, error)
    try:
        with (
            connect(owner, database=scene.target.maintenance_database, statement_seconds=10) as connection,
            failures_named("the server did not answer", owner),
        ):
            number = one_number(connection, "SHOW server_version_num")
            live = databases_seen(connection).get(owner.database)
    except PreconditionError as error:
        return _not_needed(expected, error) if scene.recovery_point else _failed(expected, error)
    except DrtuiError as error:
        return _failed(expected, error)
    told = "no database of that name yet" if live is None else f"database {live.name} is there"
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed=cleaned_line(f"PostgreSQL {number // 10_000}.{number % 10_000} at {owner.place}; {told}"),
    )


def look_at_readiness(scene: Scene) -> Observation:
    """Look whether the server can take the sealed dump: version, extensions, roles, rights, space."""
    expected = "version, extensions, roles, rights and space for the dump"
    if scene.recovery_point:
        from aihummer_drtui.recovery.point_in_time import check as point_in_time

        return point_in_time.look_at_readiness(scene)
    try:
        manifest = sealed_manifest(scene)
        if manifest is None:
            return no_set_named(expected)
        found = _asked(scene.target, manifest)
    except DrtuiError as error:
        return _failed(expected, error)
    # Room that cannot be seen from here is the check `space`'s to call unproven.
    well = Verdict.PASSED if manifest.knows(Fact.SIZE) and manifest.knows(Fact.ROLES) else Verdict.UNPROVEN
    return Observation(
        verdict=Verdict.FAILED if found.problems else well,
        expected=expected,
        observed=cleaned_line("; ".join(found.problems), 400) or _all_well(found),
        hint="mend each of these as a superuser of PostgreSQL, then look again" if found.problems else "",
        warnings=found.doubts,
    )


def _asked(target: Target, manifest: Manifest) -> Readiness:
    owner = owner_of(target)
    with (
        connect(owner, database=target.maintenance_database, statement_seconds=10) as connection,
        failures_named("the server did not answer", owner),
    ):
        return readiness(connection, owner, manifest)


def _all_well(found: Readiness) -> str:
    return f"PostgreSQL {found.server}, extensions, roles and rights there" + (
        f", {found.space}" if found.space else ""
    )


def _not_needed(expected: str, error: DrtuiError) -> Observation:
    return Observation(
        verdict=Verdict.PASSED,
        expected=expected,
        observed="no server answers the owner, and none is needed: the whole server is brought back",
        warnings=(cleaned_line(error.what, 200),),
    )


def _failed(expected: str, error: DrtuiError) -> Observation:
    # A query that broke (a time-out, a server that died) is no answer; a connection refused is one.
    verdict = Verdict.UNKNOWN if isinstance(error, FailedError) else Verdict.FAILED
    return Observation(
        verdict=verdict, expected=expected, observed=cleaned_line(error.what, 300), hint=error.hint
    )


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="database-reachable",
            title="PostgreSQL answers",
            proves="the server answers the owner role of gateway.env; not that any data is there",
        ),
        look=look_at_reach,
    ),
    Check(
        description=CheckDescription(
            name="database-ready",
            title="The server can take the dump",
            proves="version, extensions, roles, rights and (on this host) space are as the dump needs them",
            interval=10.0,
        ),
        look=look_at_readiness,
    ),
)
