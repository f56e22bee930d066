"""Making a backup set: one snapshot for dump and counts, blobs after it, the manifest last.

The snapshot comes first and the blobs after it, so that every blob the dump refers to is there to be
copied. The set grows in a `.partial-` folder and takes its name when all of it is on disk.
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from aihummer_drtui import __version__
from aihummer_drtui.errors import DrtuiError, PreconditionError
from aihummer_drtui.recovery.backup import set as backup_set
from aihummer_drtui.recovery.backup.dumping import run_pg_dump, seal_dump_files, write_roles
from aihummer_drtui.recovery.backup.growing import growing, named, stamp
from aihummer_drtui.recovery.backup.manifest import ROLES, Manifest, SealedBlobs, SealedDatabase, SealedFile
from aihummer_drtui.recovery.backup.points import newest_sealed
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.backup.signature import signer_of
from aihummer_drtui.recovery.blobs.copy import copy_blobs
from aihummer_drtui.recovery.blobs.references import count_references
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_of
from aihummer_drtui.recovery.database.content import describe, lsn_now, one_number, tables_of
from aihummer_drtui.recovery.database.tools import PostgresTools, find_tools
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import (
    MASTER_KEY,
    MEDIA_TOKEN_SECRET,
    GatewayEnv,
    read_gateway_env,
)
from aihummer_drtui.recovery.key.fingerprints import (
    key_fingerprint,
    media_token_fingerprint,
    parse_master_key,
)
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.rows import TupleRow


@dataclass(frozen=True, kw_only=True)
class _Dumped:
    database: SealedDatabase
    recovery_point: str
    tools: PostgresTools


def create_backup(
    target: Target, place: Path, reporter: Reporter, *, link_blobs: bool = True, jobs: int | None = None
) -> BackupSet:
    """Write a backup set into a new folder of `place` and return it.

    The dump is one file; with `jobs` a folder that so many jobs write (0 = one a core).
    With `link_blobs`, blobs that did not change are hard links to those of the newest sealed set there.
    Raises PreconditionError before anything is written when gateway.env, the database or the programs
    will not do, and FailedError when the work breaks; nothing is left behind then.
    """
    signer = signer_of(target)
    env = read_gateway_env(target.gateway_env)
    owner = owner_of(target)
    started = _now()
    with ended_in_order(), growing(place, started) as folder:
        with connect(owner) as connection, failures_named("the dump broke off", owner):
            dumped = _dump(target, owner, connection, folder, reporter, jobs)
            earlier = newest_sealed(place) if link_blobs else None
            blobs = _copy(target, env, connection, folder, earlier, reporter)
            ended_at = lsn_now(connection)
        database = msgspec.structs.replace(dumped.database, lsn_ended=ended_at)
        dumped = replace(dumped, database=database)
        manifest = _manifest(target, env, dumped, blobs, started, _seal_files(folder, blobs, reporter))
        signer.write(folder, manifest)
        done = named(folder, place, started)
    return backup_set.open_set(done)


def _dump(
    target: Target,
    owner: Owner,
    connection: "Connection[TupleRow]",
    folder: Path,
    reporter: Reporter,
    jobs: int | None,
) -> _Dumped:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    row = connection.execute("SELECT pg_export_snapshot(), transaction_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM gives a row
    snapshot, moment = row
    tools = find_tools(target, at_least=one_number(connection, "SHOW server_version_num") // 10_000)
    reporter.phase("counting rows", total=len(tables_of(connection)), unit="tables")
    database = describe(connection, each=reporter.advance)
    run_pg_dump(tools, owner, snapshot, folder, reporter, jobs=jobs)
    write_roles(target, tools, owner, folder / ROLES, reporter)
    return _Dumped(database=database, recovery_point=moment.astimezone(UTC).isoformat(), tools=tools)


def _copy(
    target: Target,
    env: GatewayEnv,
    connection: "Connection[TupleRow]",
    folder: Path,
    earlier: BackupSet | None,
    reporter: Reporter,
) -> SealedBlobs:
    blobs = copy_blobs(env.blob_folder, folder, reporter, earlier=earlier)
    if env.blob_folder is None or not target.media.references:
        return blobs
    reporter.phase("comparing blobs with the database", unit="blobs")
    references = count_references(
        connection, target.media.references, folder / backup_set.BLOBS, each=reporter.advance
    )
    return msgspec.structs.replace(
        blobs, referenced=references.rows, referenced_missing=references.missing + references.differing
    )


def _seal_files(folder: Path, blobs: SealedBlobs, reporter: Reporter) -> tuple[SealedFile, ...]:
    blob_list = folder / backup_set.BLOB_LIST
    written = folder / ROLES
    roles: tuple[SealedFile, ...] = ()
    if written.exists():
        content = written.read_bytes()
        roles = (SealedFile(name=ROLES, size=len(content), sha256=hashlib.sha256(content).hexdigest()),)
    return (
        *seal_dump_files(folder, reporter),
        SealedFile(name=backup_set.BLOB_LIST, size=blob_list.stat().st_size, sha256=blobs.list_sha256),
        *roles,
    )


def _manifest(
    target: Target,
    env: GatewayEnv,
    dumped: _Dumped,
    blobs: SealedBlobs,
    started: datetime,
    files: tuple[SealedFile, ...],
) -> Manifest:
    version, source = _aihummer_version(target)
    secret = env.get(MEDIA_TOKEN_SECRET)
    return Manifest(
        set_id=f"{stamp(started)}-{secrets.token_hex(4)}",
        started=started.isoformat(),
        recovery_point=dumped.recovery_point,
        ended=_now().isoformat(),
        program=f"aihummer-drtui {__version__}",
        aihummer_version=version,
        aihummer_version_source=source,
        pg_dump_version=dumped.tools.version,
        database=dumped.database,
        key_fingerprint=_key_fingerprint(env),
        media_token_fingerprint=media_token_fingerprint(secret) if secret else "",
        gateway_env_names=tuple(sorted(env.variables)),
        files=files,
        blobs=blobs,
    )


def _key_fingerprint(env: GatewayEnv) -> str:
    text = env.get(MASTER_KEY)
    try:
        return key_fingerprint(parse_master_key(text, where=str(env.path))) if text else ""
    except PreconditionError:
        # A malformed key opens nothing; the set is still worth having, and says that it has no key.
        return ""


def _aihummer_version(target: Target) -> tuple[str, str]:
    """The version to seal and where it was learned; ("", why) when it was not."""
    from aihummer_drtui.recovery.gateway.version import installed_version, running_version

    found = {}
    for source, learn in (("running gateway", running_version), ("installed program", installed_version)):
        try:
            found[source] = str(learn(target))
        except DrtuiError as error:
            found[source] = ""
            last = error.what
    for source, version in found.items():
        if version:
            return version, source
    return "", f"unknown: {last}"


def _now() -> datetime:
    return datetime.now(UTC)
