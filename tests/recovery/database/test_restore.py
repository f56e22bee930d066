"""A restore brings the sealed database back or leaves the live one as it was. There is no third way."""

import base64
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from aihummer_drtui.errors import DrtuiError, FailedError, LockedError, PreconditionError, UnknownOutcomeError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.set import BackupSet, open_set, seal
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database import swap as exchange
from aihummer_drtui.recovery.database.alone import LOCK
from aihummer_drtui.recovery.database.beside import durable_until_here
from aihummer_drtui.recovery.database.check import look_at_restored, probe_database
from aihummer_drtui.recovery.database.connection import connect, owner_of
from aihummer_drtui.recovery.database.identity import database_facts
from aihummer_drtui.recovery.database.marker import Stage, beside_name, mark_text, write_comment
from aihummer_drtui.recovery.database.ready import look_at_readiness
from aihummer_drtui.recovery.database.restore import Restored, restore_database
from aihummer_drtui.recovery.database.swap import swap
from aihummer_drtui.recovery.database.tools import find_tools
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.run.verdict import ProbeResult, Verdict
from aihummer_drtui.sandbox.postgres_binaries import find_binaries
from tests.recovery.small_cluster import PASSWORD, Installation, install, running_cluster

pytestmark = pytest.mark.postgres


@pytest.fixture
def backup(installation: Installation) -> BackupSet:
    """Give a sealed set of the installation."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def restore(installation: Installation, backup: BackupSet, **options: object) -> Restored:
    """Restore with everything confirmed, unless `options` say otherwise."""
    return restore_database(
        installation.target,
        backup,
        confirm=str(options.get("confirm", owner_of(installation.target).phrase)),
        mode="",
        reporter=Reporter.silent(),
        again=bool(options.get("again", False)),
        jobs=2,
    )


def probed(installation: Installation, backup: BackupSet) -> ProbeResult:
    """Ask the probe."""
    return probe_database(_scene(installation, backup)).result


def _scene(installation: Installation, backup: BackupSet) -> Scene:
    return Scene(target=installation.target, values={"BACKUP_SET": str(backup.path)})


def _lose_rows(installation: Installation) -> None:
    with installation.connect() as connection:
        connection.execute("DELETE FROM hum.messages WHERE id > 10")


def _as_it_was(installation: Installation) -> None:
    """The live database is untouched and open, and nothing stands beside it."""
    assert installation.databases() == [installation.name]
    assert installation.rows() == 10


def test_the_old_database_is_kept_and_the_new_one_is_as_sealed(
    installation: Installation, backup: BackupSet
) -> None:
    """After a restore both are there: the new one live, the old one under its own name, open for a look."""
    _lose_rows(installation)
    assert probed(installation, backup) is ProbeResult.NOT_DONE
    done = restore(installation, backup)
    assert installation.rows() == 2000
    assert installation.databases() == [installation.name, done.kept_as]
    with installation.connect(done.kept_as) as old:
        row = old.execute("SELECT count(*) FROM hum.messages").fetchone()
        assert row == (10,)
    assert probed(installation, backup) is ProbeResult.DONE
    seen = look_at_restored(_scene(installation, backup))
    assert seen.verdict is Verdict.PASSED, seen
    assert any("restored from backup set" in fact for fact in database_facts(installation.target))


def test_a_lost_database_is_brought_back(installation: Installation, backup: BackupSet) -> None:
    """Without a live database there is nothing to rename away."""
    with installation.cluster.admin() as connection:
        connection.execute(f'DROP DATABASE "{installation.name}"'.encode())
    assert "a dump replaces nothing" in database_facts(installation.target)[1]
    assert probed(installation, backup) is ProbeResult.NOT_DONE
    assert restore(installation, backup).kept_as == ""
    assert installation.rows() == 2000


def test_d13_the_same_set_is_not_restored_twice_by_chance(
    installation: Installation, backup: BackupSet
) -> None:
    """A second restore would throw away what was written since: it wants to be asked for."""
    restore(installation, backup)
    with pytest.raises(PreconditionError, match="already restored"):
        restore(installation, backup)
    restore(installation, backup, again=True)
    assert len(installation.databases()) == 3


@pytest.mark.parametrize("phrase", ["", "elsewhere/prod", "HOST/DB"])
def test_d12_another_identity_is_refused(installation: Installation, backup: BackupSet, phrase: str) -> None:
    """Only the exact host and database name passes, and the message says what that is."""
    with pytest.raises(PreconditionError) as raised:
        restore(installation, backup, confirm=phrase)
    assert owner_of(installation.target).phrase in raised.value.hint
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
def test_d01_a_truncated_dump_is_refused_untouched(
    installation: Installation, backup: BackupSet, share: float
) -> None:
    """`pg_restore -l` takes most of these for whole; the seal does not."""
    _lose_rows(installation)
    dump = backup.path / "database.dump"
    os.truncate(dump, int(dump.stat().st_size * share))
    with pytest.raises(DrtuiError, match="was cut or changed"):
        restore(installation, backup)
    _as_it_was(installation)


def _flip(dump: Path) -> None:
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)


def _plain_sql(dump: Path) -> None:
    dump.write_bytes(b"CREATE TABLE x();\n".ljust(dump.stat().st_size, b"-"))


def _link(dump: Path) -> None:
    dump.rename(dump.with_suffix(".real"))
    dump.symlink_to(dump.with_suffix(".real"))


@pytest.mark.parametrize("harm", [_flip, _plain_sql, _link, Path.unlink])
def test_d03_a_changed_dump_is_refused_untouched(
    installation: Installation, backup: BackupSet, harm: Callable[[Path], None]
) -> None:
    """One flipped bit, another file of that size, a link, a missing file: refused before anything is made."""
    _lose_rows(installation)
    harm(backup.path / "database.dump")
    with pytest.raises(DrtuiError):
        restore(installation, backup)
    _as_it_was(installation)


def _wrong_magic(content: bytes) -> bytes:
    return b"PGDMQ" + content[5:]


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:100],
        _wrong_magic,
        lambda _: b"",
        lambda _: b"--\n-- PostgreSQL database dump\n--\nDROP DATABASE postgres;\n",
        lambda _: b"\x1f\x8b\x08" + b"\x00" * 600,
    ],
    ids=["half", "a header", "wrong magic", "empty", "plain SQL", "gzip"],
)
def test_d01_d03_rubbish_that_was_sealed_leaves_the_live_database(
    installation: Installation, backup: BackupSet, harm: Callable[[bytes], bytes]
) -> None:
    """A seal can cover rubbish: pg_restore's own failure, too, changes nothing."""
    _lose_rows(installation)
    dump = backup.path / "database.dump"
    content = harm(dump.read_bytes())
    dump.write_bytes(content)
    files = tuple(
        msgspec.structs.replace(file, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        if file.name == "database.dump"
        else file
        for file in backup.manifest.files
    )
    (backup.path / "manifest.json").write_bytes(seal(msgspec.structs.replace(backup.manifest, files=files)))
    with pytest.raises(FailedError, match="pg_restore"):
        restore(installation, open_set(backup.path))
    _as_it_was(installation)


def test_other_row_counts_than_sealed_are_not_put_in_place(
    installation: Installation, backup: BackupSet
) -> None:
    """What was restored is compared row by row with the seal before it may become live."""
    _lose_rows(installation)
    tables = {**backup.manifest.database.tables, "hum.messages": 2001}
    database = msgspec.structs.replace(backup.manifest.database, tables=tables)
    manifest = msgspec.structs.replace(backup.manifest, database=database)
    (backup.path / "manifest.json").write_bytes(seal(manifest))
    with pytest.raises(FailedError, match=r"hum\.messages: 2000, sealed 2001"):
        restore(installation, open_set(backup.path))
    _as_it_was(installation)


def test_d10_live_connections_are_ended_for_the_exchange(
    installation: Installation, backup: BackupSet
) -> None:
    """A forgotten session of the owner must not stop a recovery."""
    with installation.connect() as forgotten:
        restore(installation, backup)
        with pytest.raises(psycopg.OperationalError):
            forgotten.execute("SELECT 1")
    assert installation.rows() == 2000


def test_d10_connections_that_cannot_be_ended_stop_the_exchange(
    installation: Installation, backup: BackupSet
) -> None:
    """A superuser's session cannot be ended by the owner: clear stop, live database as before and open."""
    _lose_rows(installation)
    with installation.cluster.admin(installation.name) as holder:
        with pytest.raises(FailedError, match="connections hold the live database"):
            restore(installation, backup)
        holder.execute("SELECT 1")
    _as_it_was(installation)


def test_d16_a_missing_right_is_found_before_anything_is_made(
    installation: Installation, backup: BackupSet
) -> None:
    """No CREATEDB and a missing role are both named at once, by check and by restore."""
    _lose_rows(installation)
    with installation.cluster.admin() as connection:
        connection.execute(f"ALTER ROLE {installation.name} NOCREATEDB".encode())
        connection.execute(f"ALTER ROLE {installation.name}_app RENAME TO {installation.name}_other".encode())
    seen = look_at_readiness(_scene(installation, backup))
    assert seen.verdict is Verdict.FAILED
    assert "may not create databases" in seen.observed
    assert f"{installation.name}_app is missing" in seen.observed
    with pytest.raises(PreconditionError, match="may not create databases"):
        restore(installation, backup)
    _as_it_was(installation)


def test_a_ready_server_passes(installation: Installation, backup: BackupSet) -> None:
    """The same check is green where a restore would work."""
    seen = look_at_readiness(_scene(installation, backup))
    assert seen.verdict is Verdict.PASSED, seen


def test_rows_that_vanished_after_the_restore_fail_the_check(
    installation: Installation, backup: BackupSet
) -> None:
    """More rows than sealed is a living gateway; fewer is a loss."""
    restore(installation, backup)
    with installation.connect() as connection:
        connection.execute("INSERT INTO hum.messages VALUES (9999, 'new')")
    seen = look_at_restored(_scene(installation, backup))
    assert seen.verdict is Verdict.PASSED
    assert "1 rows more" in seen.observed
    _lose_rows(installation)
    assert look_at_restored(_scene(installation, backup)).verdict is Verdict.FAILED


def test_k01_a_wrong_key_stops_before_the_database_is_touched(
    installation: Installation, backup: BackupSet
) -> None:
    """Another key, or half of one: refused. None at all: the database may come back without its vault."""
    _lose_rows(installation)
    for key, words in ((base64.b64encode(b"x" * 32), "wrong key"), (base64.b64encode(b"x" * 31), "31 bytes")):
        installation.write_env(AIHUMMER_MASTER_KEY=key.decode())
        with pytest.raises(PreconditionError, match=words) as raised:
            restore(installation, backup)
        assert key.decode() not in str(raised.value)
        _as_it_was(installation)
    installation.write_env(AIHUMMER_MASTER_KEY="")
    assert restore(installation, backup).rows == 2009


def test_d08_a_connection_lost_in_the_exchange_leaves_its_end_open(installation: Installation) -> None:
    """With no live database, too: whether the commit came through is for the probe to say."""
    live, beside = installation.name, f"{installation.name}_restoring_test"
    owner = owner_of(installation.target)
    with (
        installation.cluster.admin() as admin,
        connect(owner, database="postgres", autocommit=True) as connection,
    ):
        admin.execute(f'ALTER DATABASE "{live}" RENAME TO "{beside}"'.encode())
        # A comment that is not committed yet locks the database against a rename.
        with installation.cluster.admin() as holder, holder.transaction(), ThreadPoolExecutor() as other:
            holder.execute(f"COMMENT ON DATABASE \"{beside}\" IS 'held'".encode())
            ending = other.submit(_end_while_renaming, admin, connection.info.backend_pid)
            with pytest.raises(UnknownOutcomeError, match="connection was lost"):
                swap(connection, owner, beside=beside, kept_as="none", set_id="set", comment=None)
            assert ending.result()


def _end_while_renaming(admin: "psycopg.Connection[tuple[Any, ...]]", pid: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        row = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid = %s AND state = 'active' AND query LIKE 'ALTER DATABASE%%RENAME%%'",
            (pid,),
        ).fetchone()
        if row:
            return bool(row[0])
    return False


def test_two_restores_at_once_are_kept_apart(installation: Installation, backup: BackupSet) -> None:
    """The second one is told that another is at work."""
    with installation.connect("postgres") as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        with pytest.raises(LockedError):
            restore(installation, backup)


CHILD = """
import sys
from pathlib import Path
from aihummer_drtui.recovery.backup.set import open_set
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.restore import restore_database
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target_file import load_target
target = load_target(Path(sys.argv[1]))
restore_database(target, open_set(Path(sys.argv[2])), confirm=owner_of(target).phrase, mode="",
                 reporter=Reporter.from_environment(), jobs=1)
"""


EXCHANGING = CHILD.replace(
    "target = load_target",
    """import os, signal
class Dying(Reporter):
    def phase(self, name, **more):
        super().phase(name, **more)
        if name.startswith("exchanging"):
            os.kill(os.getpid(), signal.SIGKILL)
target = load_target""",
).replace("Reporter.from_environment()", "Dying(None)")


def test_d08_a_crash_between_restore_and_exchange_has_exchanged_nothing(
    installation: Installation, backup: BackupSet
) -> None:
    """SIGKILL with all restored and compared: the old one is live, the probe does not say done."""
    _lose_rows(installation)
    installation.write_target()
    words = (sys.executable, "-c", EXCHANGING, str(installation.root / "target.toml"), str(backup.path))
    assert subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
    assert installation.rows() == 10
    assert probed(installation, backup) is ProbeResult.PARTIAL
    assert look_at_restored(_scene(installation, backup)).verdict is Verdict.FAILED
    restore(installation, backup)
    assert installation.rows() == 2000
    assert not [name for name in installation.databases() if "_restoring" in name]


def test_the_remainder_of_another_databases_restore_is_not_ours(
    installation: Installation, backup: BackupSet
) -> None:
    """Two AiHummers may share a server: ours is done though a restore of the other was killed."""
    restore(installation, backup)
    name = beside_name("other", Stage.RESTORING, "0badcafe")
    with connect(owner_of(installation.target), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        write_comment(connection, name, mark_text(Stage.RESTORING, "a-set"))
        assert probed(installation, backup) is ProbeResult.DONE
        connection.execute(f'DROP DATABASE "{name}"'.encode())


def test_what_cannot_be_opened_again_is_named_and_the_rest_is_open(installation: Installation) -> None:
    """The first that fails must not leave the live database closed without a word."""
    owner = owner_of(installation.target)
    with connect(owner, database="postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{installation.name}" ALLOW_CONNECTIONS false'.encode())
        names = ["postgres", "nobody_has_this_database", installation.name]
        assert exchange._open_again(connection, names) == ["postgres"]
    connect(owner).close()
    told = exchange._left_closed(FailedError("they do not end", hint="x"), ["hum"], owner)
    assert "they do not end; hum lets nobody in" in told.what
    assert 'ALTER DATABASE "hum" ALLOW_CONNECTIONS true' in told.hint


def test_d08_a_crash_in_the_exchange_itself_leaves_one_whole_database(
    installation: Installation, backup: BackupSet
) -> None:
    """SIGKILL inside the transaction of the two renames: neither counts; the next try opens and ends it."""
    _lose_rows(installation)
    installation.write_target()
    words = (sys.executable, "-c", CHILD, str(installation.root / "target.toml"), str(backup.path))
    with installation.cluster.admin() as admin:
        with installation.cluster.admin() as holder, holder.transaction(force_rollback=True):
            # A comment that is not committed yet locks the database against a rename.
            holder.execute(f"COMMENT ON DATABASE \"{installation.name}\" IS 'held'".encode())
            child = subprocess.Popen(words, stderr=subprocess.DEVNULL)
            pid = _renaming(admin)
            child.kill()
            child.wait()
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        row = admin.execute(
            "SELECT datallowconn FROM pg_database WHERE datname = %s", (installation.name,)
        ).fetchone()
    assert row == (False,)
    assert probed(installation, backup) is ProbeResult.PARTIAL
    assert look_at_restored(_scene(installation, backup)).verdict is Verdict.FAILED
    assert restore(installation, backup).kept_as
    assert installation.rows() == 2000
    assert probed(installation, backup) is ProbeResult.DONE


def _renaming(admin: "psycopg.Connection[tuple[Any, ...]]") -> int:
    """Wait for the session that waits to rename a database."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        row = admin.execute(
            "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock'"
            " AND query LIKE 'ALTER DATABASE%RENAME%'"
        ).fetchone()
        if row:
            return int(row[0])
    raise AssertionError("the exchange never came")


@pytest.fixture
def slow(installation: Installation) -> BackupSet:
    """Give a set whose restore hangs in the middle."""
    with installation.connect() as connection:
        # A check constraint that holds back pg_restore's COPY in any database but this one.
        connection.execute(
            "CREATE FUNCTION hum.hold() RETURNS boolean LANGUAGE plpgsql AS"
            f" $$BEGIN PERFORM pg_sleep(600) WHERE current_database() <> '{installation.name}';"
            " RETURN true; END$$"
        )
        connection.execute("CREATE TABLE hum.zz_slow (id int CHECK (hum.hold()))")
        connection.execute("INSERT INTO hum.zz_slow VALUES (1)")
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def _start(installation: Installation, backup: BackupSet) -> "subprocess.Popen[bytes]":
    """Start a restore in a process of its own and wait until pg_restore hangs in the slow table."""
    installation.write_target()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(installation.root / "target.toml"), str(backup.path)],
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    with installation.cluster.admin() as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE %s AND wait_event = 'PgSleep'",
                (f"{installation.name}_restoring%",),
            ).fetchone()
            if row and row[0]:
                return child
    child.kill()
    raise AssertionError("the restore never came to the slow table")


def _pg_restores(installation: Installation) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            text = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"pg_restore" in text and f"{installation.name}_restoring".encode() in text:
            found.append(int(folder.name))
    return found


def test_d08_a_killed_restore_is_partial_and_the_next_one_cleans_up(
    installation: Installation, slow: BackupSet
) -> None:
    """SIGKILL in the middle: the live database is untouched, the probe says partial, the remainder goes."""
    child = _start(installation, slow)
    child.kill()
    child.wait()
    assert installation.rows() == 2000
    assert probed(installation, slow) is ProbeResult.PARTIAL
    with installation.connect() as connection:
        connection.execute("DROP TABLE hum.zz_slow")
    quick = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    restore(installation, quick)
    assert [name for name in installation.databases() if "_restoring" in name] == []
    assert probed(installation, quick) is ProbeResult.DONE
    assert _pg_restores(installation) == []


def test_a_restore_that_is_told_to_end_puts_everything_back(
    installation: Installation, slow: BackupSet
) -> None:
    """SIGTERM ends pg_restore first and drops what it filled; the exit is that of an interruption."""
    child = _start(installation, slow)
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) != 0
    assert installation.databases() == [installation.name]
    assert _pg_restores(installation) == []
    assert probed(installation, slow) is ProbeResult.NOT_DONE


def test_a_killed_pg_restore_is_a_failure(installation: Installation, slow: BackupSet) -> None:
    """A signal is never a success: dropped, exit 1, live untouched."""
    child = _start(installation, slow)
    for pid in _pg_restores(installation):
        os.kill(pid, signal.SIGKILL)
    assert child.wait(30) != 0
    assert installation.databases() == [installation.name]


def test_the_password_is_in_nobodys_arguments_or_environment(
    installation: Installation, slow: BackupSet
) -> None:
    """Everyone on the host may read argv: the password reaches pg_restore through a private file only."""
    child = _start(installation, slow)
    try:
        for pid in _pg_restores(installation):
            for name in ("cmdline", "environ"):
                assert PASSWORD.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
        assert _pg_restores(installation)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)


def test_d07_a_server_that_dies_in_the_middle_leaves_the_live_database(
    installation: Installation, slow: BackupSet
) -> None:
    """SIGKILL to PostgreSQL itself: an error and an unknown while it is away, partial when it is back."""
    child = _start(installation, slow)
    installation.cluster.kill()
    assert child.wait(30) != 0
    assert probed(installation, slow) is ProbeResult.UNKNOWN
    installation.cluster.start_again()
    assert installation.rows() == 2000
    assert probed(installation, slow) is ProbeResult.PARTIAL


def test_newer_programs_restore_to_an_older_server(tmp_path: Path) -> None:
    """pg_restore 17 sets a parameter that PostgreSQL 15 does not know; that one error is no failure."""
    older = Path("/usr/lib/postgresql/15/bin")
    if not older.is_dir():
        pytest.skip(f"no PostgreSQL 15 in {older}")
    with running_cluster(older) as cluster:
        made = install(cluster, tmp_path)
        newer = find_binaries(cluster.account, named=None, copy_to=cluster.folder / "newer").folder
        target = msgspec.structs.replace(made.target, postgres_bin=newer)
        made = replace(made, target=target)
        if find_tools(target).major < 17:
            pytest.skip("no programs of PostgreSQL 17 or newer here")
        backup = create_backup(target, tmp_path / "backups", Reporter.silent())
        assert any("no transaction_timeout" in reason for reason in restore(made, backup).tolerated)
        assert probed(made, backup) is ProbeResult.DONE
        with cluster.admin(made.name) as connection:
            connection.execute("CREATE FUNCTION hum.theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'")
            connection.execute(f'ALTER FUNCTION hum.theirs() OWNER TO "{made.name}_app"'.encode())
        other = create_backup(target, tmp_path / "backups", Reporter.silent())
        with pytest.raises(FailedError, match="pg_restore"):
            restore(made, other)
        assert probed(made, backup) is ProbeResult.DONE


def test_a_benign_error_is_tolerated_and_told(installation: Installation) -> None:
    """A database that came from an older PostgreSQL has its schema public from the superuser."""
    with installation.cluster.admin(installation.name) as admin:
        admin.execute("ALTER SCHEMA public OWNER TO postgres")
    done = restore(installation, create_backup(installation.target, installation.root, Reporter.silent()))
    assert done.rows == 2009
    assert done.tolerated == (
        "the schema public stays with the database's owner, who may do with it what is needed",
    )


def test_what_was_restored_is_flushed_before_the_exchange(
    installation: Installation, backup: BackupSet
) -> None:
    """Also where the role commits asynchronously: one synchronous commit flushes all that came before."""
    with installation.cluster.admin() as admin:
        admin.execute(f"ALTER ROLE {installation.name} SET synchronous_commit = off".encode())
        owner = owner_of(installation.target)
        with connect(owner, database="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{installation.name}_restoring_x"'.encode())
            with installation.connect() as writer:
                writer.execute("INSERT INTO hum.messages VALUES (9999, 'new')")
                row = admin.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
            assert row
            durable_until_here(connection, f"{installation.name}_restoring_x", "set")
            flushed = admin.execute("SELECT pg_current_wal_flush_lsn() >= %s::pg_lsn", (row[0],)).fetchone()
    assert flushed == (True,)


def test_the_progress_names_tables_bytes_and_what_comes_after(
    installation: Installation, backup: BackupSet
) -> None:
    """No silence after 100 %: rows, then indexes, then counting, each with its own end."""
    screen = io.StringIO()
    with Reporter.from_environment({}, screen) as reporter:
        restore_database(
            installation.target,
            backup,
            confirm=owner_of(installation.target).phrase,
            mode="",
            reporter=reporter,
            jobs=1,
        )
    told = screen.getvalue()
    assert "restoring rows: 0/3 tables, 0 B/" in told
    assert "restoring rows: 3/3 tables, " in told
    assert "counting rows and gathering statistics: " in told
    assert told.rstrip().endswith("exchanging the databases")


def test_an_error_that_is_not_known_ends_the_restore(installation: Installation, backup: BackupSet) -> None:
    """The first one, in the server's words and with the place in the dump; nothing is left beside."""
    with installation.cluster.admin(installation.name) as admin:
        admin.execute("CREATE FUNCTION hum.theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        admin.execute(f'ALTER FUNCTION hum.theirs() OWNER TO "{installation.name}_app"'.encode())
    other = create_backup(installation.target, installation.root / "backups", Reporter.silent())
    _lose_rows(installation)
    with pytest.raises(FailedError, match=r"pg_restore met an error: .* \(at .*FUNCTION theirs"):
        restore(installation, other)
    _as_it_was(installation)
