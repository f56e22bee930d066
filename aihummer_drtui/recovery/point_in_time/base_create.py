"""Taking a base backup: pg_basebackup as the server's account, verified by pg_verifybackup, sealed last.

It grows in a `.partial-` folder and takes its name when all of it is on disk and was read back.
"""

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui import __version__
from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import bytes_text
from aihummer_drtui.recovery.backup.growing import growing, named, stamp
from aihummer_drtui.recovery.backup.signature import Signer, signer_of
from aihummer_drtui.recovery.database.admin import Admin, admin_of
from aihummer_drtui.recovery.database.program import run_program
from aihummer_drtui.recovery.database.server import Server
from aihummer_drtui.recovery.database.server_here import server_of
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
from aihummer_drtui.recovery.key.fingerprints import key_fingerprint, parse_master_key
from aihummer_drtui.recovery.point_in_time.base import DATA, LABEL, SEAL, Base, BaseSeal, open_base, seal_text
from aihummer_drtui.recovery.point_in_time.base_verify import (
    read_manifest,
    record_base_verified,
    run_verifybackup,
)
from aihummer_drtui.recovery.point_in_time.laying import bytes_below
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target

_HEADROOM: Final = 1.1
"""Of the databases' size: catalogues of the whole server, and the WAL that is streamed meanwhile."""
_FACTS: Final = """
    SELECT c.system_identifier::text AS system_identifier,
           current_setting('server_version_num')::int AS version,
           pg_size_bytes(current_setting('wal_segment_size')) AS segment_size,
           (SELECT sum(pg_database_size(oid))::bigint FROM pg_database) AS size,
           (SELECT coalesce(string_agg(spcname || ' in ' || pg_tablespace_location(oid), ', '), '')
            FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%') AS tablespaces,
           clock_timestamp() AS now
    FROM pg_control_system() c
"""


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    system_identifier: str
    version: int
    segment_size: int
    size: int
    tablespaces: str
    now: str


def make_base(target: Target, place: Path, reporter: Reporter) -> Base:
    """Take a base backup of this host's server into a new folder of `place` and return it.

    Raises PreconditionError before anything is written when the server is not this host's, lets no
    superuser in, has tablespaces elsewhere, or the place will not do; FailedError when the work breaks or
    what was written is not sound. Nothing is left behind then.
    """
    signer = signer_of(target)
    server = server_of(target)
    admin = admin_of(server)
    facts = _facts(admin)
    _refuse_tablespaces(facts)
    started = datetime.now(UTC)
    with ended_in_order(), growing(place, started) as folder:
        _open_way(server, place, folder)
        _refuse_little_space(place, facts)
        data = folder / DATA
        data.mkdir(mode=0o700)
        server.account.own(data)
        label = stamp(started)
        _run_pg_basebackup(admin, data, label, facts, reporter)
        ended = _facts(admin).now
        run_verifybackup(server.programs, server.account, data, reporter)
        _seal(target, signer, folder, label, facts, ended)
        done = named(folder, place, started)
    base = open_base(done)
    record_base_verified(base, datetime.now(UTC))
    return base


def _facts(admin: Admin) -> _Facts:
    return admin.rows(_FACTS, _Facts, seconds=60)[0]


def _refuse_tablespaces(facts: _Facts) -> None:
    if facts.tablespaces:
        raise PreconditionError(
            f"the server has tablespaces outside of its data directory: {cleaned_line(facts.tablespaces)}",
            hint="one directory is all that this program brings back: move those tables (ALTER TABLE … SET "
            "TABLESPACE pg_default), or back up and recover by pgBackRest or Barman alone",
        )


def _open_way(server: Server, place: Path, folder: Path) -> None:
    """Let the server's account pass through to what it is to fill, and see that it can."""
    if not server.account.is_present:
        folder.chmod(0o711)
        if place.stat().st_uid == os.geteuid():
            place.chmod(place.stat().st_mode & 0o7777 | 0o011)
    refuse_unreachable(server, folder)


def refuse_unreachable(server: Server, folder: Path) -> None:
    """Let pass a folder that the server's account can enter. Raises PreconditionError."""
    ended = run_program(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", folder],
        environment=server.environment(),
        descriptors=(),
        account=server.account,
        interval=0.02,
        seconds=20,
    )
    if ended.code != 0:
        raise PreconditionError(
            f"the account {server.account.name}, which runs PostgreSQL, cannot enter this folder",
            where=str(folder.parent),
            hint=f"let it pass through each folder above: chmod o+x, or setfacl -m u:{server.account.name}:x",
        )


def _refuse_little_space(place: Path, facts: _Facts) -> None:
    free = shutil.disk_usage(place).free
    needed = int(facts.size * _HEADROOM)
    if free < needed:
        raise PreconditionError(
            f"{bytes_text(free)} free, about {bytes_text(needed)} needed for a base backup",
            where=str(place),
            hint="make room (which base backups may go: docs/wal.md), or name another place",
        )


def _run_pg_basebackup(admin: Admin, data: Path, label: str, facts: _Facts, reporter: Reporter) -> None:
    reporter.phase("copying the data directory", total=facts.size, unit="bytes")
    with admin.access() as access:
        ended = run_program(
            [
                admin.server.programs["pg_basebackup"],
                f"--pgdata={data}",
                *("--format=plain", "--wal-method=stream", "--checkpoint=fast"),
                *("--manifest-checksums=SHA256", "--no-password", f"--label=aihummer-drtui {label}"),
                f"--dbname={access.conninfo}",
            ],
            environment=access.environment,
            descriptors=access.descriptors,
            account=admin.server.account,
            meanwhile=lambda: reporter.reached(min(bytes_below(data), facts.size)),
            interval=1.0,
        )
    if ended.code != 0:
        raise FailedError(
            f"pg_basebackup {ended.how}: {_words(ended.words)}",
            where=str(admin.owner.place),
            hint="nothing was kept; it needs a superuser or the right REPLICATION, a `replication` line in "
            "pg_hba.conf, and two free max_wal_senders",
        )


def _words(words: str) -> str:
    """The line that tells the cause: the last error, since notices come first."""
    lines = [line for line in words.splitlines() if "error:" in line or "FATAL" in line]
    return cleaned_line((lines or words.strip().splitlines() or ["it said nothing"])[0], 300)


def _seal(target: Target, signer: Signer, folder: Path, label: str, facts: _Facts, ended: str) -> None:
    manifest = read_manifest(folder / DATA)
    seal = BaseSeal(
        label=label,
        system_identifier=int(facts.system_identifier),
        server_version=f"{facts.version // 10_000}.{facts.version % 10_000}",
        timeline=manifest.timeline,
        start_lsn=manifest.start_lsn,
        end_lsn=manifest.end_lsn,
        segment_size=facts.segment_size,
        started=_moment(facts.now),
        ended=_moment(ended),
        size=sum(file.size for file in manifest.files),
        files=len(manifest.files),
        manifest_sha256=hashlib.sha256(manifest.text).hexdigest(),
        key_fingerprint=_key_fingerprint(target),
        program=f"aihummer-drtui {__version__}",
    )
    signer.write_document(folder / SEAL, seal_text(seal), label=LABEL)


def _moment(text: str) -> str:
    """A server's timestamp with its zone (JSON gives ISO 8601, whatever DateStyle says) in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def _key_fingerprint(target: Target) -> str:
    try:
        env = read_gateway_env(target.gateway_env)
        return key_fingerprint(parse_master_key(env.require(MASTER_KEY), where=str(env.path)))
    except PreconditionError:
        # A base backup is worth having without; it then says that no key can be compared with it.
        return ""
