"""One recovery, told: made up, by the shipped runbook, with what the program says in such a case.

AiHummer's host was lost at night; the newest set is 72 minutes old; the key had to be fetched. Each part goes
on from the one before. What the checks observe is worded as the real ones word it.
"""

from datetime import UTC, datetime, timedelta

from aihummer_drtui.cli.runbook_file import load_runbook
from aihummer_drtui.run import events as e
from aihummer_drtui.run.recovery_set import (
    BlobCopy,
    Dump,
    NoSet,
    RecoverySets,
    SealedKey,
    SealedSet,
    Signed,
)
from aihummer_drtui.run.verdict import Brought, Part, ProbeResult, TargetIdentity, Verdict
from tests.screenshots.telling import Telling

RUN = "20261122-031200-k3f7"
SET = "/backups/aihummer/20261122T020004Z"
SET_ID = "20261122T020004Z-c2929cc8"
KEY_FILE = "/root/escrow/aihummer-key.env"
FINGERPRINT = "315855a7530ceb76"
HOST = "gw-2"
SEALED_KEY = f"fingerprint {FINGERPRINT} (sealed in the backup set)"
VAULT = "every tenant's data key, and a sample of values, open with the master key"
OPENS = "opens 12 of 12 tenants' data keys, 72 sampled values"
REFERENCED = "every blob the database refers to is there and intact"
BLOBS = (
    "182340 blobs (212 GB) in /srv/aihummer/blobs, 182340 of them by content; "
    "that no row refers to: 3 (1.2 MB)"
)


def _a_set(name: str, *, dump: int, blobs: int, count: int, unreferred: int, verified: str) -> SealedSet:
    moment = datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return SealedSet(
        value=f"/backups/aihummer/{name}",
        name=name,
        dump=Dump(database="aihummer", size=dump, moment=moment),
        blobs=BlobCopy(
            count=count,
            size=blobs,
            copied=moment + timedelta(seconds=41),
            rows_without_blob=0,
            blobs_without_row=unreferred,
        ),
        key=SealedKey(sealed=FINGERPRINT, at_hand=FINGERPRINT),
        size=blobs + 9_840_000_000,
        verified=datetime.fromisoformat(verified),
        signed=Signed.NONE,
        must_be_signed=False,
    )


SETS = RecoverySets(
    sets=(
        _a_set(
            "20261122T020004Z",
            dump=41_600_000_000,
            blobs=212_000_000_000,
            count=182_340,
            unreferred=3,
            verified="2026-11-22T02:41:10Z",
        ),
        _a_set(
            "20261121T020003Z",
            dump=41_400_000_000,
            blobs=211_000_000_000,
            count=181_907,
            unreferred=2,
            verified="2026-11-21T02:40:32Z",
        ),
    ),
    none=(
        NoSet(
            name="20261120T020001Z",
            problem="it has no manifest.json: unfinished, or made by another program",
        ),
    ),
)
BRINGS = (
    Brought(part=Part.DATABASE, moment=datetime(2026, 11, 22, 2, 0, 4, tzinfo=UTC)),
    Brought(part=Part.BLOBS, moment=datetime(2026, 11, 22, 2, 0, 45, tzinfo=UTC)),
)
SUGGESTED = {"BACKUP_SET": SET, "RECOVERY_POINT": "dump", "KEY_FILE": KEY_FILE}
IDENTITY = TargetIdentity(
    host=HOST,
    database="aihummer",
    facts=(
        "aihummer as aihummer at socket /var/run/postgresql",
        "no database of that name: a dump replaces nothing",
        "blob folder /srv/aihummer/blobs: not there, nothing is replaced",
    ),
)


def declared(mode: e.Mode = e.Mode.REAL) -> Telling:
    """The run is declared; nothing was opened yet."""
    _, runbook = load_runbook(None)
    told = Telling(runbook=runbook, operator="anna")
    begun = e.RunDeclared(
        run=RUN,
        mode=mode,
        target="aihummer-prod" if mode is e.Mode.REAL else "training stand-in (sandbox-8f451cc1da0b8293)",
        target_key="aihummer-prod",
        runbook=runbook.id,
        runbook_version=runbook.version,
        runbook_sha256=runbook.sha256,
        runbook_source="",
        incident_at="2026-11-22T02:58:00Z",
        program_version="0.1.0",
    )
    told.say(0, begun)
    told.say(1, e.EngineStarted(pid=4_690, start_ticks=90_000), actor="engine")
    sat = e.SittingOpened(sitting="1", operator="anna", host=HOST, front_end="screens")
    return told.say(1, sat)


def at_the_set(mode: e.Mode = e.Mode.REAL) -> Telling:
    """Step 1 is open, and a backup set is to be chosen."""
    told = declared(mode).step(3, "briefing")
    return told.state_it(95, "briefing/confirm-1").state_it(120, "briefing/confirm-2")


def at_the_key() -> Telling:
    """Step 3 is open; the key has to be fetched, which takes the longest wait of the night."""
    told = at_the_set().give(150, "briefing/BACKUP_SET", SET)
    told.see(
        151,
        "briefing/backup-set",
        f"{SET_ID}: recovery point 2026-11-22T02:00:04Z, 1 h 14 min ago; database aihummer 41.6 GB, "
        "182340 blobs (212 GB)",
        "a sealed backup set with all its parts",
        brings=BRINGS,
    )
    told.give(170, "briefing/RECOVERY_POINT", "dump")
    told.see(
        171,
        "briefing/recovery-point",
        "the route is the dump of the backup set; no point in time is asked for",
        "a recovery point that base backups and WAL bring back",
    )
    told.state_it(480, "briefing/confirm-3").step(490, "host")
    told.see(491, "host/version-installed", "installed 2.7.3", "2.7.3 (sealed in the backup set)")
    told.see(
        491,
        "host/postgres-tools",
        "17.10 in /usr/lib/postgresql/17/bin",
        "pg_dump and pg_restore are installed, version 17 or newer (the sealed database's)",
    )
    told.state_it(560, "host/confirm-1", "host/confirm-2")
    told.see(580, "host/dump-intact", "the same; 9.84 GB read", "the dump's SHA-256 is the sealed one")
    return told.step(600, "key")


def with_the_escrow() -> Telling:
    """The key's file is named, and is the right one."""
    told = at_the_key().give(1_300, "key/KEY_FILE", KEY_FILE)
    told.see(1_301, "key/key-escrow", f"the escrow's key: fingerprint {FINGERPRINT}", SEALED_KEY)
    return told


def with_the_key() -> Telling:
    """The key is in gateway.env."""
    told = with_the_escrow().start(1_310, "key/restore-key").end(1_310.4, "key/restore-key")
    told.see(1_311, "key/master-key", f"the key in gateway.env: fingerprint {FINGERPRINT}", SEALED_KEY)
    told.see(
        1_311,
        "key/gateway-env",
        "/home/.aihummer/etc/gateway.env: 12 variables, all that is needed among them",
        "AIHUMMER_DATABASE_URL, AIHUMMER_MASTER_KEY and what was set at the time of the backup",
    )
    told.see(1_319, "key/vault-in-dump", OPENS, VAULT)
    return told


def short_of_room() -> Telling:
    """One check of step 3 is red."""
    return with_the_key().see(
        1_320,
        "key/space",
        "/srv: 213 GB needed (blobs 212 GB, gateway.env 1 MB), 180 GB free",
        "room for all that will be written, on every file system, with the old data kept",
        verdict=Verdict.FAILED,
        hint="make room there or mount a larger disk; do not drop the old data for it",
    )


def at_the_gate() -> Telling:
    """Step 4 is open, and its checks are green."""
    told = with_the_key().see(
        1_320,
        "key/space",
        "/var/lib/postgresql/17/main/base: 91.5 GB needed (restored database 41.6 GB, write-ahead log "
        "41.6 GB, sorting 8.32 GB), 412 GB free; /srv: 213 GB needed (blobs 212 GB, gateway.env 1 MB), "
        "608 GB free",
        "room for all that will be written, on every file system, with the old data kept",
    )
    told.state_it(1_340, "key/confirm-1").step(1_345, "database")
    told.see(
        1_346,
        "database/database-reachable",
        "PostgreSQL 17.10 at aihummer as aihummer at socket /var/run/postgresql; no database of that name "
        "yet",
        "PostgreSQL answers AiHummer's owner role",
    )
    told.see(
        1_346,
        "database/database-ready",
        "PostgreSQL 17.10, extensions, roles and rights there, 412 GB free in "
        "/var/lib/postgresql/17/main/base",
        "version, extensions, roles, rights and space for the dump",
    )
    return told


def restoring() -> Telling:
    """Database and blobs are brought back at the same time; the database's step is shown."""
    told = at_the_gate().start(1_380, "database/restore-database").step(1_400, "blobs")
    told.see(
        1_401,
        "blobs/blob-folder",
        "written, synced and removed in /srv/aihummer (the folder itself does not exist yet); 608 GB free",
        "the blob folder can be written, with room for the set's blobs",
    )
    told.start(1_430, "blobs/restore-blobs").step(1_440, "database")
    note = "the proxy still points at the old host; Bert changes it once we are proven"
    return told.say(1_600, e.NoteWritten(text=note))


def lost_on_the_way() -> Telling:
    """The machine was restarted in the middle of the restore."""
    told = restoring()
    told.say(1_980, e.EngineStarted(pid=812, start_ticks=4_000), actor="engine")
    told.lose(
        1_981,
        "database/restore-database",
        "the machine was restarted while it ran",
        ProbeResult.PARTIAL,
        "aihummer_restore_c2929cc8 is the remainder of a restore that did not end; the live database was not "
        "exchanged by it; `restore database` drops it",
    )
    told.say(1_990, e.SittingOpened(sitting="2", operator="anna", host=HOST, front_end="screens"))
    return told


def restored() -> Telling:
    """Both ended well while nobody was attached; anna is back."""
    told = restoring()
    told.say(1_700, e.SittingClosed(sitting="1", reason="the connection ended"), actor="engine")
    told.end(2_652, "database/restore-database").end(3_198, "blobs/restore-blobs")
    told.say(3_220, e.SittingOpened(sitting="2", operator="anna", host=HOST, front_end="screens"))
    return told


def proving() -> Telling:
    """AiHummer serves, and the proof is being written down."""
    told = restored().see_all_again(3_221)
    told.see(
        3_222,
        "database/database-restored",
        f"set {SET_ID}: 28411907 rows in 13 tables",
        "the database of this backup set, with the rows that were sealed",
    )
    told.see(3_222, "database/vault-opens", OPENS, VAULT).step(3_240, "start")
    told.see(3_300, "start/blobs-referenced", BLOBS, REFERENCED).state_it(3_420, "start/confirm-1")
    told.start(3_430, "start/aihummer-up").end(3_436, "start/aihummer-up")
    told.see(3_438, "start/healthz", "http://127.0.0.1:8765/healthz: 200", "/healthz answers 200")
    told.see(3_438, "start/version-running", "running 2.7.3", "2.7.3 (sealed in the backup set)")
    told.start(3_440, "start/wait-ready").end(3_443, "start/wait-ready")
    told.see(3_444, "start/readyz", "http://127.0.0.1:8765/readyz: 200", "/readyz answers 200")
    told.start(3_450, "start/smoke").end(3_453, "start/smoke").step(3_460, "proof")
    told.see(3_461, "proof/master-key", f"the key in gateway.env: fingerprint {FINGERPRINT}", SEALED_KEY)
    told.see(3_462, "proof/vault-opens", OPENS, VAULT)
    told.see(
        3_462, "proof/media-token", "200, 26023 bytes or more", "a media URL signed before the loss is served"
    )
    told.see(3_990, "proof/blobs-referenced", BLOBS, REFERENCED)
    return told.start(4_000, "proof/prove")


def proven() -> Telling:
    """The run is finished."""
    told = proving().end(4_540, "proof/prove")
    told.state_it(4_560, "proof/confirm-1").state_it(4_640, "proof/confirm-2")
    told.state_it(5_300, "proof/confirm-3").state_it(5_320, "proof/confirm-4")
    finished = e.RunFinished(level=told.state.level, with_exceptions=False, unproven=())
    return told.say(5_330, finished)
