"""Everything this program assumes about AiHummer, how sure it is, and where it can be told otherwise.

AiHummer's core is not public. KNOWN stands in its public documentation, INFERRED follows from that or
from PostgreSQL, UNKNOWN is said nowhere: what would need it reports `unproven`, never `passed`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Grade(StrEnum):
    """How sure an assumption is."""

    KNOWN = "known"
    INFERRED = "inferred"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """One thing taken to be so."""

    name: str
    grade: Grade
    statement: str
    override: str = ""
    """The key of target.toml that tells it otherwise."""
    unproven_by: str = ""
    """The check that reports `unproven` while nobody has told; for UNKNOWN without a default only."""
    tolerated_by: str = ""
    """How the program manages without knowing; for UNKNOWN that is read tolerantly."""


ASSUMPTIONS: Final = (
    Assumption(
        name="three things",
        grade=Grade.KNOWN,
        statement="a recovery needs the database, the blobs and the same master key",
    ),
    Assumption(
        name="gateway.env",
        grade=Grade.KNOWN,
        statement="the gateway's environment file is /home/.aihummer/etc/gateway.env",
        override="gateway-env",
    ),
    Assumption(
        name="gateway.env's owner",
        grade=Grade.INFERRED,
        statement="systemd reads the file as root; a new one belongs to its folder's owner, mode 0600",
    ),
    Assumption(
        name="program",
        grade=Grade.KNOWN,
        statement="the program is `aihummer`, with `version`, `up`, `backup` and `restore`",
        override="aihummer",
    ),
    Assumption(
        name="smoke test",
        grade=Grade.KNOWN,
        statement="deploy/host/smoke.sh verifies a host; it is called from the root of the installation",
        override="smoke",
    ),
    Assumption(
        name="smoke test's ending",
        grade=Grade.INFERRED,
        statement="exit code 0 means that it succeeded, and nothing else does",
        override="smoke",
    ),
    Assumption(
        name="address",
        grade=Grade.KNOWN,
        statement="the gateway listens where AIHUMMER_GATEWAY_ADDR says, by default on :8765",
        override="base-url",
    ),
    Assumption(
        name="liveness",
        grade=Grade.KNOWN,
        statement="/healthz answers with the version, with or without a database",
    ),
    Assumption(
        name="readiness",
        grade=Grade.KNOWN,
        statement="/readyz is 503 while PostgreSQL is unreachable",
    ),
    Assumption(
        name="words of the probes",
        grade=Grade.UNKNOWN,
        statement="bodies and field names of /healthz and /readyz",
        tolerated_by="the status is the answer; any SemVer in the body is the version",
        unproven_by="version-running",
    ),
    Assumption(
        name="words of the program",
        grade=Grade.UNKNOWN,
        statement="what `aihummer version` prints",
        tolerated_by="any SemVer in it is the version",
        unproven_by="version-installed",
    ),
    Assumption(
        name="master key",
        grade=Grade.KNOWN,
        statement="AIHUMMER_MASTER_KEY is the base64 text of 32 bytes, read from the environment at start",
    ),
    Assumption(
        name="wrong key",
        grade=Grade.UNKNOWN,
        statement="what the gateway does with a wrong key, or without one over a filled vault",
        tolerated_by="the key is compared with the sealed fingerprint before anything is started",
        unproven_by="master-key",
    ),
    Assumption(
        name="vault's cipher",
        grade=Grade.KNOWN,
        statement="the master key wraps a data key per tenant; values are AES-256-GCM",
    ),
    Assumption(
        name="vault's layout",
        grade=Grade.UNKNOWN,
        statement="tables, columns, nonce and associated data of the vault",
        override="vault",
        unproven_by="vault-opens",
    ),
    Assumption(
        name="references to blobs",
        grade=Grade.UNKNOWN,
        statement="which table names the blobs, and how",
        override="media.references",
        unproven_by="blobs-referenced",
    ),
    Assumption(
        name="signed URLs",
        grade=Grade.UNKNOWN,
        statement="the form of a signed media URL",
        override="media.signed-path",
        unproven_by="media-token",
    ),
    Assumption(
        name="no blob folder",
        grade=Grade.KNOWN,
        statement="AIHUMMER_BLOB_DIR unset means that the media service is off and nothing is to restore",
    ),
    Assumption(
        name="connection string",
        grade=Grade.INFERRED,
        statement="AIHUMMER_DATABASE_URL is in libpq's form, perhaps with parameters of Go's pgx",
    ),
    Assumption(
        name="roles",
        grade=Grade.INFERRED,
        statement="a dump of one database brings no roles: those it names (the page's are aihummer and"
        " aihummer_app) must be there before",
    ),
    Assumption(
        name="pgcrypto",
        grade=Grade.KNOWN,
        statement="the vault needs PostgreSQL's pgcrypto",
    ),
    Assumption(
        name="automatic update",
        grade=Grade.INFERRED,
        statement="AIHUMMER_AUTO_UPDATE=apply can change the version in the middle of a recovery",
    ),
    Assumption(
        name="one server",
        grade=Grade.INFERRED,
        statement="the server behind AIHUMMER_DATABASE_URL serves AiHummer alone: a base backup holds all of"
        " it, and a recovery to a point in time replaces all of it",
        override="postgres",
    ),
    Assumption(
        name="WAL archiving",
        grade=Grade.KNOWN,
        statement="daily dumps are the baseline, and continuous WAL archiving is advised for points in time;"
        " how it is archived is each installation's own",
        override="wal",
    ),
    Assumption(
        name="backup places",
        grade=Grade.INFERRED,
        statement="backup sets lie in /var/backups/aihummer",
        override="backup-places",
    ),
)
