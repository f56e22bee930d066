"""A wrong key is known from the dump alone, and nothing is left of how it was found out."""

import base64
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from aihummer_drtui.errors import FailedError, PreconditionError
from aihummer_drtui.recovery.backup.create import create_backup
from aihummer_drtui.recovery.backup.seal import seal_dump
from aihummer_drtui.recovery.backup.set import BackupSet
from aihummer_drtui.recovery.catalogue import Catalogue
from aihummer_drtui.recovery.check import Scene
from aihummer_drtui.recovery.database.connection import owner_of
from aihummer_drtui.recovery.database.restore import Restored, restore_database
from aihummer_drtui.recovery.database.tools import find_tools
from aihummer_drtui.recovery.key.dumped_vault import tables_read
from aihummer_drtui.recovery.key.opening import Opened
from aihummer_drtui.recovery.key.vault_in_dump import look_at_vault_in_dump, open_vault_in_dump
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target, VaultLayout
from aihummer_drtui.run.verdict import Verdict
from aihummer_drtui.sandbox.postgres_binaries import find_binaries
from tests.recovery.key.a_vault import KEY, LAYOUT, fill, make_vault, seal_value
from tests.recovery.small_cluster import (
    MASTER_KEY,
    PASSWORD,
    Installation,
    install,
    running_cluster,
)

pytestmark = pytest.mark.postgres

OTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()
PROGRAM = Path(sys.executable).parent / "aihummer-drtui"


@pytest.fixture
def vault(installation: Installation) -> Installation:
    """Give an installation with a filled vault."""
    fill(make_vault(installation), tenants=3, values=6)
    return installation


def backup_of(installation: Installation) -> BackupSet:
    """Take a sealed set."""
    return create_backup(installation.target, installation.root / "backups", Reporter.silent())


def foreign_dump_of(installation: Installation) -> BackupSet:
    """Seal a dump that somebody else took: no fingerprint comes with it."""
    dump = installation.root / "foreign.dump"
    owner = owner_of(installation.target)
    subprocess.run(
        [
            *(installation.cluster.bin / "pg_dump", "--format=custom", f"--file={dump}"),
            *("-h", installation.cluster.folder, "-U", owner.user, owner.database),
        ],
        check=True,
        env={**os.environ, "PGPASSWORD": PASSWORD},
    )
    return seal_dump(installation.target, dump, installation.root / "backups", Reporter.silent())


def known(installation: Installation, layout: VaultLayout | None = LAYOUT) -> Target:
    """Give the target with its vault's layout."""
    return msgspec.structs.replace(installation.target, vault=layout)


def scene(installation: Installation, backup: BackupSet, layout: VaultLayout | None = LAYOUT) -> Scene:
    """See the set from the installation."""
    return Scene(target=known(installation, layout), values={"BACKUP_SET": str(backup.path)})


def open_it(
    installation: Installation, backup: BackupSet, layout: VaultLayout = LAYOUT, **options: float
) -> Opened:
    """Open the vault in the dump with the right key."""
    return open_vault_in_dump(
        known(installation, layout),
        layout,
        backup,
        KEY,
        owner=owner_of(installation.target),
        reporter=Reporter.silent(),
        **options,
    )


def test_the_right_key_opens_the_dump_though_the_database_is_lost(vault: Installation) -> None:
    """On a replacement host there is nothing but server, set and key; and nothing more afterwards."""
    backup = foreign_dump_of(vault)
    with vault.cluster.admin() as admin:
        admin.execute(f'DROP DATABASE "{vault.name}"'.encode())
    seen = look_at_vault_in_dump(scene(vault, backup))
    assert (seen.verdict, seen.observed) == (
        Verdict.PASSED,
        "opens 3 of 3 tenants' data keys, 18 sampled values",
    )
    assert vault.databases() == []


def test_k01_another_key_is_called_a_wrong_key(vault: Installation) -> None:
    """K01: in those words; nothing of the live database changes, and no secret is told."""
    backup = foreign_dump_of(vault)
    vault.write_env(AIHUMMER_MASTER_KEY=OTHER_KEY)
    seen = look_at_vault_in_dump(scene(vault, backup))
    assert seen.verdict is Verdict.FAILED
    assert seen.observed.startswith("wrong key (fingerprint ")
    assert "opens 0 of 3 tenants' data keys" in seen.observed
    assert not [secret for secret in (OTHER_KEY, MASTER_KEY) if secret in str(seen)]
    assert vault.databases() == [vault.name]
    assert vault.rows() == 2000


def test_before_the_key_is_written_the_escrow_is_tried(vault: Installation) -> None:
    """And it is said whose key that was; without either there is no verdict.

    A whole escrow tells the way to the database, too: there may be no gateway.env at all yet.
    """
    backup = foreign_dump_of(vault)
    whole = vault.target.gateway_env.read_text()
    vault.write_env(AIHUMMER_MASTER_KEY="")
    with pytest.raises(PreconditionError, match="AIHUMMER_MASTER_KEY"):
        look_at_vault_in_dump(scene(vault, backup))
    escrow = vault.root / "escrow"
    for text, verdict in ((MASTER_KEY, Verdict.PASSED), (OTHER_KEY, Verdict.FAILED), (whole, Verdict.PASSED)):
        escrow.write_text(text)
        escrow.chmod(0o600)
        if text == whole:
            vault.target.gateway_env.unlink()
        values = {"BACKUP_SET": str(backup.path), "KEY_FILE": str(escrow)}
        seen = look_at_vault_in_dump(Scene(target=known(vault), values=values))
        assert (seen.verdict, str(escrow) in seen.warnings[-1]) == (verdict, True)


def test_what_cannot_be_proven_is_said_so(vault: Installation) -> None:
    """No layout, no set, nothing stored: `unproven`, each with what a person can do."""
    backup = backup_of(vault)
    empty = VaultLayout(
        data_keys=f"{LAYOUT.data_keys[:-1]} WHERE false", values="SELECT '', '', ''::bytea LIMIT 0"
    )
    for looked, said in (
        (scene(vault, backup, None), "compare the fingerprint"),
        (Scene(target=known(vault), values={}), "BACKUP_SET"),
        (scene(vault, backup, empty), "not the one"),
    ):
        seen = look_at_vault_in_dump(looked)
        assert (seen.verdict, said in seen.hint) == (Verdict.UNPROVEN, True)


def test_a_server_that_is_away_is_unknown_and_named(vault: Installation, tmp_path: Path) -> None:
    """The runbook's key step may come before PostgreSQL runs."""
    backup = backup_of(vault)
    vault.write_env(AIHUMMER_DATABASE_URL=f"postgres://x@{str(tmp_path).replace('/', '%2F')}/x")
    seen = Catalogue(known(vault)).look("vault-in-dump", {"BACKUP_SET": str(backup.path)})
    assert (seen.verdict, "cannot be reached" in seen.observed) == (Verdict.UNKNOWN, True)


def test_without_the_right_to_make_a_database_the_way_is_told(vault: Installation) -> None:
    """D16: before the dump is read."""
    backup = backup_of(vault)
    with vault.cluster.admin() as admin:
        admin.execute(f'ALTER ROLE "{vault.name}" NOCREATEDB'.encode())
    with pytest.raises(PreconditionError, match="may not create") as told:
        open_it(vault, backup)
    assert "CREATEDB" in told.value.hint


def test_a_dump_that_is_not_the_sealed_one_is_not_opened(vault: Installation) -> None:
    """Its content might be anybody's."""
    backup = backup_of(vault)
    with (backup.path / "database.dump").open("r+b") as file:
        file.seek(-20, os.SEEK_END)
        file.write(b"x")
    with pytest.raises(FailedError, match="not what was sealed"):
        open_it(vault, backup)
    assert vault.databases() == [vault.name]


def test_only_what_the_statements_read_is_loaded(vault: Installation) -> None:
    """A large table, and one whose data cannot be loaded here, do not stand in the way."""
    with vault.connect() as connection:
        connection.execute(
            "CREATE FUNCTION hum.here() RETURNS boolean LANGUAGE plpgsql AS"
            f" $$BEGIN RETURN current_database() = '{vault.name}'; END$$"
        )
        connection.execute("CREATE TABLE hum.other (id int CHECK (hum.here()))")
        connection.execute("INSERT INTO hum.other VALUES (1)")
    backup = backup_of(vault)
    assert open_it(vault, backup).opened_values == 18
    reading = VaultLayout(data_keys="SELECT tenant, wrapped FROM keys, hum.other", values=LAYOUT.values)
    with pytest.raises(FailedError, match=r"could not be loaded.*other"):
        open_it(vault, backup, reading)
    assert vault.databases() == [vault.name]


def test_an_extension_that_cannot_be_made_here_is_not_missed(vault: Installation) -> None:
    """The tables do not need it; a column of a type of it would, and that is told."""
    with vault.cluster.admin(vault.name) as admin:
        row = admin.execute(
            "SELECT name FROM pg_available_extension_versions WHERE superuser AND NOT trusted"
            " AND requires IS NULL AND name <> 'plpgsql' AND name NOT LIKE 'sepgsql' ORDER BY name LIMIT 1"
        ).fetchone()
        if row is None:
            pytest.skip("this PostgreSQL has no extension that takes a superuser")
        admin.execute(f'CREATE EXTENSION "{row[0]}"'.encode())
    assert open_it(vault, backup_of(vault)).opened_keys == 3


def test_views_partitions_and_other_schemas_are_seen_through(vault: Installation) -> None:
    """The server's own plan names the tables; nobody has to list them."""
    with vault.connect() as connection:
        for statement in (
            "CREATE TABLE hum.parts (tenant text, name text, sealed bytea) PARTITION BY LIST (name)",
            "CREATE TABLE hum.\"Odd part\" PARTITION OF hum.parts FOR VALUES IN ('n0', 'n1')",
            "CREATE TABLE hum.rest PARTITION OF hum.parts DEFAULT",
            "INSERT INTO hum.parts SELECT * FROM vals",
            "CREATE VIEW hum.seen AS SELECT * FROM hum.parts WHERE tenant IN (SELECT tenant FROM keys)",
        ):
            connection.execute(statement.encode())
        assert tables_read(connection, "SELECT * FROM hum.seen;") == {
            ("hum", "Odd part"),
            ("hum", "rest"),
            ("public", "keys"),
        }
    layout = msgspec.structs.replace(LAYOUT, values="SELECT tenant, name, sealed FROM hum.seen")
    assert open_it(vault, backup_of(vault), layout).opened_values == 18


@pytest.mark.parametrize(
    ("data_keys", "what"),
    [
        ("SELECT tenant, wrapped FROM nowhere", "has no vault as .* nowhere"),
        ("SELECT tenant, wrapped FROM hum.hidden()", "through the function hidden"),
        ("SELECT tenant FROM keys", "not laid out .* 1 columns"),
        (
            "SELECT tenant, (1 / length(tenant || wrapped::text) * 0 / 0)::text::bytea FROM keys",
            "could not be read",
        ),
    ],
)
def test_a_layout_that_does_not_fit_is_no_verdict_on_the_key(
    vault: Installation, data_keys: str, what: str
) -> None:
    """It is told, and the scratch database goes all the same."""
    with vault.connect() as connection:
        connection.execute(
            "CREATE FUNCTION hum.hidden() RETURNS SETOF public.keys LANGUAGE plpgsql AS"
            " $$BEGIN RETURN QUERY SELECT * FROM public.keys; END$$"
        )
    with pytest.raises(FailedError, match=what):
        open_it(vault, backup_of(vault), msgspec.structs.replace(LAYOUT, data_keys=data_keys))
    assert vault.databases() == [vault.name]


@pytest.fixture
def slow(vault: Installation) -> Installation:
    """Give an installation whose vault hangs while it is loaded anywhere else."""
    with vault.connect() as connection:
        connection.execute(
            "CREATE FUNCTION hum.hold() RETURNS boolean LANGUAGE plpgsql AS"
            f" $$BEGIN PERFORM pg_sleep(600) WHERE current_database() <> '{vault.name}';"
            " RETURN true; END$$"
        )
        connection.execute("ALTER TABLE vals ADD CHECK (hum.hold())")
    return vault


def test_time_is_limited(slow: Installation) -> None:
    """It ends pg_restore too, and nothing is left."""
    backup = backup_of(slow)
    with pytest.raises(FailedError, match=r"within 1 s|statement timeout"):
        open_it(slow, backup, seconds=1.4)
    assert slow.databases() == [slow.name]
    assert programs_of(slow) == []


def programs_of(installation: Installation) -> list[Path]:
    """The processes that work on a scratch database of this installation."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            text = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"pg_restore" in text and f"{installation.name}_proving".encode() in text:
            found.append(folder)
    return found


def started(installation: Installation, *words: str) -> "subprocess.Popen[bytes]":
    """Start the program and wait until it hangs in a scratch database."""
    place = installation.write_target()
    place.write_text(
        f'{place.read_text()}[vault]\ndata-keys = "{LAYOUT.data_keys}"\nvalues = "{LAYOUT.values}"\n'
    )
    child = subprocess.Popen(
        [PROGRAM, "--target", place, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    with installation.cluster.admin() as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE %s AND wait_event = 'PgSleep'",
                (f"{installation.name}_proving%",),
            ).fetchone()
            if row and row[0]:
                return child
    child.kill()
    raise AssertionError("the program never came to the scratch database")


@pytest.fixture
def hanging(slow: Installation) -> Iterator["subprocess.Popen[bytes]"]:
    """Give a proof that hangs, as a process."""
    child = started(slow, "check", "vault-in-dump", "--backup-set", str(foreign_dump_of(slow).path))
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize("command", [("check", "vault-in-dump"), ("key", "check")])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_end_it_puts_everything_back(
    slow: Installation, command: tuple[str, str], number: signal.Signals
) -> None:
    """In a thread that nobody waits for, and in the main one."""
    child = started(slow, *command, "--backup-set", str(foreign_dump_of(slow).path))
    child.send_signal(number)
    assert child.wait(30) == 130
    assert slow.databases() == [slow.name]
    assert programs_of(slow) == []


def test_what_a_killed_one_left_is_dropped_by_the_next(
    slow: Installation, hanging: "subprocess.Popen[bytes]"
) -> None:
    """While it lives, another proof of the same database leaves it alone."""
    with slow.connect() as connection:
        connection.execute("ALTER TABLE vals DROP CONSTRAINT vals_check")
        connection.execute(f'CREATE DATABASE "{slow.name}_proving_0123456789abcdef"'.encode())
    backup = backup_of(slow)
    alive = [name for name in slow.databases() if re.search("_proving_(?!0123)", name)]
    assert open_it(slow, backup).opened_keys == 3
    assert set(slow.databases()) >= {*alive, slow.name}
    hanging.kill()
    hanging.wait()
    assert open_it(slow, backup).opened_keys == 3
    # A name that this program would not give is somebody else's.
    assert slow.databases() == [slow.name, f"{slow.name}_proving_0123456789abcdef"]


def test_a_killed_pg_restore_is_no_verdict(slow: Installation, hanging: "subprocess.Popen[bytes]") -> None:
    """A signal is never a success: `unknown`, with exit code 4, and nothing is left."""
    for folder in programs_of(slow):
        os.kill(int(folder.name), signal.SIGKILL)
    assert hanging.wait(30) == 4
    assert slow.databases() == [slow.name]


def test_a_server_that_dies_leaves_no_verdict(slow: Installation, hanging: "subprocess.Popen[bytes]") -> None:
    """What stays behind in it is dropped by the next proof."""
    slow.cluster.kill()
    assert hanging.wait(30) == 4
    slow.cluster.start_again()
    with slow.connect() as connection:
        connection.execute("ALTER TABLE vals DROP CONSTRAINT vals_check")
    assert len(slow.databases()) == 2
    assert open_it(slow, backup_of(slow)).opened_keys == 3
    assert slow.databases() == [slow.name]


def test_newer_programs_open_a_dump_on_an_older_server(tmp_path: Path) -> None:
    """pg_restore 17 sets a parameter that PostgreSQL 15 does not know; that one error is no failure."""
    older = Path("/usr/lib/postgresql/15/bin")
    if not older.is_dir():
        pytest.skip(f"no PostgreSQL 15 in {older}")
    with running_cluster(older) as cluster:
        made = install(cluster, tmp_path)
        fill(make_vault(made), tenants=2, values=3)
        newer = find_binaries(cluster.account, named=None, copy_to=cluster.folder / "newer").folder
        made = replace(made, target=msgspec.structs.replace(made.target, postgres_bin=newer))
        if find_tools(made.target).major < 17:
            pytest.skip("no programs of PostgreSQL 17 or newer here")
        backup = backup_of(made)
        assert open_it(made, backup).opened_values == 6
        reading = VaultLayout(data_keys="SELECT tenant, wrapped FROM keys, hum.nothing", values=LAYOUT.values)
        with pytest.raises(FailedError, match="has no vault"):
            open_it(made, backup, reading)


def test_two_proofs_at_once_do_not_disturb_each_other(vault: Installation) -> None:
    """The engine looks while a person does."""
    backup = backup_of(vault)
    with ThreadPoolExecutor(2) as both:
        proofs = [both.submit(open_it, vault, backup) for _ in range(2)]
        assert [one.result().opened_values for one in proofs] == [18, 18]
    assert vault.databases() == [vault.name]


def test_k03_no_secret_is_in_any_argument_or_environment(
    slow: Installation, hanging: "subprocess.Popen[bytes]"
) -> None:
    """K03: neither the master key in any form, nor the password, while the vault is being loaded."""
    forms = (KEY, MASTER_KEY.encode(), KEY.hex().encode(), PASSWORD.encode())
    looked_at = [Path(f"/proc/{hanging.pid}"), *programs_of(slow)]
    assert len(looked_at) > 1
    for folder in looked_at:
        for name in ("cmdline", "environ"):
            text = (folder / name).read_bytes()
            assert not [form for form in forms if form in text], (folder, name)


def restore(installation: Installation, backup: BackupSet) -> Restored:
    """Restore with everything confirmed."""
    return restore_database(
        known(installation),
        backup,
        confirm=owner_of(installation.target).phrase,
        mode="",
        reporter=Reporter.silent(),
        again=True,
    )


def test_k01_a_restore_refuses_a_key_that_opens_nothing(vault: Installation) -> None:
    """Of a dump without a fingerprint: before anything is made. Without a key it may come back."""
    backup = foreign_dump_of(vault)
    for key in (OTHER_KEY, base64.b64encode(bytes(32)).decode()):
        vault.write_env(AIHUMMER_MASTER_KEY=key)
        with pytest.raises(PreconditionError, match=r"wrong key .*opens 0 of 3.*nothing was changed") as told:
            restore(vault, backup)
        assert key not in str(told.value)
        assert vault.databases() == [vault.name]
    vault.write_env(AIHUMMER_MASTER_KEY="")
    assert restore(vault, backup).kept_as
    vault.write_env()
    assert restore(vault, backup).kept_as


def test_a_sealed_fingerprint_is_proof_enough_for_a_restore(
    vault: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dump is not opened a second time; nor for a layout that nobody told."""

    def refuse(*_: object, **__: object) -> Opened:
        raise AssertionError("the vault was opened")

    monkeypatch.setattr("aihummer_drtui.recovery.key.proof.open_vault_in_dump", refuse)
    assert restore(vault, backup_of(vault)).kept_as
    backup = foreign_dump_of(vault)
    with pytest.raises(AssertionError, match="was opened"):
        restore(vault, backup)
    restored = restore_database(
        vault.target,
        backup,
        confirm=owner_of(vault.target).phrase,
        mode="",
        reporter=Reporter.silent(),
        again=True,
    )
    assert restored.kept_as


def test_a_vault_without_its_data_keys_is_no_proof_and_no_wrong_key(vault: Installation) -> None:
    """A tenant that was deleted by half does not stop a recovery; the check tells it."""
    with vault.connect() as connection:
        connection.execute("DELETE FROM keys WHERE tenant LIKE '%2'")
    backup = foreign_dump_of(vault)
    seen = look_at_vault_in_dump(scene(vault, backup))
    assert (seen.verdict, "wrong key" in seen.observed) == (Verdict.FAILED, False)
    assert restore(vault, backup).kept_as


def test_a_dump_of_another_encoding_is_opened(vault: Installation) -> None:
    """Tenants are called as they are called, whether the set tells the encoding or not."""
    latin = f"{vault.name}_latin"
    with vault.connect("postgres") as connection:
        how = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(f'CREATE DATABASE "{latin}" {how}'.encode())
    dsn = vault.target.gateway_env.read_text().split("\n")[0].partition("=")[2]
    vault.write_env(AIHUMMER_DATABASE_URL=dsn.replace(f"/{vault.name}?", f"/{latin}?"))
    make_vault(vault, latin)
    data_key = os.urandom(32)
    with vault.connect(latin) as connection:
        wrapped, sealed = seal_value(KEY, data_key, "Zoë"), seal_value(data_key, b"x", "Zoë/n")
        connection.execute("INSERT INTO keys VALUES ('Zoë', %s)", (wrapped,))
        connection.execute("INSERT INTO vals VALUES ('Zoë', 'n', %s)", (sealed,))
    backup = foreign_dump_of(vault)
    unknown = msgspec.structs.replace(backup.manifest.database, encoding="")
    for manifest in (backup.manifest, msgspec.structs.replace(backup.manifest, database=unknown)):
        assert open_it(vault, BackupSet(path=backup.path, manifest=manifest)).opened_values == 1
